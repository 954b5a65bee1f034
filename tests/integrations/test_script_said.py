"""Numbers that a script shows are heard by whoever listens, as the script says them, and nothing else happens."""

import os
import sys
import threading

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from autotrack.run import heard
from autotrack_integrations.script import said, screen
from autotrack_integrations.script.lines import numbers_in


@pytest.fixture
def listening():
    """What is said from here on, as (source, values, step)."""
    patches = []
    for watch in (said.watch_tensorboard, said.watch_torchmetrics, said.watch_tqdm, screen.watch_print):
        patches += watch()
    told = []
    stop = heard.listen(lambda *words: told.append(words))
    yield told
    stop()
    for patch in reversed(patches):
        patch.undo()


# ---- who listens


def test_a_listener_hears_its_own_thread_only(listening):
    other = threading.Thread(target=print, args=("loss: 0.5",))
    other.start()
    other.join()
    assert listening == []
    print("loss: 0.25")
    assert listening == [("printed", {"loss": 0.25}, None)]


def is_watched():
    return "write" in vars(sys.stdout)


def test_prints_are_watched_only_while_somebody_listens():
    (patch,) = screen.watch_print()
    assert not is_watched()
    stop, stop_other = heard.listen(lambda *_: None), heard.listen(lambda *_: None)
    assert is_watched()
    stop()
    stop()
    assert is_watched()
    stop_other()
    assert not is_watched()
    stop = heard.listen(lambda *_: None)
    patch.undo()
    assert not is_watched()
    stop()


def test_what_holds_print_can_be_pickled_meanwhile(listening):
    import pickle

    assert pickle.loads(pickle.dumps({"sink": print})) == {"sink": print}


def test_listening_can_be_stopped_from_another_thread():
    stops = []
    thread = threading.Thread(target=lambda: stops.append(heard.listen(lambda *_: None)))
    thread.start()
    thread.join()
    (patch,) = screen.watch_print()
    assert is_watched()
    stops[0]()
    assert not is_watched()
    patch.undo()


def test_a_forked_child_is_not_heard(listening):
    child = os.fork()
    if child == 0:
        print("loss: 0.5")
        os._exit(len(listening) + 2 * heard.is_listening())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert heard.is_listening()


# ---- TensorBoard


def test_scalars_for_tensorboard_keep_their_tags_and_steps(listening, tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("Loss/train", 0.5, 3)
        writer.add_scalar("Loss/val", torch.tensor(0.25), global_step=torch.tensor(4))
        writer.add_scalar(tag="acc", scalar_value=torch.tensor([0.75], requires_grad=True))
        writer.add_scalars("both", {"a": 1, "b": torch.tensor(2, dtype=torch.bfloat16)}, 5)
    assert listening == [
        ("tensorboard", {"Loss/train": 0.5}, 3),
        ("tensorboard", {"Loss/val": 0.25}, 4),
        ("tensorboard", {"acc": 0.75}, None),
        ("tensorboard", {"both/a": 1.0, "both/b": 2.0}, 5),
    ]


def test_hparams_for_tensorboard_are_settings_and_metrics_once_each(listening, tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams({"lr": 0.1, "net": "mlp"}, {"hparam/accuracy": 0.9})
    assert heard.settings() == {"lr": 0.1, "net": "mlp"}
    assert listening == [("tensorboard", {"hparam/accuracy": 0.9}, None)]


def test_a_tensor_that_is_not_on_the_cpu_is_not_read():
    assert said.as_number(torch.empty((), device="meta")) is None
    assert said.as_number(torch.tensor([1.0, 2.0])) is None
    assert said.as_number(torch.tensor(True)) is None
    assert said.as_number(True) is None
    assert said.as_number("3") is None
    assert said.as_number(torch.tensor(float("inf"))) == float("inf")


def test_reading_a_tensor_is_no_item_call(monkeypatch):
    def item(self):
        raise AssertionError("read")

    monkeypatch.setattr(torch.Tensor, "item", item)
    monkeypatch.setattr(torch.Tensor, "__float__", item)
    assert said.as_number(torch.tensor(0.5, requires_grad=True)) == 0.5


# ---- torchmetrics


def test_a_metric_is_heard_when_the_script_computes_it_under_its_variables_name(listening):
    from torchmetrics.classification import MulticlassAccuracy

    val_acc = MulticlassAccuracy(num_classes=3, average="micro")
    batch = val_acc(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 2, 1]))
    assert (batch.item(), listening) == (0.75, [])
    assert val_acc.compute().item() == 0.75
    val_acc.compute()
    assert listening == [("torchmetrics", {"val_acc": 0.75}, None)]


def test_a_metric_without_a_telling_name_is_called_what_it_is(listening):
    from torchmetrics.classification import BinaryF1Score
    from torchmetrics.regression import MeanSquaredError

    def compute(metric):
        metric.update(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0]))
        return metric.compute()

    class Module:
        def __init__(self):
            self.error = MeanSquaredError()

        def end(self):
            self.error.update(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0]))
            return self.error.compute()

    compute(BinaryF1Score())
    Module().end()
    assert [values for _, values, _ in listening] == [{"binary_f1_score": 1.0}, {"error": 0.5}]


def test_a_collection_of_metrics_is_heard_once_by_its_keys(listening):
    from torchmetrics import MetricCollection
    from torchmetrics.classification import BinaryAccuracy, BinaryF1Score

    metrics = MetricCollection({"acc": BinaryAccuracy(), "F1": BinaryF1Score()}, prefix="val_")
    metrics.update(torch.tensor([0, 1]), torch.tensor([0, 1]))
    assert set(metrics.compute()) == {"val_acc", "val_F1"}
    assert listening == [("torchmetrics", {"val_acc": 1.0, "val_f1": 1.0}, None)]


