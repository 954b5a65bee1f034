"""A run says truly how it went: finished, failed or killed, with all that was told before."""

import os
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest

import autotrack
from autotrack.errors import AutotrackError, DataError, InvalidNameError, RunFinishedError
from workers import start, threads_at_once


@pytest.fixture
def enabled(store_path):
    autotrack.enable(store=store_path, experiment="tests", tags={"team": "a"})


def run_script(script, *args):
    process = start(script, *args)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_run_keeps_what_it_was_told(enabled):
    with autotrack.start_run("mine", params={"lr": 0.1}, tags={"k": "v"}) as run:
        autotrack.log_param("layers", [64, 32])
        autotrack.log_metric("loss", 1.0)
        autotrack.log_metrics({"loss": 0.5, "acc": 0.9}, step=10, epoch=1)
        autotrack.log_metric("loss", float("nan"))
        autotrack.set_tag("note", "good")
        autotrack.log_artifact(b"hello", "notes/hello.txt")
    found = autotrack.get_run(run.id)
    assert found.status == "finished"
    assert found.experiment == "tests"
    assert found.params == {"lr": 0.1, "layers": [64, 32]}
    assert found.tags == {"team": "a", "k": "v", "note": "good"}
    history = found.history("loss")
    assert list(history.steps) == [0, 10, 11]
    assert list(history.epochs) == [None, 1, None]
    assert list(history.values)[:2] == [1.0, 0.5]
    assert history.values[2] != history.values[2]
    assert found.best("loss") == 0.5
    assert found.best("acc") == 0.9
    assert found.store.blobs.get(found.artifacts["notes/hello.txt"]) == b"hello"
    assert found.host
    assert found.author
    assert found.environment["python"].startswith("3.")
    assert "pytest" in found.environment["packages"]


@pytest.mark.parametrize("method", ["log_params", "log_metrics", "set_tags"])
def test_what_has_no_keys_is_refused_and_the_run_goes_on(enabled, method):
    with autotrack.start_run() as run:
        with pytest.raises(DataError, match="of type list cannot be recorded"):
            getattr(run, method)([1.0])
        getattr(run, method)(pd.Series({"a": 1.0}))
    assert [*run.params, *run.metrics, *run.tags] in (["a", "team"], ["team", "a"])


def test_run_reads_the_same_alive_and_from_the_store(enabled):
    with autotrack.start_run("mine") as run:
        run.log_metrics({"a": 1.0, "b": 2.0})
        run.log_param("p", None)
        alive, read = run.to_dict(), autotrack.get_run(run.id).to_dict()
    assert alive == read


def test_child_of_a_run_knows_its_parent(enabled):
    with autotrack.start_run("outer") as outer, autotrack.start_run("inner") as inner:
        assert autotrack.active_run() is inner
    assert autotrack.active_run() is None
    assert autotrack.get_run(inner.id).parent.id == outer.id
    assert [child.id for child in outer.children] == [inner.id]


def test_block_that_raises_fails_its_run_with_the_error(enabled):
    with pytest.raises(ZeroDivisionError), autotrack.start_run("mine") as run:
        1 / 0  # noqa: B018
    found = autotrack.get_run(run.id)
    assert found.status == "failed"
    assert found.error.startswith("ZeroDivisionError: division by zero\n")
    assert "test_lifecycle.py" in found.error


@pytest.mark.parametrize(("code", "status"), [(0, "finished"), (1, "failed"), ("bad", "failed")])
def test_exit_inside_a_block_is_told_by_its_code(enabled, code, status):
    with pytest.raises(SystemExit), autotrack.start_run("mine") as run:
        sys.exit(code)
    assert autotrack.get_run(run.id).status == status


def test_each_thread_has_its_own_run(enabled):
    def work(number):
        with autotrack.start_run(f"thread {number}"):
            barrier.wait()
            autotrack.log_metric("number", number)

    barrier = threading.Barrier(8)
    threads_at_once(8, work)
    found = {run.name: run for run in autotrack.search_runs()}
    assert len(found) == 8
    for number in range(8):
        run = found[f"thread {number}"]
        assert (run.metrics, run.status, run.parent) == ({"number": number}, "finished", None)


