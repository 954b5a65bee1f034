"""Transformers: a run per `Trainer.train`, with evaluations where they belong and the true loss."""

import math

import pytest

import autotrack
from recorded import only_run, runs

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture(autouse=True)
def _enabled(store_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    autotrack.enable(store=store_path)


class Sentences(torch.utils.data.Dataset):
    """Of 8 tokens each, with a label."""

    def __init__(self, number=40, is_text=False):
        tokens = torch.arange(number * 8).reshape(number, 8) * 7 % 50
        self.rows = []
        for index, row in enumerate(tokens):
            labels = torch.where(row % 3 == 0, -100, row) if is_text else torch.tensor(index % 2)
            self.rows.append({"input_ids": row, "labels": labels})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def classifier():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    return transformers.BertForSequenceClassification(config)


def trainer(tmp_path, model=None, kind=transformers.Trainer, data=None, **arguments):
    usual = {"num_train_epochs": 3, "per_device_train_batch_size": 5, "learning_rate": 1e-3, "eval_strategy": "epoch"}
    usual |= {"logging_steps": 1, "save_strategy": "no", "report_to": [], "use_cpu": True, "disable_tqdm": True}
    return kind(
        model=classifier() if model is None else model,
        args=transformers.TrainingArguments(output_dir=str(tmp_path / "out"), **{**usual, **arguments}),
        train_dataset=data or Sentences(),
        eval_dataset=data or Sentences(),
        compute_metrics=None if data else share_right,
    )


def share_right(predicted):
    return {"share_right": float((predicted.predictions.argmax(1) == predicted.label_ids).mean())}


def steps(run, metric):
    history = run.history(metric)
    return list(zip(history.steps, history.epochs, strict=True))


def test_training_is_one_run_with_its_epochs_losses_and_changed_settings(tmp_path):
    trainer(tmp_path, gradient_accumulation_steps=2).train()
    run = only_run()
    assert (run.name, run.status) == ("BertForSequenceClassification", "finished")
    assert steps(run, "train_loss") == [(step, step // 4) for step in range(12)]
    assert all(0.5 < loss < 0.9 for loss in run.history("train_loss").values)
    assert run.params["num_train_epochs"] == 3
    assert run.params["gradient_accumulation_steps"] == 2
    assert run.params["model.config.hidden_size"] == 16
    assert (run.params["loader.batch_size"], run.params["loader.shuffle"]) == (5, True)
    assert not run.params.keys() & {"adam_beta1", "fp16", "warmup_steps"}


def test_each_evaluation_is_recorded_with_the_users_metrics(tmp_path):
    using = trainer(tmp_path)
    using.train()
    logged = [entry for entry in using.state.log_history if "eval_loss" in entry]
    run = only_run()
    assert steps(run, "val_loss") == steps(run, "val_share_right") == [(8, 0), (16, 1), (24, 2)]
    assert run.history("val_loss").values == pytest.approx([entry["eval_loss"] for entry in logged])
    assert run.history("val_accuracy").values == pytest.approx(run.history("val_share_right").values)
    said = using.evaluate()
    assert run.history("val_loss").values[-1] == pytest.approx(said["eval_loss"])
    assert len(run.history("val_loss").values) == 4


def test_training_again_is_a_run_of_its_own(tmp_path):
    using = trainer(tmp_path, num_train_epochs=1)
    using.train()
    using.train()
    one, other = runs()
    assert steps(one, "train_loss") == steps(other, "train_loss") == [(step, 0) for step in range(8)]
    assert one.history("train_loss").values != other.history("train_loss").values
    assert steps(other, "val_loss") == [(8, 0)]


def test_training_that_raises_has_failed(tmp_path):
    class Failing(transformers.Trainer):
        def training_step(self, *args, **kwargs):
            if self.state.global_step == 3:
                raise ValueError("theirs")
            return super().training_step(*args, **kwargs)

    with pytest.raises(ValueError, match="theirs"):
        trainer(tmp_path, kind=Failing).train()
    run = only_run()
    assert run.status == "failed"
    assert len(run.history("train_loss").values) == 3


def test_evaluation_of_a_model_that_was_not_trained_is_of_no_training(tmp_path):
    trainer(tmp_path, num_train_epochs=1).train()
    trainer(tmp_path).evaluate()
    assert len(only_run().history("val_loss").values) == 1


def test_weights_are_the_same_with_and_without(tmp_path):
    def trained():
        model = classifier()
        trainer(tmp_path, model, num_train_epochs=1).train()
        return torch.cat([part.detach().ravel() for part in model.parameters()]), torch.rand(1)

    recorded = trained()
    autotrack.disable()
    plain = trained()
    assert torch.equal(recorded[0], plain[0])
    assert torch.equal(recorded[1], plain[1])


def test_the_model_loads_again(tmp_path):
    model = classifier()
    trainer(tmp_path, model, num_train_epochs=1).train()
    loaded = autotrack.load_model(f"run:{only_run().id}")
    tokens = torch.arange(8)[None]
    with torch.no_grad():
        assert torch.equal(loaded.eval()(tokens).logits, model.eval()(tokens).logits)


def test_the_loss_of_a_language_model_is_per_token_that_counts(tmp_path):
    torch.manual_seed(0)
    off = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = transformers.GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2, n_positions=8, **off)
    config.bos_token_id = config.eos_token_id = config.pad_token_id = 0
    using = trainer(
        tmp_path,
        transformers.GPT2LMHeadModel(config),
        data=Sentences(20, is_text=True),
        num_train_epochs=1,
        gradient_accumulation_steps=2,
        learning_rate=0.0,
    )
    using.train()
    run = only_run()
    # It has learnt nothing: each of 50 tokens is as likely. Transformers divides by tokens that have no successor, too.
    assert run.metrics["train_loss_epoch"] == pytest.approx(math.log(50), rel=0.02)
    assert run.metrics["val_loss"] == pytest.approx(using.state.log_history[-2]["eval_loss"], rel=1e-3)


def test_what_its_own_callback_writes_for_tensorboard_is_no_second_record(tmp_path):
    pytest.importorskip("tensorboard")
    trainer(tmp_path, num_train_epochs=1, report_to=["tensorboard"]).train()
    run = only_run()
    assert len(run.history("val_share_right").values) == 1
    assert not [name for name in run.metrics if "/" in name]
