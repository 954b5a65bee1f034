"""The best trial's model is kept and registered; a study is rebuilt from its record."""

import optuna
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import autotrack

optuna.logging.set_verbosity(optuna.logging.ERROR)
X, y = load_iris(return_X_y=True)
RISING = [0.1, 0.5, 0.2, 0.9, 0.3, 0.7]


def objective(trial):
    trial.suggest_float("x", 0, 1)
    DecisionTreeClassifier(max_depth=trial.number + 1, random_state=trial.number).fit(X, y)
    return RISING[trial.number]


def tune(store_path, **settings):
    autotrack.enable(store=store_path, **settings)
    study = optuna.create_study(direction="maximize")
    study.optimize(objective, n_trials=len(RISING))
    return autotrack.search_runs("parent is null")[0]


@pytest.mark.parametrize(
    ("keep", "kept"), [("best", [3]), (2, [3, 5]), (None, [1, 3, 5]), ("all", [0, 1, 2, 3, 4, 5]), (0, [])]
)
def test_models_of_the_best_trials_are_kept(keep, kept, store_path):
    run = tune(store_path, keep_models=keep)
    assert [int(t.tags["trial"]) for t in run.trials() if t.models] == kept
    dropped = [t for t in run.trials() if not t.models]
    assert all("keep_models" in t.lacks["model"] for t in dropped)


def test_bytes_of_dropped_models_are_gone(store_path):
    few = tune(store_path / "few", keep_models="best")
    blobs = list((store_path / "few" / "blobs").rglob("*"))
    named = {few.best.models["model"], *(file["sha256"] for file in few.best.model["files"])}
    pickles = [path for path in blobs if path.is_file() and path.read_bytes()[:1] == b"\x80"]
    assert {path.name for path in pickles} <= named


def test_best_model_is_registered_and_loaded_by_name(store_path):
    run = tune(store_path)
    assert run.best.model["model_class"].endswith("DecisionTreeClassifier")
    version = autotrack.register_model(run, "tree", alias="champion")
    assert version.run_id == run.best.id
    assert autotrack.load_model("tree@champion").max_depth == 4
    assert autotrack.load_model(f"run:{run.id}").max_depth == 4
    assert autotrack.register_model(run.best, "tree") == autotrack.registry.get("tree")


def test_bytes_that_somebody_else_has_put_stay(store_path):
    autotrack.enable(store=store_path)
    with autotrack.start_run("any") as run:
        blobs = run.store.blobs
    sha256, put_ns = blobs.put_timed(b"model")
    assert blobs.put_timed(b"model") == (sha256, None)
    blobs.discard(sha256, put_ns)
    assert blobs.get(sha256) == b"model"
    other, put_ns = blobs.put_timed(b"other")
    blobs.discard(other, put_ns)
    assert not blobs.has(other)


def test_rebuilt_study_is_the_study(store_path):
    autotrack.enable(store=store_path)

    def searched(trial):
        value = trial.suggest_float("lr", 1e-5, 1.0, log=True) + trial.suggest_int("n", 2, 10, step=2)
        value += {"a": 0, 2: 1, None: 2, True: 3}[trial.suggest_categorical("kind", ["a", 2, None, True])]
        if trial.number % 3 == 0:
            value += trial.suggest_float("only sometimes", 0, 1)
        trial.report(value, 0)
        trial.set_user_attr("note", [1, "two"])
        trial.set_user_attr("text", "7")
        if trial.number == 5:
            raise optuna.TrialPruned
        return value

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.set_user_attr("who", "me")
    study.optimize(searched, n_trials=20)
    run = autotrack.search_runs("parent is null")[0]
    again = run.to_study()
    assert again.user_attrs == study.user_attrs
    for theirs, ours in zip(study.trials, again.trials, strict=True):
        assert (ours.number, ours.state, ours.params) == (theirs.number, theirs.state, theirs.params)
        assert (ours.distributions, ours.user_attrs) == (theirs.distributions, theirs.user_attrs)
        assert ours.intermediate_values == theirs.intermediate_values
        assert ours.values == theirs.values
    assert again.best_trial.number == study.best_trial.number
    assert "lr" in optuna.importance.get_param_importances(again)
    assert len(autotrack.search_runs("parent is null")) == 1


def test_trials_are_a_table(store_path):
    run = tune(store_path)
    table = run.trials().to_pandas()
    assert list(table["value"]) == RISING
    assert list(table["params.x"]) == [t.params["x"] for t in run.trials()]
    assert run.trials().to_arrow().num_rows == run.trials().to_polars().height == len(RISING)
    assert str(run.trials()).splitlines()[0].split() == ["number", "state", "value", "x", "duration_s"]


def test_run_that_is_no_study_has_no_best_trial(store_path):
    autotrack.enable(store=store_path)
    DecisionTreeClassifier().fit(X, y)
    run = autotrack.last_run()
    with pytest.raises(autotrack.AutotrackError, match="neither a study nor a search"):
        _ = run.best.params
    with pytest.raises(autotrack.AutotrackError, match="is no study"):
        run.to_study()
    with pytest.raises(autotrack.AutotrackError, match="has no metric"):
        run.best("loss")
