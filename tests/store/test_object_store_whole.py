"""A whole training into a bucket, and everything of it back in other processes that share nothing but the bucket."""

from pathlib import Path

import pytest

import autotrack
from autotrack import config
from autotrack.errors import ConfigError
from autotrack.registry import Registry
from autotrack.store import Store
from autotrack.store.object_store import ObjectBackend

TRAIN = """
    import json, sys
    import autotrack
    autotrack.enable(store=sys.argv[1])
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    with autotrack.start_run("training", tags={"who": "me"}) as run:
        model = LogisticRegression(C=0.5).fit(X, y)
        run.log_metrics({"val_accuracy": model.score(X, y)})
        run.log_artifact(b"notes", "notes.txt")
    version = autotrack.register_model(run, "churn", alias="champion")
    loose = autotrack.register_model(LogisticRegression().fit(X, y), "loose")
    found = autotrack.search_runs("tags.who = 'me'")
    print(json.dumps([run.id, version.version, loose.version, [one.id for one in found], model.coef_.tolist()]))
"""

READ = """
    import json, sys
    import autotrack
    autotrack.enable(store=sys.argv[1])
    [run] = autotrack.search_runs("params.C = 0.5 and metrics.val_accuracy > 0.5")
    by_alias = autotrack.load_model("churn@champion", trust=True)
    by_run = autotrack.load_model("run:" + run.id, trust=True)
    loose = autotrack.load_model("loose", trust=True)
    registry = autotrack.registry
    registry.set_alias("churn", "staging", 1)
    print(json.dumps([
        run.id, run.status, run.name, len(run.history("val_accuracy").values), len(run.environment) > 0,
        by_alias.coef_.tolist(), by_run.coef_.tolist(), list(loose.coef_.shape), registry.list(),
        [event.op for event in registry.history("churn")],
    ]))
"""


@pytest.mark.slow
def test_a_fit_recorded_into_a_bucket_comes_back_elsewhere(bucket, run_python, elsewhere):
    pytest.importorskip("sklearn")
    run_id, version, loose, found, coefficients = run_python(TRAIN, bucket)
    assert (version, loose, found) == (1, 1, [run_id])
    elsewhere()
    read = run_python(READ, bucket)
    assert read[0] == run_id
    assert read[1:4] == ["finished", "training", 1]
    assert read[5] == read[6] == coefficients
    assert read[7] == [1, 3]
    assert read[8] == ["churn", "loose"]
    assert read[9] == ["register", "alias", "alias"]


def test_the_command_line_reads_a_bucket(bucket, run_python, elsewhere, monkeypatch):
    monkeypatch.setenv("AUTOTRACK_STORE", bucket)
    run_python(
        """
        import autotrack
        with autotrack.start_run("training"):
            autotrack.log_metric("loss", 1.0)
        print(0)
        """
    )
    elsewhere()
    shown = run_python(
        """
        import json, subprocess, sys
        def cli(*words):
            done = subprocess.run([sys.executable, "-m", "autotrack", *words, "--json"], capture_output=True, text=True)
            return json.loads(done.stdout)
        print(json.dumps([cli("ls"), cli("doctor"), cli("compact")]))
        """
    )
    runs, doctor, compact = shown
    assert "training" in str(runs)
    assert doctor["ok"]
    assert doctor["store"]["path"] == bucket
    assert doctor["store"]["runs"] == 1
    assert compact["store"] == bucket


def test_blobs_are_in_the_bucket_before_the_registry_names_them(bucket, elsewhere, monkeypatch):
    seen = []
    real = ObjectBackend.put_if_absent

    def put_if_absent(self, key, data):
        if key.startswith("registry/"):
            seen.append(self.list("blobs/"))
        return real(self, key, data)

    monkeypatch.setattr(ObjectBackend, "put_if_absent", put_if_absent)
    store = Store.open(bucket, create=True)
    part, manifest = store.blobs.put(b"part"), store.blobs.put(b"manifest")
    registry = Registry(store)
    assert registry.register("churn", manifest, by="me").version == 1
    assert registry.register("churn", manifest, by="me").version == 1
    assert seen == [[f"blobs/sha256/{sha256[:2]}/{sha256}" for sha256 in sorted((part, manifest))]]
    elsewhere()
    there = Registry(Store.open(bucket))
    assert there.get("churn").version == 1
    there.set_alias("churn", "champion", 1, by="her")
    assert registry.resolve("churn@champion").version == 1
    assert [event.op for event in registry.history("churn")] == ["register", "alias"]
    assert list(there.verify("churn")) == []


def test_settings_take_an_address_from_everywhere(run_python, tmp_path, monkeypatch):
    script = """
        import json, sys
        from autotrack import config
        print(json.dumps([str(config.load().store), config.load(json.loads(sys.argv[1])).store]))
    """
    (tmp_path / "autotrack.toml").write_text('store = "s3://file/a"')
    assert run_python(script, '{"store": "s3://argument/b/"}') == ["s3://file/a", "s3://argument/b"]
    monkeypatch.setenv("AUTOTRACK_STORE", "s3://environment")
    assert run_python(script, "{}") == ["s3://environment", "s3://environment"]


@pytest.mark.parametrize(
    "address",
    ["s3://", "s3:///a", "s3://a b/c", "s3://key:secret@bucket", "s3://bucket?x=y", "gs://bucket/a", "s3:/b/a"],
)
def test_an_address_of_another_form_is_told_with_its_origin(address, monkeypatch):
    monkeypatch.setenv("AUTOTRACK_STORE", address)
    with pytest.raises(ConfigError, match=r"environment AUTOTRACK_STORE.*\nExpected s3://bucket/prefix"):
        config.load()
    with pytest.raises(ConfigError, match=r"argument of enable.*\nExpected s3://bucket/prefix"):
        autotrack.enable(store=Path("s3://bucket/a"))