def test_a_metric_inside_another_is_not_heard_on_its_own(listening):
    from torchmetrics.regression import MeanSquaredError
    from torchmetrics.wrappers import MinMaxMetric

    spread = MinMaxMetric(MeanSquaredError())
    spread.update(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0]))
    assert set(spread.compute()) == {"raw", "max", "min"}
    assert listening == []


# ---- progress bars


def test_postfixes_of_a_progress_bar_are_heard(listening):
    with tqdm(total=1, disable=True) as bar:
        bar.set_postfix({"Train Loss": 0.5}, acc="93.5%", lr=torch.tensor(0.1), what=object())
        bar.set_postfix(loss=0.25)
        bar.set_postfix_str("loss=0.125, step=3")
        bar.set_description(f"Epoch {3} | loss: {0.0625:.4f}")
    assert [source for source, *_ in listening] == ["progress bar"] * 4
    values = [values for _, values, _ in listening]
    assert values[0].pop("lr") == pytest.approx(0.1)
    assert values == [{"acc": 93.5, "train_loss": 0.5}, {"loss": 0.25}, {"loss": 0.125}, {"loss": 0.0625}]


# ---- printed lines


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("Epoch 3 | train loss: 0.31, acc=97.5%", {"train_loss": 0.31, "acc": 97.5}),
        ("step 100: train loss 2.3456, val loss 2.4567", {"train_loss": 2.3456, "val_loss": 2.4567}),
        (
            "Test set: Average loss: 0.0456, Accuracy: 9845/10000 (98%)",
            {"average_loss": 0.0456, "accuracy": 0.9845},
        ),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.304500", {"loss": 2.3045}),
        ("[1/5][20/1583] Loss_D: 0.51 Loss_G: 3.2e-05", {"loss_d": 0.51, "loss_g": 3.2e-05}),
        ("{'loss': 0.5, 'acc': 1}", {"loss": 0.5, "acc": 1.0}),
        ("loss:nan grad norm = inf", {"loss": float("nan"), "grad_norm": float("inf")}),
        ("Accuracy 93.50%", {"accuracy": 93.5}),
        ("parameters: 1,234,567", {"parameters": 1234567.0}),
        ("val-acc: -0.5\nval-acc: 0.5", {"val_acc": 0.5}),
        ("2024-01-01 12:30:05 INFO loss=0.5", {"info_loss": 0.5}),
        ("Using device: cuda:0", {}),
        ("http://localhost:8080 localhost:8080", {}),
        ("Epoch: 3/10, step=5", {}),
        ("took 3.2s, time: 12ms", {}),
        ("Python 3.11 is here, version=2.13.0", {}),
        ("100 samples, 3 layers", {}),
        ("", {}),
    ],
)
def test_numbers_in_a_line_are_those_that_stand_after_their_name(line, numbers):
    found = numbers_in(line)
    assert found == pytest.approx(numbers, nan_ok=True)


def test_a_line_of_any_length_is_read_in_time_that_grows_with_it():
    assert numbers_in("loss " * 20_000) == {}
    assert numbers_in("a" * 100_000) == {}


def test_printed_lines_are_heard(listening):
    print("epoch", 3, "loss:", 0.5)
    print("acc: 0.75", end="!\n")
    print("loss", "0.5", sep="=")
    assert [values for _, values, _ in listening] == [{"loss": 0.5}, {"acc": 0.75}, {"loss": 0.5}]


def test_objects_are_shown_once(listening):
    shown = []

    class Loss:
        def __str__(self):
            shown.append(1)
            return "0.5"

    print("loss:", Loss(), "acc: 0.25")
    assert len(shown) == 1
    assert listening == [("printed", {"loss": 0.5, "acc": 0.25}, None)]


def test_lines_for_elsewhere_are_not_heard(listening, tmp_path, capsys):
    print("loss: 0.5", file=sys.stderr)
    with open(tmp_path / "log", "w") as file:
        print("loss: 0.5", file=file)
    assert listening == []


def test_a_print_that_fails_fails_as_it_would_and_is_not_heard(listening):
    with pytest.raises(TypeError, match="sep must be None or a string"):
        print("loss: 0.5", sep=3)
    assert listening == []


@pytest.mark.slow
def test_print_in_a_compiled_function_is_heard_and_breaks_its_graph_no_more_than_before(run_python, store_path):
    graphs, heard_there = run_python(f"""
        import json
        import autotrack
        import torch
        autotrack.enable(store={str(store_path)!r})
        graphs = []

        def backend(graph, inputs):
            graphs.append(graph)
            return graph.forward

        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        @torch.compile(backend=backend)
        def forward(x):
            y = model(x).sum()
            print("acc: 0.5")
            return y * 1

        for _ in range(3):
            loss = forward(torch.ones(2))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        (run,) = autotrack.search_runs()
        print(json.dumps([len(graphs), run.metrics.get("acc")]))
    """)
    assert graphs == 2  # before and after the print
    assert heard_there == 0.5


# ---- undo


def test_undo_leaves_every_function_as_it_was():
    import torchmetrics

    owners = (SummaryWriter, torchmetrics.metric, torchmetrics.MetricCollection, tqdm)
    before = [dict(vars(owner)) for owner in owners]
    patches = [*said.watch_tensorboard(), *said.watch_torchmetrics(), *said.watch_tqdm(), *screen.watch_print()]
    assert [dict(vars(owner)) for owner in owners] != before
    for patch in reversed(patches):
        patch.undo()
    assert [dict(vars(owner)) for owner in owners] == before
