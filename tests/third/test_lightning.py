"""Lightning, in both its packages: a run per fit, with what `self.log` says, and evaluations where they belong."""

import importlib
import math
import subprocess
import sys
import textwrap

import pytest

import autotrack
from recorded import only_run, runs

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("pytorch_lightning")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture(params=["lightning", "pytorch_lightning"])
def pl(request, store_path):
    autotrack.enable(store=store_path)
    torch.manual_seed(0)
    return importlib.import_module(request.param)


def lightning_module(pl, fails_at=None):
    class Net(pl.LightningModule):
        def __init__(self, width=8, lr=0.1, notes=None):
            super().__init__()
            self.save_hyperparameters()
            self.layers = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

        def training_step(self, batch, index):
            if index == fails_at:
                raise ValueError("theirs")
            X, y = batch
            loss = torch.nn.functional.cross_entropy(self.layers(X), y)
            self.log("my_loss", loss)
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch, index):
            X, y = batch
            self.log("val_loss", torch.nn.functional.cross_entropy(self.layers(X), y))
            self.log("val_margin", self.layers(X).abs().mean())

        def test_step(self, batch, index):
            X, y = batch
            self.log("test_loss", torch.nn.functional.cross_entropy(self.layers(X), y))

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.lr)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]

    return Net


def loader(batch_size=10):
    X = torch.arange(160.0).reshape(40, 4).sin()
    data = torch.utils.data.TensorDataset(X, (X.sum(1) > 0).long())
    return torch.utils.data.DataLoader(data, batch_size=batch_size)


def trainer(pl, **arguments):
    off = ("enable_progress_bar", "enable_model_summary", "logger", "enable_checkpointing")
    return pl.Trainer(accelerator="cpu", log_every_n_steps=1, **{**dict.fromkeys(off, False), **arguments})


def steps(run, metric):
    history = run.history(metric)
    return list(zip(history.steps, history.epochs, strict=True))


