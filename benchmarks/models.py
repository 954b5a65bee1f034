"""What it costs to save, register and load a model: autotrack beside plain pickle, joblib, torch.save, safetensors,
MLflow and BentoML, each where it is installed.

Every step runs in an interpreter of its own, and the variants take turns. Time and CPU are those of the step alone:
libraries are imported before, and the model was fitted before; CPU counts child processes too. `load` is by name, in a
process that has never seen the model. `autotrack skops`: skops was imported before too, as it is when a process
registers its second model. Printed are medians over the repeats. How to read it: README.md beside this file.
"""

import argparse
import json
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FLAVORS = {
    "forest": "RandomForest(100), 10,000 rows",
    "boosting": "HistGradientBoosting(100)",
    "columns": "ColumnTransformer + LogisticRegression",
    "text": "TF-IDF + LogisticRegression, 20,000 words",
    "torch": "torch, 100 million parameters",
}
SKLEARN = ("pickle", "joblib", "autotrack", "autotrack skops", "mlflow", "mlflow skops", "bentoml")
TORCH = ("safetensors", "torch.save", "autotrack", "mlflow")
STEPS = ("save", "register", "load")


# ---- the models


def fitted(name: str) -> Any:
    """The model of one line, and a row to predict."""
    import numpy as np

    if name == "torch":
        import torch

        torch.manual_seed(0)
        layers = [layer for _ in range(6) for layer in (torch.nn.Linear(4096, 4096), torch.nn.ReLU())]
        return torch.nn.Sequential(*layers)
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if name == "text":
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = np.random.default_rng(0).integers(0, 20_000, (4_000, 40))
        texts = [" ".join(f"word{number}" for number in line) for line in words]
        return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, words[:, 0] % 2)
    if name == "columns":
        import pandas as pd
        from sklearn.compose import make_column_transformer
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        rng = np.random.default_rng(0)
        X = pd.DataFrame({f"x{number}": rng.random(2_000) for number in range(20)})
        X["city"] = rng.choice(["Bern", "Rome", "Oslo"], 2_000)
        columns = make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), [f"x{number}" for number in range(20)]),
            (OneHotEncoder(), ["city"]),
        )
        return make_pipeline(columns, LogisticRegression()).fit(X, rng.integers(0, 2, 2_000))
    from sklearn.datasets import make_classification
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

    X, y = make_classification(10_000, 20, random_state=0)
    kind: Any = RandomForestClassifier if name == "forest" else HistGradientBoostingClassifier
    return kind(100, random_state=0).fit(X, y) if name == "forest" else kind(random_state=0).fit(X, y)


# ---- the steps of each variant: what is given back is timed


def with_files(name: str, folder: Path) -> dict[str, Callable[[Any], Any]]:
    """Formats that know files alone: no names, no versions."""
    path = folder / "model"

    def write(data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data)

    if name == "pickle":
        return {"save": lambda m: write(pickle.dumps(m, 5)), "load": lambda _: pickle.loads(path.read_bytes())}
    if name == "joblib":
        import joblib

        return {"save": lambda m: joblib.dump(m, path), "load": lambda _: joblib.load(path)}
    import torch

    if name == "torch.save":
        return {"save": lambda m: torch.save(m, path), "load": lambda _: torch.load(path, weights_only=False)}
    from safetensors.torch import load_file, save_file

    def load(_: Any) -> Any:
        state = load_file(path)
        with torch.device("meta"):
            module = fitted("torch")
        module.load_state_dict(state, assign=True)
        return module

    return {"save": lambda m: save_file(m.state_dict(), path), "load": load}


def with_autotrack(name: str, folder: Path) -> dict[str, Callable[[Any], Any]]:
    import autotrack
    import autotrack.registration
    import autotrack.registry

    if name == "autotrack skops":
        import skops.io  # noqa: F401
    autotrack.enable(store=folder / "store", libraries=[])
    if not (folder / "store").exists():
        with autotrack.start_run():
            pass  # the store is there, and what writes it was imported

    def save(model: Any) -> None:
        with autotrack.start_run() as run:
            run.log_model(model)
            assert run.models  # written, not only handed over
            (folder / "run").write_text(run.id)

    return {
        "save": save,
        "register": lambda _: autotrack.register_model((folder / "run").read_text(), "m", alias="champion"),
        "load": lambda _: autotrack.load_model("m@champion"),
    }


def with_mlflow(name: str, folder: Path) -> dict[str, Callable[[Any], Any]]:
    import mlflow
    import mlflow.pytorch
    import mlflow.sklearn

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("m") if mlflow.get_experiment_by_name("m") else mlflow.create_experiment("m", f"{folder}/a")

    def flavor(model: Any) -> Any:
        return mlflow.sklearn if hasattr(model, "get_params") else mlflow.pytorch

    def save(model: Any) -> None:
        more: dict[str, Any] = {}
        if name == "mlflow skops":
            import skops.io

            types = skops.io.get_untrusted_types(data=skops.io.dumps(model))
            more = {"serialization_format": "skops", "skops_trusted_types": types}
        elif hasattr(model, "get_params"):
            more = {"serialization_format": "cloudpickle"}
        mlflow.set_experiment("m")
        with mlflow.start_run():
            info = flavor(model).log_model(model, name="model", **more)
        (folder / "uri").write_text(info.model_uri)

    def register(_: Any) -> None:
        version = mlflow.register_model((folder / "uri").read_text(), "m").version
        mlflow.MlflowClient().set_registered_model_alias("m", "champion", version)

    def load(model: Any) -> Any:
        return flavor(model).load_model("models:/m@champion")

    return {"save": save, "register": register, "load": load}


