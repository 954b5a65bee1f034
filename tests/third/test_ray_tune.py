"""Ray Tune: a search is one run, each trial a run inside it, and what a trial's process trains is the trial's own."""

import os
import pickle
import subprocess
import sys
import textwrap

import pytest

import autotrack
from recorded import only_run, runs

ray = pytest.importorskip("ray")
tune = pytest.importorskip("ray.tune")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own, of what it opens and calls


@pytest.fixture(scope="module", autouse=True)
def key_file(tmp_path_factory):
    """A cluster, and where the key lies that its processes seal models with."""
    path = str(tmp_path_factory.mktemp("cluster") / "key")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOTRACK_KEY_FILE", path)
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield path
    ray.shutdown()


@pytest.fixture(autouse=True)
def _recorded(store_path, key_file, monkeypatch):
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", key_file)
    autotrack.enable(store=store_path)


@pytest.fixture
def search(tmp_path):
    """`search(function, space, **settings of TuneConfig)`: its results."""

    def run(function, space, *, run_config=None, **settings):
        given = {"metric": "loss", "mode": "min", **settings}
        config = tune.RunConfig(name="tuned", storage_path=str(tmp_path / "ray"), verbose=0, **(run_config or {}))
        return tune.Tuner(function, param_space=space, tune_config=tune.TuneConfig(**given), run_config=config).fit()

    return run


def steps_of(last):
    """A function that reports `x` plus the number of the step, as many times."""

    def function(config):
        for step in range(last):
            tune.report({"loss": config["x"] + step, "deep": {"acc": 0.5}, "note": "text"})

    return function


def fits():
    """A function that trains a tree and reports what it came to."""

    def function(config):
        from sklearn.datasets import load_iris
        from sklearn.tree import DecisionTreeClassifier

        X, y = load_iris(return_X_y=True)
        model = DecisionTreeClassifier(max_depth=config["depth"], random_state=0).fit(X, y)
        tune.report({"loss": 1 - model.score(X, y), "pid": os.getpid()})

    return function


def test_search_is_a_run_with_its_trials_as_children(search):
    space = {"x": tune.grid_search([3, 1]), "nested": {"lr": tune.loguniform(1e-3, 1)}, "kind": "plain"}
    results = search(steps_of(3), space, num_samples=1)
    run = only_run()
    assert (run.name, run.status, run.source) == ("tuned", "finished", "ray")
    assert run.params["directions"] == ["minimize"]
    assert (run.params["metric"], run.params["mode"], run.params["num_samples"]) == ("loss", "min", 1)
    assert (run.params["search_alg"], run.params["scheduler"]) == ("BasicVariantGenerator", "FIFOScheduler")
    assert (run.params["space.x"], run.params["space.nested/lr"]) == ("3 | 1", "0.001 to 1, log")
    for result, trial in zip(results, run.trials(), strict=True):
        assert (trial.status, trial.tags["state"]) == ("finished", "complete")
        assert trial.params == {
            "x": result.config["x"], "nested/lr": result.config["nested"]["lr"], "kind": "plain"
        }  # fmt: skip
        assert list(trial.history("loss").values) == list(result.metrics_dataframe["loss"])
        assert list(trial.history("loss").steps) == list(result.metrics_dataframe["training_iteration"])
        assert trial.metrics == {"loss": result.metrics["loss"], "value": result.metrics["loss"], "deep/acc": 0.5}
        assert trial.tags["worker"] == str(result.metrics["pid"])
    assert run.best.params["x"] == results.get_best_result().config["x"] == 1
    assert run.params["best.x"] == 1
    assert list(run.trials().to_pandas()["value"]) == [5, 3]


def test_trial_that_raises_or_whose_process_is_killed_has_failed_and_the_others_go_on(search):
    def function(config):
        import signal

        tune.report({"loss": config["x"]})
        if config["x"] == 1:
            raise ValueError("no good")
        if config["x"] == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    results = search(function, {"x": tune.grid_search([0, 1, 2])})
    run = only_run()
    assert run.status == "finished"
    assert {t.params["x"]: t.status for t in run.trials()} == {0: "finished", 1: "failed", 2: "failed"}
    raised, killed = sorted((t for t in run.trials() if t.params["x"]), key=lambda t: t.params["x"])
    assert raised.error.startswith("ValueError: no good")
    assert "in function" in raised.error
    assert "died" in killed.error
    assert killed.metrics["loss"] == 2
    assert run.metrics["trials_failed"] == results.num_errors == 2
    assert run.best.params["x"] == 0


def test_trials_that_the_scheduler_stops_are_pruned_with_their_step(search):
    scheduler = tune.schedulers.ASHAScheduler(max_t=4, grace_period=1, reduction_factor=2)
    results = search(steps_of(6), {"x": tune.grid_search([0, 10, 20])}, scheduler=scheduler, max_concurrent_trials=1)
    run = only_run()
    assert (run.params["scheduler"], run.params["scheduler.max_t"]) == ("AsyncHyperBandScheduler", 4)
    best, *stopped = run.trials()
    assert (best.tags["state"], best.metrics["value"]) == ("complete", 3)
    assert [(t.tags["state"], t.status, t.reason) for t in stopped] == [("pruned", "finished", "pruned at step 1")] * 2
    assert run.metrics["trials_pruned"] == 2
    assert run.best.params["x"] == results.get_best_result().config["x"]


def test_best_trial_is_ray_s_own_also_where_it_was_stopped_early(search):
    def function(config):
        for step in range(4):
            tune.report({"loss": config["x"] + step * config["slope"]})

    scheduler = tune.schedulers.ASHAScheduler(max_t=9, grace_period=1, reduction_factor=2)
    space = {"slope": tune.grid_search([9, 0]), "x": tune.sample_from(lambda config: 0 if config["slope"] else 1)}
    results = search(function, space, scheduler=scheduler, max_concurrent_trials=1)
    run = only_run()
    assert [t.tags["state"] for t in run.trials()] == ["complete", "pruned"]
    assert run.best.params["slope"] == results.get_best_result().config["slope"] == 0


