"""Ignite: an engine that trains is one run; evaluators give it their metrics."""

import pytest

import autotrack
from recorded import only_run, runs

torch = pytest.importorskip("torch")
ignite = pytest.importorskip("ignite")

from ignite.engine import Engine, Events, create_supervised_evaluator, create_supervised_trainer  # noqa: E402
from ignite.metrics import Accuracy, Loss  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(autouse=True)
def _enabled(store_path):
    autotrack.enable(store=store_path)


def loader(batch_size=10):
    X = torch.arange(160.0).reshape(40, 4).sin()
    data = torch.utils.data.TensorDataset(X, (X.sum(1) > 0).long())
    return torch.utils.data.DataLoader(data, batch_size=batch_size)


def parts():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    return net, torch.optim.SGD(net.parameters(), lr=0.1), torch.nn.CrossEntropyLoss()


def steps(run, metric):
    history = run.history(metric)
    return list(zip(history.steps, history.epochs, strict=True))


def test_a_trainer_and_its_evaluators_are_one_run():
    net, optimizer, criterion = parts()
    trainer = create_supervised_trainer(net, optimizer, criterion)
    judging = create_supervised_evaluator(net, metrics={"right": Accuracy(), "nll": Loss(criterion)})
    train_loader, val_loader, test_loader = loader(), loader(15), loader(20)
    said = []

    @trainer.on(Events.EPOCH_COMPLETED)
    def judge(engine):
        judging.run(train_loader)
        judging.run(val_loader)
        said.append(judging.state.metrics["nll"])

    trainer.run(train_loader, max_epochs=3)
    judging.run(test_loader)
    run = only_run()
    assert steps(run, "train_loss") == [(step, step // 4) for step in range(12)]
    assert steps(run, "val_nll") == steps(run, "val_right") == [(4, 0), (8, 1), (12, 2)]
    assert run.history("val_nll").values == pytest.approx(said)
    assert run.history("val_accuracy").values == pytest.approx(run.history("val_right").values)
    assert steps(run, "train_eval_right") == steps(run, "val_right")
    assert steps(run, "test_right") == [(12, 2)]


def test_epochs_are_the_engines_where_nothing_is_loaded():
    net, optimizer, criterion = parts()
    X, y = next(iter(loader(40)))

    def update(engine, batch):
        optimizer.zero_grad()
        loss = criterion(net(X[batch]), y[batch])
        loss.backward()
        optimizer.step()

    Engine(update).run([slice(0, 20), slice(20, 40)], max_epochs=3)
    assert steps(only_run(), "train_loss") == [(step, step // 2) for step in range(6)]


def test_an_engine_that_goes_on_goes_on_in_its_run_and_one_that_begins_anew_in_another():
    trainer = create_supervised_trainer(*parts())
    trainer.run(loader(), max_epochs=1)
    trainer.run(loader(), max_epochs=2)
    trainer.run(loader(), max_epochs=2)
    first, *later = runs()
    assert steps(first, "train_loss") == [(step, step // 4) for step in range(8)]
    assert [steps(run, "train_loss") for run in later] == [[(step, step // 4) for step in range(8)]]


def test_a_trainer_that_raises_has_failed():
    trainer = create_supervised_trainer(*parts())

    @trainer.on(Events.ITERATION_COMPLETED(once=3))
    def fail(engine):
        raise ValueError("theirs")

    with pytest.raises(ValueError, match="theirs"):
        trainer.run(loader(), max_epochs=2)
    run = only_run()
    assert (run.status, len(run.history("train_loss").values)) == ("failed", 3)


def test_weights_are_the_same_with_and_without():
    def trained():
        net, optimizer, criterion = parts()
        create_supervised_trainer(net, optimizer, criterion).run(loader(), max_epochs=2)
        return torch.cat([part.detach().ravel() for part in net.parameters()])

    recorded = trained()
    autotrack.disable()
    assert torch.equal(recorded, trained())