def test_script_that_dies_of_an_exception_fails_the_run_it_left_open(store_path):
    script = (
        "import autotrack, sys; autotrack.enable(store=sys.argv[1]); autotrack.start_run('a'); raise KeyError('gone')"
    )
    code, _, err = run_script(script, str(store_path))
    assert code == 1
    assert "KeyError: 'gone'" in err
    autotrack.enable(store=store_path)
    (run,) = autotrack.search_runs()
    assert (run.status, run.error.splitlines()[0]) == ("failed", "KeyError: 'gone'")


@pytest.mark.parametrize(("code", "status"), [("0", "finished"), ("3", "failed"), ("'no data'", "failed")])
def test_script_that_exits_with_a_run_left_open_is_told_by_its_code(store_path, code, status):
    script = f"import autotrack, sys; autotrack.enable(store=sys.argv[1]); autotrack.start_run('a'); sys.exit({code})"
    assert run_script(script, str(store_path))[0] == (0 if status == "finished" else int(code) if code == "3" else 1)
    autotrack.enable(store=store_path)
    (run,) = autotrack.search_runs()
    assert run.status == status
    assert (run.error is None) == (status == "finished")


def test_disable_leaves_sys_exit_as_it_was(enabled):
    exit_before = sys.exit
    run = autotrack.start_run("a")
    autotrack.disable()
    assert sys.exit is exit_before
    run.finish()


def test_exit_handler_of_the_script_may_still_log(store_path):
    script = """
        import atexit, autotrack, sys
        def last_words():
            with autotrack.start_run("late") as run:
                run.log_metric("m", 1)
        atexit.register(last_words)
        autotrack.enable(store=sys.argv[1])
        autotrack.start_run("early").finish()
    """
    code, _, err = run_script(script, str(store_path))
    assert (code, err) == (0, "")
    autotrack.enable(store=store_path)
    assert {(run.name, run.status) for run in autotrack.search_runs()} == {("early", "finished"), ("late", "finished")}


def test_script_that_ends_without_finishing_its_run_finishes_it(store_path):
    script = "import autotrack, sys; autotrack.enable(store=sys.argv[1]); autotrack.start_run('a').log_metric('m', 1)"
    assert run_script(script, str(store_path))[0] == 0
    autotrack.enable(store=store_path)
    (run,) = autotrack.search_runs()
    assert (run.status, run.metrics) == ("finished", {"m": 1.0})


def test_killed_process_is_seen_as_killed_with_all_that_was_flushed(store_path):
    script = """
        import autotrack, sys, time
        autotrack.enable(store=sys.argv[1])
        with autotrack.start_run("doomed", params={"lr": 0.1}) as run:
            for step in range(100):
                run.log_metric("loss", step)
            time.sleep(0.5)
            print("ready", flush=True)
            time.sleep(60)
    """
    process = start(script, store_path)
    assert process.stdout.readline() == "ready\n"
    autotrack.enable(store=store_path)
    (alive,) = autotrack.search_runs()
    assert (alive.status, alive.ended_at) == ("running", None)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (run,) = autotrack.search_runs()
    assert run.status == "killed"
    assert str(process.pid) in run.reason
    assert run.params == {"lr": 0.1}
    assert list(run.history("loss").values) == list(range(100))
    assert run.ended_at is not None


def test_kill_in_the_middle_of_a_fit_leaves_the_record_of_its_start(store_path):
    script = """
        import autotrack, sys, time
        autotrack.enable(store=sys.argv[1])
        from sklearn.base import BaseEstimator, ClassifierMixin
        class Slow(ClassifierMixin, BaseEstimator):
            def __init__(self, depth=3):
                self.depth = depth
            def fit(self, X, y):
                time.sleep(0.5)
                print("ready", flush=True)
                time.sleep(60)
        Slow().fit([[1.0], [2.0]], [0, 1])
    """
    process = start(script, store_path)
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate()
    autotrack.enable(store=store_path)
    (run,) = autotrack.search_runs()
    assert (run.name, run.status, run.params) == ("Slow", "killed", {"depth": 3})
    assert run.data["X"]["shape"][0] == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_records_into_the_same_store_and_does_not_end_its_parents_run(enabled):
    with autotrack.start_run("parent") as parent:
        parent.log_metric("m", 1)
        pid = os.fork()
        if pid == 0:
            with autotrack.start_run("child") as child:
                child.log_metric("m", 2)
            time.sleep(0.5)
            os._exit(0)
        os.waitpid(pid, 0)
        parent.log_metric("m", 3)
    found = {run.name: run for run in autotrack.search_runs()}
    assert sorted(found) == ["child", "parent"]
    assert found["child"].parent.id == found["parent"].id
    assert list(found["parent"].history("m").values) == [1, 3]
    assert list(found["child"].history("m").values) == [2]
    assert {run.status for run in found.values()} == {"finished"}


