"""A live model that is registered belongs to the run that trained it, as long as it is what the run has kept."""

import gc
from pathlib import Path

import pytest
import torch
from sklearn.linear_model import LogisticRegression, SGDClassifier
from torch import nn

import autotrack
from autotrack.model import origins, pack

X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]


@pytest.fixture(autouse=True)
def _enabled(enabled: Path) -> None:
    """Every test records."""


def last_run_id() -> str:
    run = autotrack.last_run()
    assert run is not None
    return run.id


def test_fitted_estimator_has_the_lineage_and_the_signature_of_its_run() -> None:
    model = LogisticRegression(C=0.5).fit(X, y)
    first = last_run_id()
    LogisticRegression().fit(X, y)
    model.predict(X)
    version = autotrack.register_model(model, "churn")
    assert version.run_id == first
    assert autotrack.load_model("churn", validate="error").predict(X).shape == (4,)
    diff = autotrack.registry.diff("churn", f"run:{first}")
    assert diff["params"].same > 0
    assert diff["params"].is_equal


def test_estimator_that_was_changed_since_is_registered_as_it_is_and_has_no_run() -> None:
    model = LogisticRegression().fit(X, y)
    model.coef_ = model.coef_ * 2
    version = autotrack.register_model(model, "churn")
    assert version.run_id is None
    assert autotrack.load_model("churn").coef_ == pytest.approx(model.coef_)


def test_estimator_that_was_fitted_again_belongs_to_the_later_run() -> None:
    model = LogisticRegression().fit(X, y)
    model.set_params(C=0.1).fit(X, y)
    assert autotrack.register_model(model, "churn").run_id == last_run_id()


def test_estimator_that_is_trained_step_by_step_is_registered_as_it_is_now() -> None:
    model = SGDClassifier(random_state=0)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1])
        version = autotrack.register_model(model, "churn")
        assert autotrack.load_model(f"churn/{version.version}").coef_ == pytest.approx(model.coef_)


def test_torch_module_belongs_to_the_training_that_is_under_way() -> None:
    torch.manual_seed(0)
    net = nn.Linear(1, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    versions = []
    for _ in range(2):
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(torch.tensor(X)), torch.tensor(y)).backward()
            optimizer.step()
        versions.append(autotrack.register_model(net, "net"))
        assert torch.equal(autotrack.load_model(f"net/{len(versions)}").weight, net.weight)
    assert {version.run_id for version in versions} == {last_run_id()}


def test_model_of_a_run_in_another_store_has_no_run_here(tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, y)
    autotrack.enable(store=tmp_path / "other")
    assert autotrack.register_model(model, "churn").run_id is None


def test_models_that_are_gone_leave_nothing_behind() -> None:
    before = len(origins._known)
    model = LogisticRegression()
    pack(model, run_id="a")
    pack(model, run_id="b")
    pack([model], run_id="c")  # a list takes no weak reference
    assert origins.origins(model) == [("b", "model"), ("a", "model")]
    assert len(origins._known) == before + 1
    del model
    gc.collect()
    assert len(origins._known) == before
