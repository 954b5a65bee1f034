"""The password of a storage is nowhere in the store."""

import optuna
import sqlalchemy
from sqlalchemy.pool import StaticPool

import autotrack

optuna.logging.set_verbosity(optuna.logging.ERROR)
PASSWORD = "correct-horse-battery"


def test_password_of_a_storage_is_nowhere_on_record(store_path):
    autotrack.enable(store=store_path)
    storage = optuna.storages.RDBStorage(
        "sqlite://", engine_kwargs={"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    )
    url = sqlalchemy.engine.make_url(f"postgresql://me:{PASSWORD}@db.example/tuning?password={PASSWORD}")
    address, storage.engine.url = (
        storage.engine.url,
        url,
    )  # the data base is another one: what is recorded is told by it
    try:
        study = optuna.create_study(storage=storage, study_name="secret")
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    finally:
        storage.engine.url = address
    (run,) = autotrack.search_runs("parent is null")
    assert (run.params["storage"], run.params["storage.at"]) == ("postgresql", "db.example/tuning")
    for file in store_path.rglob("*"):
        assert file.is_dir() or PASSWORD.encode() not in file.read_bytes(), file