def test_multiprocessing_children_record_to_their_last_word(run_file, store_path):
    run_file(
        """
        import multiprocessing, sys
        import autotrack

        def work(number):
            autotrack.enable(store=sys.argv[1])
            with autotrack.start_run(f"worker {number}") as run:
                run.log_metric("m", number)
            autotrack.start_run(f"open {number}").log_metric("m", number)

        if __name__ == "__main__":
            autotrack.enable(store=sys.argv[1])
            for method in ("fork", "spawn"):
                context = multiprocessing.get_context(method)
                workers = [context.Process(target=work, args=(number,)) for number in range(2)]
                [worker.start() for worker in workers]
                [worker.join() for worker in workers]
        """
    )
    autotrack.enable(store=store_path)
    found = autotrack.search_runs()
    assert sorted(run.name for run in found) == sorted(["worker 0", "worker 1", "open 0", "open 1"] * 2)
    assert {run.status for run in found} == {"finished"}
    assert all(run.metrics["m"] == int(run.name.split()[1]) for run in found)


def test_read_only_store_leaves_the_training_alone_and_warns_once(store_path, tmp_path):
    if os.geteuid() == 0:
        target = tmp_path / "file" / "store"  # root writes anywhere; below a file nobody can
        target.parent.write_text("")
    else:
        target = store_path
        target.mkdir()
        target.chmod(0o500)
    script = """
        import autotrack, sys
        autotrack.enable(store=sys.argv[1])
        from sklearn.linear_model import LogisticRegression
        for _ in range(3):
            model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
        print(model.predict([[1.0]]))
    """
    code, out, err = run_script(script, str(target))
    assert code == 0
    assert out == "[1]\n"
    assert err.count("AutotrackWarning") == 1


def test_full_disk_leaves_the_training_alone_and_is_written_when_there_is_room(enabled, monkeypatch, lenient_guard):
    from autotrack.store import SegmentWriter

    write = SegmentWriter.write

    def full(self, *args):
        raise OSError(28, "No space left on device")

    def train():
        with autotrack.start_run("mine") as run:
            run.log_metric("m", 1.0)
            time.sleep(0.3)
        return run

    monkeypatch.setattr(SegmentWriter, "write", full)
    with pytest.warns(autotrack.AutotrackWarning, match="No space left"):
        run = train()
    monkeypatch.setattr(SegmentWriter, "write", write)
    found = autotrack.get_run(run.id)
    assert (found.status, found.metrics) == ("finished", {"m": 1.0})


def test_user_run_takes_no_more_metrics_after_its_end_but_tags(enabled):
    with autotrack.start_run("mine") as run:
        pass
    with pytest.raises(RunFinishedError, match="has ended"):
        run.log_metric("m", 1)
    with pytest.raises(RunFinishedError):
        run.log_param("p", 1)
    run.set_tag("late", "yes")
    assert autotrack.get_run(run.id).tags["late"] == "yes"


@pytest.mark.parametrize("value", ["0.5", [1, 2], None, object(), b"1"])
def test_metric_that_is_no_number_is_refused_with_its_key(enabled, value):
    with autotrack.start_run("mine") as run, pytest.raises(DataError, match="'m'"):
        run.log_metric("m", value)


@pytest.mark.parametrize("name", ["", "  ", "..", ".", "a\x00b", "a\nb", "x" * 10_000, 3])
def test_invalid_names_are_refused_everywhere(enabled, name):
    with pytest.raises(InvalidNameError):
        autotrack.start_run(name)
    with pytest.raises(InvalidNameError):
        autotrack.start_run("mine", experiment=name)
    with autotrack.start_run("mine") as run, pytest.raises(InvalidNameError):
        run.log_artifact(b"x", name)
    with pytest.raises(InvalidNameError):
        autotrack.register_model(run, name)
    if name not in ("..", "."):
        with autotrack.start_run("mine") as run:
            with pytest.raises(InvalidNameError):
                run.log_metric(name, 1)
            with pytest.raises(InvalidNameError):
                run.log_param(name, 1)


