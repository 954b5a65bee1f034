"""Settings that a script reads from its command line and files, and those that lie in its own names."""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import click
import fire
import pytest
from click.testing import CliRunner

import autotrack
from autotrack.run import heard
from autotrack_integrations.script import settings as watched


@pytest.fixture
def hearing():
    """Everything that hears settings is watched."""
    import hydra  # noqa: F401

    patches = []
    for watch in (watched.watch_argparse, watched.watch_click, watched.watch_fire, watched.watch_hydra):
        patches += watch()
    yield
    for patch in reversed(patches):
        patch.undo()


def parser():
    made = argparse.ArgumentParser()
    made.add_argument("--lr", type=float, default=0.1)
    made.add_argument("--layers", type=int, nargs="+", default=[8, 8])
    made.add_argument("--data", type=Path, default=Path("somewhere"))
    return made


# ---- argparse


def test_arguments_are_heard_as_they_were_parsed(hearing):
    args = parser().parse_args(["--lr", "0.5", "--layers", "3", "4"])
    assert heard.settings() == {"lr": 0.5, "layers": [3, 4], "data": "somewhere"}
    assert args.data == Path("somewhere")


def test_known_arguments_are_heard_beside_unknown_ones(hearing):
    known, unknown = parser().parse_known_args(["--lr", "2", "--other"])
    assert (known.lr, unknown) == (2.0, ["--other"])
    assert heard.settings()["lr"] == 2.0


