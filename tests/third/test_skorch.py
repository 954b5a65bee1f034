"""skorch: PyTorch modules with scikit-learn's interface."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, train_test_split

import autotrack
from recorded import only_run, runs

skorch = pytest.importorskip("skorch")
torch = pytest.importorskip("torch")

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X.astype("float32"), y, random_state=0)


class Net(torch.nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Linear(width, 3), torch.nn.Softmax(-1)
        )

    def forward(self, X):
        return self.layers(X)


@pytest.fixture(autouse=True)
def _enabled(store_path):
    torch.manual_seed(0)
    autotrack.enable(store=store_path)


def net(**params):
    return skorch.NeuralNetClassifier(Net, max_epochs=3, lr=0.1, verbose=0, callbacks__print_log=None, **params)


def test_net_is_recorded_with_its_epochs_as_curves():
    model = net(module__width=5).fit(X_train, y_train)
    score = model.score(X_test, y_test)
    run = only_run()
    assert (run.name, run.status) == ("NeuralNetClassifier", "finished")
    assert run.params["module__width"] == 5
    assert run.metrics["test_score"] == score
    assert run.history("train_loss").values == pytest.approx(list(model.history[:, "train_loss"]))


def test_training_on_is_the_same_run():
    model = net().fit(X_train, y_train)
    model.partial_fit(X_train, y_train)
    assert only_run().history("fit_time_s").steps == [0, 1]


def test_the_loop_inside_is_no_run_of_its_own_and_epochs_are_as_many_as_were_trained():
    net().fit(X_train, y_train)
    run = only_run()
    assert not run.children
    assert run.history("train_loss").steps == run.history("val_loss").steps == [0, 1, 2]
    assert "optimizer.lr" not in run.params
    assert run.params["lr"] == 0.1


def test_a_net_beside_a_loop_of_the_users_is_a_run_of_its_own():
    own, X = torch.nn.Linear(4, 1), torch.ones(8, 4)
    optimizer = torch.optim.SGD(own.parameters(), lr=0.1)
    for _epoch in range(3):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(own(X), torch.zeros(8, 1))
        loss.backward()
        optimizer.step()
        net().fit(X_train, y_train)
    loop, *nets = sorted(runs(), key=lambda run: run.name != "Linear")
    assert len(loop.history("train_loss").values) == 3
    assert [each.name for each in nets] == ["NeuralNetClassifier"] * 3


def test_a_net_that_raises_has_failed():
    class Failing(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **_):
            if len(net.history) == 2:
                raise ValueError("theirs")

    with pytest.raises(ValueError, match="theirs"):
        net(callbacks=[Failing()]).fit(X_train, y_train)
    run = only_run()
    assert run.status == "failed"
    assert "theirs" in run.error


def test_nets_in_a_search_belong_to_it():
    GridSearchCV(net(), {"module__width": [2, 3]}, cv=2).fit(X_train, y_train)
    assert len(only_run().children) == 2


def test_weights_are_the_same_with_and_without():
    def weights():
        torch.manual_seed(1)
        model = net().fit(X_train, y_train)
        return np.concatenate([part.detach().numpy().ravel() for part in model.module_.parameters()])

    recorded = weights()
    autotrack.disable()
    assert np.array_equal(recorded, weights())