@pytest.mark.parametrize("name", ["/etc/passwd", "a/../../b", "..\\b", "C:/x"])
def test_artifact_names_stay_inside_their_run(enabled, name):
    with autotrack.start_run("mine") as run, pytest.raises(InvalidNameError):
        run.log_artifact(b"x", name)


def test_logging_without_a_run_says_what_to_do(enabled):
    with pytest.raises(AutotrackError, match="start_run"):
        autotrack.log_metric("m", 1)


def test_secrets_do_not_enter_params_tags_and_errors(enabled, store_path):
    def train():
        with autotrack.start_run("mine", tags={"api_key": "abcdefgh1234"}) as run:
            run.log_params({"db_password": "correct horse", "url": "https://ada:pa55word@host/x", "tokenizer": "bert"})
            raise ValueError("bad token hf_" + "a1" * 17)

    with pytest.raises(ValueError, match="token"):
        train()
    found = autotrack.search_runs()[0]
    assert found.params == {"db_password": "***", "url": "https://***@host/x", "tokenizer": "bert"}
    assert found.tags["api_key"] == "***"
    assert "hf_a1" not in found.error


def test_git_commit_and_dirty_flag_are_those_of_the_repository(tmp_path, store_path):
    def git(*arguments):
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    script = "import autotrack, sys\nautotrack.enable(store=sys.argv[1])\nwith autotrack.start_run('a'): pass\n"
    (tmp_path / "train.py").write_text(script)
    git("init", "-q")
    git("config", "user.name", "Ada Lovelace")
    git("add", "train.py")
    git("commit", "-qm", "first")
    subprocess.run([sys.executable, "train.py", str(store_path)], check=True)
    (tmp_path / "train.py").write_text(script + "# changed\n")
    subprocess.run([sys.executable, "train.py", str(store_path)], check=True)
    autotrack.enable(store=store_path)
    clean, dirty = sorted((run.to_dict() for run in autotrack.search_runs()), key=lambda run: run["run_id"])
    assert clean["git_commit"] == dirty["git_commit"] == git("rev-parse", "HEAD")
    assert (clean["git_dirty"], dirty["git_dirty"]) == (False, True)
    assert clean["author"] == "Ada Lovelace"


def test_default_store_is_found_upward_and_else_made_in_the_project_root(tmp_path, monkeypatch):
    project = tmp_path / "project"
    (project / "deep" / "er").mkdir(parents=True)
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    monkeypatch.chdir(project / "deep")
    autotrack.enable()
    with autotrack.start_run("a"):
        pass
    assert len(autotrack.search_runs()) == 1
    assert (project / ".autotrack" / "autotrack.json").is_file()
    assert (project / ".autotrack" / ".gitignore").read_text().strip() == "*"
    autotrack.disable()
    monkeypatch.chdir(project / "deep" / "er")
    assert len(autotrack.search_runs()) == 1


def test_settings_come_from_argument_then_environment_then_file(tmp_path, monkeypatch):
    from autotrack import config

    (tmp_path / "pyproject.toml").write_text("[tool.autotrack]\nexperiment = 'file'\nstore = 'here'\n")
    assert (config.load().experiment, config.load().store) == ("file", tmp_path / "here")
    monkeypatch.setenv("AUTOTRACK_EXPERIMENT", "environment")
    assert config.load().experiment == "environment"
    autotrack.enable(experiment="argument")
    found = {setting.name: setting for setting in config.load().all}
    assert (found["experiment"].value, found["experiment"].origin) == ("argument", "argument of enable()")
    assert found["store"].origin == str(tmp_path / "pyproject.toml")


def test_enabling_twice_changes_nothing(store_path):
    autotrack.enable(store=store_path, experiment="e", tags={"a": "b"})
    autotrack.enable()
    with autotrack.start_run("mine") as run:
        pass
    assert (run.experiment, run.tags, run.store.root) == ("e", {"a": "b"}, store_path)


def test_store_path_that_is_a_file_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(autotrack.AutotrackError, match="file"):
        autotrack.enable(store=tmp_path / "file")


def test_unknown_library_is_told_with_the_nearest_one():
    with pytest.raises(AutotrackError, match="sklearn"):
        autotrack.enable(libraries=["skleern"])
