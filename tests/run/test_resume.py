"""A run that had ended goes on, in whatever process; one that goes on elsewhere can be logged to from here."""

import pytest

import autotrack
from workers import start

KILLED = """
    import autotrack, sys, time
    autotrack.enable(store=sys.argv[1])
    run = autotrack.start_run("long", params={"lr": 0.1})
    run.log_metric("loss", 3.0, step=0)
    time.sleep(0.5)
    print(run.id, flush=True)
    time.sleep(60)
"""


def test_killed_run_goes_on_in_another_process(enabled, store_path):
    process = start(KILLED, store_path)
    run_id = process.stdout.readline().strip()
    process.kill()
    process.communicate()
    assert autotrack.get_run(run_id).status == "killed"
    with autotrack.get_run(run_id) as run:
        assert autotrack.active_run() is run
        assert autotrack.get_run(run_id).status == "running"
        autotrack.log_metric("loss", 2.0, step=1)
    assert autotrack.active_run() is None
    found = autotrack.get_run(run_id)
    assert (found.status, found.reason, found.params) == ("finished", None, {"lr": 0.1})
    assert (found.history("loss").steps, found.history("loss").values) == ([0, 1], [3.0, 2.0])


def test_failed_run_that_is_resumed_and_succeeds_has_no_error(enabled):
    with pytest.raises(ValueError, match="first"), autotrack.start_run("a") as run:
        raise ValueError("first")
    first_end = autotrack.get_run(run.id).ended_at
    with autotrack.get_run(run.id):
        assert autotrack.get_run(run.id).ended_at is None
    found = autotrack.get_run(run.id)
    assert (found.status, found.error) == ("finished", None)
    assert found.ended_at > first_end


JOINS = """
    import autotrack, sys
    autotrack.enable(store=sys.argv[1])
    with autotrack.get_run(sys.argv[2]) as run:
        autotrack.log_metric("from rank 1", 1.0)
    print(run.status, autotrack.active_run())
"""


def test_run_of_another_process_is_logged_to_and_not_ended(enabled, store_path):
    with autotrack.start_run("ranks") as run:
        run.log_metric("from rank 0", 0.0)
        autotrack.search_runs()  # writes what was logged
        other = start(JOINS, store_path, run.id)
        assert other.communicate()[0] == "running None\n"
        assert autotrack.get_run(run.id).status == "running"
    found = autotrack.get_run(run.id)
    assert found.status == "finished"
    assert found.metrics == {"from rank 0": 0.0, "from rank 1": 1.0}
