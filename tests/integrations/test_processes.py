"""Processes that a script starts record what they train as children of the open run; those of libraries are silent."""

import os
import sys
import textwrap

import pytest

import autotrack
from autotrack.run.ranks import is_silent_rank

START = """
    import concurrent.futures, json, multiprocessing, os, sys
    import autotrack

    def fit(C):
        from sklearn.linear_model import LogisticRegression
        LogisticRegression(C=C).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        return os.getpid()

    def failing(C):
        autotrack.start_run("failing")
        raise ValueError("theirs")

    def leaving():
        autotrack.start_run("leaving")
        sys.exit(3)

    def dying():
        autotrack.start_run("dying")
        autotrack.run.recorder().flush()
        os.kill(os.getpid(), 9)

    class Trainer(multiprocessing.get_context("spawn").Process):
        def __init__(self, C):
            super().__init__()
            self.C = C

        def run(self):
            fit(self.C)

    def fitted():
        '''The C of each fit, and the name of the run it is a child of.'''
        found = autotrack.search_runs("name = 'LogisticRegression'")
        return sorted([run.params["C"], run.parent and run.parent.name] for run in found)
"""


@pytest.fixture
def run_script(run_file, monkeypatch):
    """Run a script that stands in a file, as spawned processes import it; the lines it prints."""
    monkeypatch.setenv("AUTOTRACK_LIBRARIES", "sklearn,processes")

    def run(source, *, start=(), is_quiet=True):
        done = run_file(textwrap.dedent(START) + textwrap.dedent(source), start=start)
        if is_quiet:
            assert done.stderr == ""
        return done.stdout.splitlines()

    return run