def test_nothing_is_heard_of_arguments_that_cannot_be_parsed(hearing, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--lr", "0.5", "--unknown"])
    assert heard.settings() == {}


def test_arguments_of_a_subcommand_are_heard_once_and_together(hearing):
    made = argparse.ArgumentParser()
    made.add_argument("--verbose", action="store_true")
    train = made.add_subparsers(dest="command").add_parser("train")
    train.add_argument("--epochs", type=int)
    train.set_defaults(function=parser)
    made.parse_args(["--verbose", "train", "--epochs", "3"])
    assert heard.settings() == {"verbose": True, "command": "train", "epochs": 3}


def test_intermixed_arguments_are_heard(hearing):
    made = argparse.ArgumentParser()
    made.add_argument("--lr", type=float)
    made.add_argument("files", nargs="*")
    made.parse_intermixed_args(["a", "--lr", "3", "b"])
    assert heard.settings() == {"lr": 3.0, "files": ["a", "b"]}


def test_the_newest_of_several_values_holds_and_comes_last(hearing):
    parser().parse_args([])
    parser().parse_args(["--lr", "7"])
    heard.hear_settings({"lr": 8})
    assert list(heard.settings().items())[-1] == ("lr", 8)
    assert list(heard.settings()) == ["layers", "data", "lr"]


def library(tmp_path, monkeypatch, name, source):
    """A module that lies where installed ones do."""
    folder = tmp_path / "site-packages"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def test_what_a_library_parses_for_itself_is_not_the_scripts(hearing, tmp_path, monkeypatch):
    source = (
        "import argparse\ndef start():\n    p = argparse.ArgumentParser()\n    p.add_argument('--port', default=1)\n"
    )
    library(tmp_path, monkeypatch, "some_tool", source + "    return p.parse_args([])\n")
    import some_tool

    assert some_tool.start().port == 1
    assert heard.settings() == {}


def test_dataclasses_parsed_through_a_librarys_parser_are_heard(hearing, tmp_path, monkeypatch):
    library(
        tmp_path,
        monkeypatch,
        "some_parsers",
        "import argparse\nclass Parser(argparse.ArgumentParser):\n    def parse_into(self, words):\n"
        "        return vars(self.parse_known_args(words)[0])\n",
    )
    import some_parsers

    made = some_parsers.Parser()
    made.add_argument("--lr", type=float)
    assert made.parse_into(["--lr", "0.25"]) == {"lr": 0.25}
    assert heard.settings() == {"lr": 0.25}


def test_secrets_among_arguments_never_reach_the_record(hearing, store_path):
    made = argparse.ArgumentParser()
    made.add_argument("--api-key")
    made.add_argument("--num-tokens", type=int)
    made.parse_args(["--api-key", "very-secret-value", "--num-tokens", "4"])
    autotrack.enable(store=store_path, libraries=[])
    with autotrack.start_run("training") as run:
        run.derive_params(heard.settings())
    (found,) = autotrack.search_runs()
    assert found.params == {"api_key": "***", "num_tokens": 4}


def test_undo_leaves_argparse_as_it_was_and_forgets():
    before = dict(vars(argparse.ArgumentParser))
    patches = watched.watch_argparse()
    parser().parse_args([])
    for patch in reversed(patches):
        patch.undo()
    assert dict(vars(argparse.ArgumentParser)) == before
    assert heard.settings() == {}


# ---- click, Fire, Hydra


def test_options_of_commands_and_their_groups_are_heard_before_the_command_runs(hearing):
    heard_inside = {}

    @click.group()
    @click.option("--device", default="cpu")
    def main(device):
        pass

    @main.command()
    @click.option("--lr", default=0.1)
    @click.option("--password", prompt=True, hide_input=True)
    @click.pass_context
    def train(ctx, lr, password):
        heard_inside.update(heard.settings())

    done = CliRunner().invoke(main, ["train", "--lr", "3", "--password", "hunter22"])
    assert done.exit_code == 0, done.output
    assert heard_inside == {"device": "cpu", "lr": 3.0}


def test_autotracks_own_commands_are_not_heard(hearing):
    from autotrack.cli.main import cli

    done = CliRunner().invoke(cli, ["doctor", "--json"])
    assert (done.exit_code, done.output[0]) == (0, "{")
    assert heard.settings() == {}


def test_arguments_of_a_fire_function_are_heard_with_its_defaults(hearing):
    calls = []

    def train(data, lr=0.1, *, epochs=3, **others):
        calls.append((data, lr, epochs, others, heard.settings()))

    fire.Fire(train, command=["mnist", "--lr=0.5", "--epochs=7", "--momentum=0.9"])
    ((*_, settings),) = calls
    assert calls[0][:4] == ("mnist", 0.5, 7, {"momentum": 0.9})
    assert settings == {"data": "mnist", "lr": 0.5, "epochs": 7, "momentum": 0.9}


def test_a_fire_class_and_its_method_are_both_heard(hearing):
    class Trainer:
        def __init__(self, lr=0.1):
            self.lr = lr

        def fit(self, epochs=1):
            return epochs * self.lr

    assert fire.Fire(Trainer, command=["--lr=2", "fit", "--epochs=3"]) == 6
    assert heard.settings() == {"lr": 2, "epochs": 3}


HYDRA = """
import json, sys
import hydra
from autotrack.run import heard
from autotrack_integrations.script.settings import watch_hydra
from omegaconf import OmegaConf

patches = watch_hydra()
asked = []
OmegaConf.register_new_resolver("mine", lambda: asked.append(1) or 5)

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    print(json.dumps([heard.settings(), cfg.model.size, len(asked)]))

main()
"""


@pytest.mark.slow
def test_the_config_of_a_hydra_app_is_heard_with_dots_and_without_hydras_own(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text(
        "lr: 0.1\nmodel: {size: 8, twice: '${model.size}', name: net}\nseed: ${mine:}\nneeded: ???\nlayers: [1, 2]\n"
    )
    (tmp_path / "train.py").write_text(HYDRA)
    done = subprocess.run(
        [sys.executable, "train.py", "--multirun", "model.size=16,32"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[{")]
    assert [size for _, size, _ in shown] == [16, 32]
    assert shown[0][0] == {
        "lr": 0.1,
        "model.size": 16,
        "model.twice": 16,
        "model.name": "net",
        "seed": "${mine:}",
        "layers": [1, 2],
    }
    assert shown[1][0]["model.twice"] == 32
    assert [asked for *_, asked in shown] == [0, 0]


# ---- constants and configs


@pytest.fixture
def script(monkeypatch):
    """The script's own names, for as long as the test runs."""
    module = type(sys)("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return vars(module)


def test_upper_case_names_with_plain_values_are_constants(script):
    script.update(LR=0.1, N=3, BLOCK_SIZE=64, NAME="gpt", DEBUG=False, NOTHING=None, LAYERS=[1, 2], SHAPE=(3, (4, 5)))
    script.update(_PRIVATE=1, lower=2, Mixed=3, DATA=list(range(1000)), TYPE_CHECKING=False, MODEL=object())
    assert heard.constants() == {
        "LR": 0.1,
        "N": 3,
        "BLOCK_SIZE": 64,
        "NAME": "gpt",
        "DEBUG": False,
        "NOTHING": None,
        "LAYERS": [1, 2],
        "SHAPE": (3, (4, 5)),
    }


@dataclass
class Model:
    width: int = 8


@dataclass
class TrainConfig:
    lr: float = 0.1
    model: Model = field(default_factory=Model)
    weights: object = field(default_factory=object)


class Plain:
    epochs = 3
    _hidden = 1

    def __init__(self):
        self.batch = 32

    def method(self):
        return 0

    @property
    def explosive(self):
        raise AssertionError("read")


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (TrainConfig(lr=0.5), {"lr": 0.5, "model.width": 8}),
        (TrainConfig, {"lr": 0.1}),
        (argparse.Namespace(a=1, b=[1, 2], f=len), {"a": 1, "b": [1, 2]}),
        (SimpleNamespace(a=1, inner=SimpleNamespace(b=2)), {"a": 1, "inner.b": 2}),
        ({"lr": 0.1, "model": {"depth": 2}, "data": object()}, {"lr": 0.1, "model.depth": 2}),
        (Plain(), {"epochs": 3, "batch": 32}),
        (Plain, {"epochs": 3}),
    ],
)
def test_fields_of_a_config_of_any_kind_are_found(script, value, fields):
    script["config"] = value
    assert heard.configs([]) == fields


@pytest.mark.parametrize(
    "name", ["config", "cfg", "args", "opt", "hparams", "hyp", "params", "conf", "model_args", "TrainingConfig", "CFG"]
)
def test_a_config_is_known_by_its_name(script, name):
    script[name] = {"lr": 0.1}
    assert heard.configs([]) == {"lr": 0.1}


@pytest.mark.parametrize("name", ["adopt", "model", "kwargs2", "batch", "optimizer", "__args__", "result"])
def test_other_names_are_no_configs(script, name):
    script[name] = {"lr": 0.1}
    assert heard.configs([]) == {}


def test_objects_of_libraries_are_no_configs(script):
    from sklearn.linear_model import LogisticRegression

    script["params"] = [1, 2]
    script["opt"] = LogisticRegression()
    script["args"] = {1: 2}
    script["conf"] = argparse
    assert heard.configs([]) == {}


def test_configs_are_found_in_frames_and_in_self_and_inner_ones_win(script):
    class Trainer:
        def __init__(self):
            self.cfg = SimpleNamespace(lr=3, depth=1)

        def train(self, args):
            return heard.configs([sys._getframe(), sys._getframe(1)])

    script["config"] = {"lr": 5, "seed": 1}

    def main():
        hparams = {"decay": 0.5}
        found = Trainer().train(SimpleNamespace(lr=2))
        assert hparams
        return found

    assert main() == {"lr": 2, "cfg.lr": 3, "depth": 1, "decay": 0.5, "config.lr": 5, "seed": 1}


def test_reading_a_frame_keeps_nothing_of_it_alive(script):
    import gc
    import weakref

    class Data:
        pass

    def train(args):
        data = Data()
        alive = weakref.ref(data)
        assert heard.configs([sys._getframe()]) == {"lr": 1}
        gc.disable()
        try:
            del data
            return alive() is None
        finally:
            gc.enable()

    assert train(SimpleNamespace(lr=1))


@pytest.mark.parametrize("library", ["click", pytest.param("torch", marks=pytest.mark.slow), "argparse"])
def test_the_library_that_is_imported_first_after_enable_costs_the_others_nothing(run_python, library):
    script = f"""
        import json, warnings
        warnings.simplefilter("error")
        import autotrack
        autotrack.enable(store="store")
        import {library}
        import argparse, sys
        from autotrack.run import heard
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float)
        parser.parse_args(["--lr", "0.5"])
        print(json.dumps(heard.settings()))
    """
    assert run_python(script) == {"lr": 0.5}