def with_bentoml(folder: Path) -> dict[str, Callable[[Any], Any]]:
    os.environ["BENTOML_HOME"] = str(folder / "bento")
    import bentoml

    return {
        "save": lambda m: bentoml.picklable_model.save_model("m", m),
        "load": lambda _: bentoml.picklable_model.load_model("m:latest"),
    }


def steps_of(variant: str, folder: Path) -> dict[str, Callable[[Any], Any]]:
    if variant.startswith("mlflow"):
        return with_mlflow(variant, folder)
    if variant.startswith("autotrack"):
        return with_autotrack(variant, folder)
    return with_bentoml(folder) if variant == "bentoml" else with_files(variant, folder)


# ---- one step, in an interpreter of its own


def child(model: str, variant: str, step: str, folder: Path) -> None:
    """Do one step, and print what it took."""
    if model == "torch":
        import torch

        torch.set_num_threads(1)
        given = fitted(model) if step == "save" else torch.nn.Identity()
    else:
        given = pickle.loads((folder.parent / "fitted.pkl").read_bytes())
    work = steps_of(variant, folder)[step]
    cpu, started = cpu_s(), time.perf_counter()
    result = work(given)
    taken = {"ms": (time.perf_counter() - started) * 1e3, "cpu_ms": (cpu_s() - cpu) * 1e3}
    if step == "load" and model != "torch":
        assert type(result) is type(given)
    print(json.dumps(taken))
    sys.stdout.flush()


def cpu_s() -> float:
    """CPU of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measured(model: str, variant: str, step: str, folder: Path) -> dict[str, float]:
    """What one step took."""
    command = [sys.executable, __file__, "--child", model, variant, step, str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "AUTOTRACK_STORE": str(folder / "store")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else every module is compiled in every process
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    if done.returncode:
        raise RuntimeError(f"{variant}, {step}: {done.stderr[-2000:]}")
    taken: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return taken


def size_kb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e3


def measure(model: str, variants: tuple[str, ...], repeats: int) -> dict[str, dict[str, float]]:
    """Medians of each variant: `save_ms`, `save_cpu_ms`, ... and `kilobytes`."""
    found: dict[str, dict[str, list[float]]] = {variant: {} for variant in variants}
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "fitted.pkl").write_bytes(b"" if model == "torch" else pickle.dumps(fitted(model), 5))
        for number in range(repeats):
            for variant in variants:
                folder = Path(scratch) / f"{variant.replace(' ', '-')}-{number}"
                folder.mkdir()
                for step in STEPS:
                    if step == "register" and not variant.startswith(("autotrack", "mlflow")):
                        continue
                    for key, value in measured(model, variant, step, folder).items():
                        found[variant].setdefault(f"{step}_{key}", []).append(value)
                    if step == "save":
                        found[variant].setdefault("kilobytes", []).append(size_kb(folder))
    return {
        variant: {key: statistics.median(values) for key, values in columns.items()}
        for variant, columns in found.items()
    }


def show(model: str, found: dict[str, dict[str, float]]) -> None:
    base = next(iter(found.values()))
    print(f"\n{FLAVORS[model]}")
    print(f"{'':16}{'save ms':>10}{'CPU':>8}{'ratio':>7}{'register':>10}{'CPU':>8}{'load ms':>10}{'over':>8}{'kB':>10}")
    for variant, columns in found.items():
        register = (
            f"{columns['register_ms']:10.1f}{columns['register_cpu_ms']:8.0f}" if "register_ms" in columns else " " * 18
        )
        print(
            f"{variant:16}{columns['save_ms']:10.1f}{columns['save_cpu_ms']:8.0f}"
            f"{columns['save_ms'] / base['save_ms']:7.2f}{register}"
            f"{columns['load_ms']:10.1f}{columns['load_ms'] - base['load_ms']:+8.1f}{columns['kilobytes']:10.0f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(FLAVORS)}; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        model, variant, step, folder = arguments.child
        child(model, variant, step, Path(folder))
        return
    missing = {"mlflow", "bentoml", "skops", "safetensors", "torch"} - {
        name for name in ("mlflow", "bentoml", "skops", "safetensors", "torch") if find_spec(name)
    }
    results = {}
    for model in arguments.models or FLAVORS:
        variants = tuple(
            variant
            for variant in (TORCH if model == "torch" else SKLEARN)
            if not missing & set(variant.split()) and not (model == "torch" and "torch" in missing)
        )
        results[model] = measure(model, variants, arguments.repeats) if variants else {}
        if variants and not arguments.json:
            show(model, results[model])
    if arguments.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