@pytest.fixture
def store(store_path):
    """Read from the store that the script has written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AUTOTRACK_LIBRARIES", raising=False)
        autotrack.enable(store=store_path, libraries=[])
    return autotrack.search_runs


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_fits_in_a_process_are_children_of_the_run_that_is_open_where_it_starts(run_script, method):
    shown = run_script(
        f"""
        if __name__ == "__main__":
            autotrack.enable(store=sys.argv[1])
            with autotrack.start_run("mine"):
                process = multiprocessing.get_context({method!r}).Process(target=fit, args=(2.0,))
                process.start()
                assert "run" not in vars(process)
                process.join()
                assert process.exitcode == 0
            with autotrack.paused():
                process = multiprocessing.get_context({method!r}).Process(target=fit, args=(3.0,))
                process.start()
                process.join()
            print(json.dumps(fitted()))
        """
    )
    assert shown == ['[[2.0, "mine"]]']


@pytest.mark.slow
def test_a_process_class_of_the_users_and_pools_record_too_and_leave_no_trace(run_script):
    shown = run_script(
        """
        if __name__ == "__main__":
            autotrack.enable(store=sys.argv[1], tags={"who": "me"})
            spawn = multiprocessing.get_context("spawn")
            trainer = Trainer(1.0)
            trainer.start()
            trainer.join()
            with autotrack.start_run("pool"), spawn.Pool(1) as pool:
                assert pool.map(fit, [2.0, 3.0])[0] != os.getpid()
            with autotrack.start_run("executor"):
                with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
                    assert len(set(pool.map(fit, [4.0, 5.0]))) == 1
            autotrack.disable()
            trainer = Trainer(6.0)
            trainer.start()
            trainer.join()
            autotrack.enable(store=sys.argv[1])
            print(json.dumps(fitted()))
            print(json.dumps(sorted({run.tags["who"] for run in autotrack.search_runs()})))
        """
    )
    assert shown == ['[[1.0, null], [2.0, "pool"], [3.0, "pool"], [4.0, "executor"], [5.0, "executor"]]', '["me"]']


@pytest.mark.slow
def test_spawned_trainers_of_torch_record_once_though_the_script_enables_in_them_as_well(run_script):
    shown = run_script(
        """
        import torch.multiprocessing as mp
        autotrack.enable(store=sys.argv[1])

        def train(rank, C):
            autotrack.enable(store=sys.argv[1])
            fit(C + rank)

        if __name__ == "__main__":
            with autotrack.start_run("mine"):
                mp.spawn(train, args=(1.0,), nprocs=2)
            print(json.dumps(fitted()))
        """
    )
    assert shown == ['[[1.0, "mine"], [2.0, "mine"]]']


@pytest.mark.slow
def test_a_process_that_dies_ends_its_run_as_it_died(run_script, store):
    run_script(
        """
        if __name__ == "__main__":
            autotrack.enable(store=sys.argv[1])
            for method in ("spawn", "fork"):
                for target, args, code in ((failing, (1,), 1), (leaving, (), 3), (dying, (), -9)):
                    process = multiprocessing.get_context(method).Process(target=target, args=args)
                    process.start()
                    process.join()
                    assert process.exitcode == code
        """,
        is_quiet=False,
    )
    found = sorted((run.name, run.status, run.error.partition("\n")[0] if run.error else "") for run in store())
    dead = [(name, status) for name, status, _ in found if name == "dying"]
    assert dead == [("dying", "killed")] * 2
    assert [each for each in found if each[0] != "dying"] == [
        ("failing", "failed", "ValueError: theirs"),
        ("failing", "failed", "ValueError: theirs"),
        ("leaving", "failed", "SystemExit: 3"),
        ("leaving", "failed", "SystemExit: 3"),
    ]


@pytest.mark.slow
def test_a_process_that_cannot_be_sent_fails_as_it_would_and_is_left_as_it_was(run_script):
    shown = run_script(
        """
        if __name__ == "__main__":
            autotrack.enable(store=sys.argv[1])
            process = multiprocessing.get_context("spawn").Process(target=lambda: 1)
            before = dict(vars(process))
            try:
                process.start()
            except Exception as error:
                print(json.dumps([type(error).__name__, vars(process) == before]))
        """
    )
    assert shown == ['["PicklingError", true]']


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_workers_that_a_pool_puts_in_place_of_worn_out_ones_record_as_the_first_did(run_script, method):
    shown = run_script(
        f"""
        if __name__ == "__main__":
            autotrack.enable(store=sys.argv[1])
            context = multiprocessing.get_context({method!r})
            with autotrack.start_run("mine"), context.Pool(1, maxtasksperchild=1) as pool:
                assert len(set(pool.map(fit, [1.0, 2.0, 3.0], chunksize=1))) == 3
            print(json.dumps(fitted()))
        """
    )
    assert shown == ['[[1.0, "mine"], [2.0, "mine"], [3.0, "mine"]]']


@pytest.mark.slow
def test_processes_that_libraries_start_for_themselves_are_silent(run_script, tmp_path, monkeypatch):
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages/some_library.py").write_text(
        "import multiprocessing\n"
        "def work(function):\n"
        "    process = multiprocessing.get_context('spawn').Process(target=function, args=(1.0,))\n"
        "    process.start()\n    process.join()\n    return process.exitcode\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site-packages"), prepend=os.pathsep)
    shown = run_script(
        """
        import some_library
        from torch.utils.data import DataLoader, Dataset

        class Tells(Dataset):
            def __len__(self):
                return 1

            def __getitem__(self, index):
                from autotrack.run.ranks import is_silent_rank
                return [is_silent_rank(), autotrack.run.recorder() is not None]

        if __name__ == "__main__":
            from autotrack.run.ranks import is_silent_rank
            autotrack.enable(store=sys.argv[1])
            assert some_library.work(fit) == 0
            for method in ("spawn", "fork"):
                loader = DataLoader(Tells(), num_workers=1, multiprocessing_context=method, batch_size=None)
                print(json.dumps(list(loader)))
            fit(5.0)
            print(json.dumps(fitted()), is_silent_rank())
        """
    )
    assert shown == ["[[true, false]]", "[[true, true]]", "[[5.0, null]] False"]


@pytest.mark.slow
def test_settings_of_the_script_are_known_in_its_processes(run_script):
    shown = run_script(
        """
        from autotrack.run import heard

        def tell():
            print(json.dumps(heard.settings()))

        if __name__ == "__main__":
            autotrack.enable(store=sys.argv[1])
            heard.hear_settings({"lr": 0.1})
            process = multiprocessing.get_context("spawn").Process(target=tell)
            process.start()
            process.join()
        """
    )
    assert shown == ['{"lr": 0.1}']


# ---- launchers


LAUNCHED = """
    import torch.distributed as dist
    from autotrack.run.ranks import is_silent_rank

    if __name__ == "__main__":
        autotrack.enable()
        before = is_silent_rank()
        dist.init_process_group("gloo")
        assert is_silent_rank() == before == (dist.get_rank() != 0)
        fit(1.0)  # in both
        dist.barrier()
        dist.destroy_process_group()
"""
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.mark.slow
def test_of_the_ranks_of_a_launcher_the_first_one_records(run_script, store, store_path, monkeypatch):
    monkeypatch.setenv("AUTOTRACK_STORE", str(store_path))
    run_script(LAUNCHED, start=("-m", *TORCHRUN), is_quiet=False)
    assert [run.params["C"] for run in store()] == [1.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "start",
    [
        ("-m", "autotrack", "run", "-m", *TORCHRUN),
        ("-m", *TORCHRUN, "-m", "autotrack", "run"),
        ("-m", *TORCHRUN, "--no-python", sys.executable, "-m", "autotrack", "run"),
    ],
    ids=["autotrack run -m torchrun", "torchrun -m autotrack run", "torchrun --no-python autotrack run"],
)
def test_scripts_of_a_launcher_with_tracking_are_tracked(run_script, store, store_path, monkeypatch, start):
    monkeypatch.setenv("AUTOTRACK_STORE", str(store_path))
    run_script(LAUNCHED.replace("autotrack.enable()", "pass"), start=start, is_quiet=False)
    assert [run.params["C"] for run in store()] == [1.0]


def test_a_rank_is_silent_only_where_a_launcher_has_started_several(monkeypatch):
    assert not is_silent_rank()
    for rank, size, is_silent in (("1", "2", True), ("0", "2", False), ("1", "1", False), ("1", "", False)):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", size)
        assert is_silent_rank() is is_silent