def test_a_fit_is_one_run_with_its_epochs_and_settings(pl):
    net = lightning_module(pl)(width=5)
    trainer(pl, max_epochs=3, gradient_clip_val=0.5).fit(net, loader(), loader(15))
    run = only_run()
    assert (run.name, run.status) == ("Net", "finished")
    assert steps(run, "train_loss") == [(step, step // 4) for step in range(12)]
    assert run.history("my_loss").values == pytest.approx(run.history("train_loss").values)
    assert run.history("lr").values == [0.1, 0.05, 0.025]
    assert (run.params["width"], run.params["model.width"], run.params["model"]) == (5, 5, "Net")
    assert (run.params["optimizer"], run.params["scheduler"]) == ("SGD", "StepLR")
    assert {key for key in run.params if key.startswith("trainer.")} == {
        "trainer.max_epochs",
        "trainer.gradient_clip_val",
    }


def test_validation_is_what_the_module_logs_and_the_sanity_check_is_none(pl):
    net = lightning_module(pl)()
    using = trainer(pl, max_epochs=2)
    using.fit(net, loader(), loader(15))
    run = only_run()
    assert steps(run, "val_loss") == steps(run, "val_margin") == [(4, 0), (8, 1)]
    # Of batches of 15, 15 and 10: Lightning's mean is that of the samples.
    assert run.metrics["val_loss"] == pytest.approx(using.callback_metrics["val_loss"].item())
    assert 0 <= run.metrics["val_accuracy"] <= 1
    assert run.params["best_step"] in (4, 8)


def test_a_test_after_the_fit_belongs_to_its_run_and_one_of_another_module_to_none(pl):
    net = lightning_module(pl)()
    using = trainer(pl, max_epochs=1)
    using.fit(net, loader())
    (tested,) = trainer(pl).test(net, loader(), verbose=False)
    trainer(pl).test(lightning_module(pl)(), loader(), verbose=False)
    run = only_run()
    assert run.history("test_loss").values == pytest.approx([tested["test_loss"]])
    assert run.status == "finished"


def test_each_fit_of_a_trainer_is_a_run_of_its_own(pl):
    using = trainer(pl, max_epochs=2)
    first, second = lightning_module(pl)(width=3), lightning_module(pl)(width=4)
    using.fit(first, loader(), loader())
    using.fit_loop.max_epochs = 3
    using.fit(second, loader(), loader())
    one, other = runs()
    assert (one.params["width"], other.params["width"]) == (3, 4)
    assert [epoch for _, epoch in steps(one, "train_loss")] == [0] * 4 + [1] * 4
    assert [epoch for _, epoch in steps(other, "train_loss")] == [2] * 4
    assert (steps(one, "val_loss"), steps(other, "val_loss")) == ([(4, 0), (8, 1)], [(4, 2)])


def test_a_fit_that_raises_has_failed(pl):
    with pytest.raises(ValueError, match="theirs"):
        trainer(pl, max_epochs=2).fit(lightning_module(pl, fails_at=2)(), loader())
    run = only_run()
    assert run.status == "failed"
    assert "theirs" in run.error
    assert len(run.history("train_loss").values) == 2


def test_fits_in_a_run_of_the_users_are_in_it(pl):
    with autotrack.start_run("mine") as run:
        trainer(pl, max_epochs=1, accumulate_grad_batches=2).fit(lightning_module(pl)(), loader())
    assert steps(run, "train_loss") == [(0, 0), (1, 0)]
    assert run.params["trainer.accumulate_grad_batches"] == 2
    assert only_run().id == run.id


def test_optimizers_of_one_module_are_one_training_with_a_loss_each(pl):
    class Pair(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.made, self.judge = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)

        def training_step(self, batch, index):
            first, second = self.optimizers()
            made_loss = self.judge(self.made(batch[0])).square().mean()
            first.zero_grad()
            self.manual_backward(made_loss)
            first.step()
            judge_loss = (self.judge(batch[0]) - 1).square().mean()
            second.zero_grad()
            self.manual_backward(judge_loss)
            second.step()

        def configure_optimizers(self):
            return [torch.optim.SGD(part.parameters(), lr=0.1) for part in (self.made, self.judge)]

    trainer(pl, max_epochs=2).fit(Pair(), loader())
    run = only_run()
    assert steps(run, "made_loss") == steps(run, "judge_loss") == [(step, step // 4) for step in range(8)]
    assert set(run.to_dict()["models"]) >= {"model"}


def test_the_search_for_a_learning_rate_is_no_training(pl):
    tuner = importlib.import_module(
        f"{pl.__name__}.pytorch.tuner" if pl.__name__ == "lightning" else f"{pl.__name__}.tuner"
    )
    using, net = trainer(pl, max_epochs=1), lightning_module(pl)()
    tuner.Tuner(using).lr_find(net, loader(), num_training=5, update_attr=False)
    using.fit(net, loader())
    assert len(only_run().history("train_loss").values) == 4


def test_weights_and_what_is_logged_are_the_same_with_and_without(pl):
    def fitted():
        torch.manual_seed(1)
        net, using = lightning_module(pl)(), trainer(pl, max_epochs=2)
        using.fit(net, loader(), loader(15))
        logged = {name: value.item() for name, value in using.callback_metrics.items()}
        return torch.cat([part.detach().ravel() for part in net.parameters()]), logged, torch.rand(1)

    recorded = fitted()
    autotrack.disable()
    plain = fitted()
    assert torch.equal(recorded[0], plain[0])
    assert recorded[1] == plain[1]
    assert torch.equal(recorded[2], plain[2])


SCRIPT = """
    import sys, lightning, torch

    class Net(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 2)

        def forward(self, X):
            return self.layer(X)

        def training_step(self, batch, index):
            return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    if __name__ == "__main__":
        import autotrack
        autotrack.enable(store=sys.argv[1])
        data = torch.utils.data.TensorDataset(torch.randn(40, 4), torch.arange(40) % 2)
        net = Net()
        lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
                          enable_progress_bar=False).fit(net, torch.utils.data.DataLoader(data, batch_size=10))
        print(net(torch.ones(1, 4)).tolist())
"""


def test_the_module_loads_again_with_the_weights_of_the_last_step(tmp_path, store_path):
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, str(path), str(store_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    autotrack.enable(store=store_path)
    loaded = autotrack.load_model(f"runs:/{only_run().id}/model")
    with torch.no_grad():
        said = loaded.eval()(torch.ones(1, 4)).tolist()
    assert all(math.isclose(*pair) for pair in zip(said[0], eval(done.stdout.splitlines()[-1])[0], strict=True))


def test_a_logger_of_the_users_makes_no_second_record(pl, tmp_path):
    loggers = importlib.import_module(
        f"{pl.__name__}.pytorch.loggers" if pl.__name__ == "lightning" else f"{pl.__name__}.loggers"
    )
    using = trainer(pl, max_epochs=2, logger=loggers.TensorBoardLogger(str(tmp_path / "logs")))
    using.fit(lightning_module(pl)(), loader(), loader())
    run = only_run()
    assert len(run.history("my_loss").values) == 8
    assert run.history("val_loss").steps == run.history("val_margin").steps == [4, 8]
    assert not {"epoch", "hp_metric"} & run.metrics.keys()