def test_fits_of_twenty_trials_are_each_in_their_own_and_the_best_model_is_loaded(search):
    depths = [1 + number % 8 for number in range(20)]
    results = search(fits(), {"depth": tune.grid_search(depths)}, reuse_actors=True)
    run = only_run()
    assert [t.params["depth"] for t in run.trials()] == depths
    for trial in run.trials():
        assert trial.params["max_depth"] == trial.params["depth"]
        assert trial.metrics["train_score"] == 1 - trial.metrics["loss"]
        assert not trial.children
    assert len([t for t in run.trials() if t.models]) == 3
    assert autotrack.register_model(run, "tree").run_id == run.best.id
    assert autotrack.load_model("tree").max_depth == results.get_best_result().config["depth"]


def test_fits_of_a_class_and_second_fits_belong_to_the_trial(search):
    class Trained(tune.Trainable):
        def setup(self, config):
            from sklearn.datasets import load_iris
            from sklearn.linear_model import Ridge

            self.X, self.y = load_iris(return_X_y=True)
            self.model = Ridge(alpha=config["alpha"]).fit(self.X, self.y)

        def step(self):
            from sklearn.linear_model import Lasso

            Lasso(alpha=self.config["alpha"]).fit(self.X, self.y)
            return {"loss": self.model.score(self.X, self.y), "done": self.iteration == 1}

        def save_checkpoint(self, _):
            return {}

    search(Trained, {"alpha": tune.grid_search([0.1, 0.5])})
    run = only_run()
    assert [t.tags["state"] for t in run.trials()] == ["complete"] * 2
    for trial in run.trials():
        assert trial.model["model_class"].endswith("Ridge")
        assert [(c.name, c.status, c.params["alpha"]) for c in trial.children] == [
            ("Lasso", "finished", trial.params["alpha"])
        ] * 2


def test_tune_run_inside_a_run_of_the_users_is_its_child_and_a_pause_is_silent(tmp_path):
    def start():
        return tune.run(fits(), config={"depth": 2}, storage_path=str(tmp_path / "ray"), verbose=0)

    with autotrack.start_run("mine"):
        start()
        with autotrack.paused():
            start()
    (child,) = only_run().children
    (trial,) = child.trials()
    assert (child.status, trial.params["max_depth"]) == ("finished", 2)
    assert "directions" not in child.params


def test_search_with_an_algorithm_of_optuna_is_no_study_besides(search):
    pytest.importorskip("optuna")
    from ray.tune.search.optuna import OptunaSearch

    results = search(steps_of(1), {"x": tune.uniform(0, 1)}, search_alg=OptunaSearch(seed=1), num_samples=3)
    run = only_run()
    assert run.params["search_alg"] == "OptunaSearch"
    assert sorted(t.metrics["value"] for t in run.trials()) == sorted(r.metrics["loss"] for r in results)


def test_results_and_files_of_the_experiment_are_the_same_with_and_without(tmp_path):
    def generator():
        return tune.search.BasicVariantGenerator(random_state=7)

    def run(name):
        folder = tmp_path / name
        tuner = tune.Tuner(
            fits(),
            param_space={"depth": tune.randint(1, 9)},
            tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=2, search_alg=generator()),
            run_config=tune.RunConfig(name="tuned", storage_path=str(folder), verbose=0),
        )
        results = tuner.fit()
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert not [path for path in files if b"autotrack" in path.read_bytes()]
        assert b"autotrack" not in pickle.dumps(results.get_best_result())
        names = sorted(path.name.split("-")[0] for path in files if "pkl" in path.name or "json" in path.name)
        return [(each.config, each.metrics["loss"]) for each in results], names

    recorded = run("with")
    assert len(only_run().children) == 2
    autotrack.disable()
    assert recorded == run("without")
    assert len(runs()) == 1


def test_process_of_a_trial_without_autotrack_gets_the_id_as_text(store_path):
    import cloudpickle

    from autotrack.run.workers import for_workers
    from autotrack_integrations.searches.ray_worker import Arriving

    sent = cloudpickle.dumps(Arriving("abc_0001", for_workers(), {"run_id": "0" * 22, "experiment": "default"}))
    script = """
        import sys, pickle
        sys.modules["autotrack"] = sys.modules["autotrack_integrations"] = None
        found = pickle.loads(bytes.fromhex(sys.argv[1]))
        print(type(found).__name__, found)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), sent.hex()], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["str", "abc_0001"]


def test_training_of_a_module_that_the_scheduler_stops_keeps_its_curve(search):
    pytest.importorskip("torch")

    def function(config):
        import torch

        torch.manual_seed(0)
        model, X = torch.nn.Linear(4, 1), torch.ones(8, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
        for _epoch in range(5):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(X), X.sum(1, keepdim=True))
            loss.backward()
            optimizer.step()
            tune.report({"loss": loss.item()})

    scheduler = tune.schedulers.ASHAScheduler(max_t=9, grace_period=2, reduction_factor=2)
    search(function, {"lr": tune.grid_search([0.05, 1e-6])}, scheduler=scheduler, max_concurrent_trials=1)
    complete, pruned = only_run().trials()
    assert (complete.tags["state"], pruned.tags["state"]) == ("complete", "pruned")
    assert [len(t.history("train_loss").values) for t in (complete, pruned)] == [5, 2]
    assert pruned.params["optimizer.lr"] == 1e-6
    assert "raylet_name" not in complete.params
