"""Workers that name one storage differently find the same run of a study; different storages are kept apart."""

import os
from types import SimpleNamespace

import optuna
import pytest
from sqlalchemy.engine import make_url

import autotrack
from autotrack_integrations.optuna.places import place_of

optuna.logging.set_verbosity(optuna.logging.ERROR)


def of_database(url):
    storage = type("RDBStorage", (), {"engine": SimpleNamespace(url=make_url(url))})()
    place = place_of(storage)
    return place.kind, place.at


def of_redis(url, prefix=""):
    storage = type("JournalStorage", (), {"_backend": SimpleNamespace(_url=url, _prefix=prefix)})()
    place = place_of(storage)
    return place.kind, place.at


@pytest.mark.parametrize(
    ("of", "one", "other"),
    [
        (of_database, "postgresql://a:b@localhost/db", "postgresql+psycopg2://c@127.0.0.1:5432/db"),
        (of_database, "postgresql://[::1]/db", "postgresql:///db"),
        (of_database, "postgresql://DB.example./db", "postgresql://db.example:5432/db"),
        (of_database, "postgresql://db.example:5433/db", "postgresql:///db?host=db.example&port=5433"),
        (of_database, "mysql+pymysql://db.example/x", "mysql+mysqldb://u:p@db.example:3306/x?charset=utf8"),
        (of_database, "sqlite:///study.db", f"sqlite:///file:{os.sep}study.db?uri=true&cache=shared"),
        (of_redis, "redis://localhost", "redis://:secret@127.0.0.1:6379/0"),
        (of_redis, "redis://localhost/2", "redis://localhost:6379?db=2"),
    ],
)
def test_spellings_of_one_server_are_the_same_place(of, one, other, monkeypatch):
    monkeypatch.chdir("/")
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("of", "one", "other"),
    [
        (of_database, "postgresql://localhost/db", "postgresql://localhost:5433/db"),
        (of_database, "postgresql://localhost/db", "postgresql:///db?host=db.example"),
        (of_database, "postgresql://localhost/db", "postgresql://localhost/DB"),
        (of_database, "mysql://localhost/db", "mysql:///db?unix_socket=/tmp/other.sock"),
        (of_redis, "redis://localhost/2", "redis://localhost"),
        (of_redis, "redis://localhost", "unix:///tmp/redis.sock"),
    ],
)
def test_different_data_bases_are_different_places(of, one, other):
    assert of(one) != of(other)


def test_credentials_of_a_storage_are_not_told():
    url = "postgresql+psycopg2://me:hunter2@db.example:5433/tuning?password=hunter3"
    assert of_database(url) == ("postgresql", "db.example:5433/tuning")
    assert of_redis("redis://me:hunter2@db.example:6380/1", "p") == ("journal redis", "db.example:6380/1 p")


def test_address_that_only_its_driver_can_read_is_known_in_one_process_only():
    assert of_database("mssql+pyodbc:///?odbc_connect=SERVER%3Dx%3BPWD%3Dhunter2") == ("mssql", None)
    assert of_database("sqlite:///file::memory:?uri=true&cache=shared") == ("sqlite, in memory", None)
    assert of_database("sqlite:///file:name?mode=memory&uri=true") == ("sqlite, in memory", None)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_study_continues_its_run_by_another_path_to_its_storage(kind, store_path, tmp_path):
    autotrack.enable(store=store_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for count, path in enumerate(("real/study", str(tmp_path / "real" / "study"), "link/../link/study"), 1):
        study = optuna.create_study(study_name="s", storage=storage_at(kind, path), load_if_exists=True)
        study.optimize(lambda trial: trial.number, n_trials=count)
    (run,) = autotrack.search_runs("parent is null")
    assert len(run.trials()) == len(study.trials) == 6


def storage_at(kind, path):
    if kind == "sqlite":
        return f"sqlite:///{path}"
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
