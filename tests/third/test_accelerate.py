"""Accelerate: the loop is the user's own, and is recorded as such through all that `prepare` wraps."""

import pytest

import autotrack
from recorded import only_run

torch = pytest.importorskip("torch")
accelerate = pytest.importorskip("accelerate")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(autouse=True)
def _enabled(store_path):
    autotrack.enable(store=store_path)


class Net(torch.nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

    def forward(self, X):
        return self.layers(X)


def loader(**arguments):
    X = torch.arange(160.0).reshape(40, 4).sin()
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, (X.sum(1) > 0).long()), **arguments)


def trained(epochs=3):
    torch.manual_seed(0)
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
    accelerator.init_trackers("project", config={"told": 3})
    net = Net()
    optimizer, criterion = torch.optim.SGD(net.parameters(), lr=0.1), torch.nn.CrossEntropyLoss()
    model, optimizer, train_loader, val_loader = accelerator.prepare(
        net, optimizer, loader(batch_size=5, shuffle=True), loader(batch_size=20)
    )
    for epoch in range(epochs):
        model.train()
        for X, y in train_loader:
            with accelerator.accumulate(model):
                loss = criterion(model(X), y)
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        right = 0
        for X, y in val_loader:
            with torch.no_grad():
                out = model(X)
                criterion(out, y)
            right += accelerator.gather_for_metrics(out.argmax(1) == y).sum().item()
        accelerator.log({"last": loss, "val_share": right / 40}, step=epoch)
    return torch.cat([part.detach().ravel() for part in net.parameters()])


def test_a_prepared_loop_is_one_run_with_its_steps_epochs_and_settings():
    trained()
    run = only_run()
    history = run.history("train_loss")
    assert list(zip(history.steps, history.epochs, strict=True)) == [(step, step // 4) for step in range(12)]
    assert all(0.4 < loss < 1 for loss in history.values)
    assert (run.params["model"], run.params["model.width"], run.params["told"]) == ("Net", 8, 3)
    assert (run.params["loader.batch_size"], run.params["loader.shuffle"]) == (5, True)


def test_what_is_logged_is_recorded_without_a_tracker():
    trained()
    run = only_run()
    assert run.history("val_share").values == pytest.approx(run.history("val_accuracy").values)
    assert run.history("val_share").steps == run.history("val_loss").steps == [4, 8, 12]
    assert len(run.history("last").values) == 3


def test_two_losses_are_told_apart():
    accelerator = accelerate.Accelerator(cpu=True)
    made, judge = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)
    first, second = (torch.optim.SGD(part.parameters(), lr=0.1) for part in (made, judge))
    made, judge, first, second = accelerator.prepare(made, judge, first, second)
    X = torch.ones(5, 4)
    for _epoch in range(3):
        made_loss = judge(made(X)).square().mean()
        first.zero_grad()
        accelerator.backward(made_loss)
        first.step()
        judge_loss = (judge(X) - 1).square().mean()
        second.zero_grad()
        accelerator.backward(judge_loss)
        second.step()
    run = only_run()
    assert len(run.history("made_loss").values) == len(run.history("judge_loss").values) == 3


def test_weights_are_the_same_with_and_without():
    recorded = trained()
    autotrack.disable()
    assert torch.equal(recorded, trained())
