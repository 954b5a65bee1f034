"""A real MLflow, in an environment of its own, loads and serves what autotrack exports. `make test-mlflow` runs these.

MLFLOW_PYTHON names the interpreter that has MLflow, and autotrack for the models that autotrack itself loads there.
"""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import autotrack

PYTHON = os.environ.get("MLFLOW_PYTHON", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="MLFLOW_PYTHON names no interpreter with MLflow: make test-mlflow"),
]

FRAME = pd.DataFrame(
    {
        "age": np.arange(40, dtype="int64"),
        "income": np.linspace(0.0, 1.0, 40),
        "city": ["Bern", "Rome"] * 20,
    }
)
y = (FRAME["income"] > 0.5).astype("int64").to_numpy()


@pytest.fixture
def exported(store_path: Path, tmp_path: Path) -> Callable[[Any, Any], Path]:
    """Fit, register and export a model; the folder."""
    autotrack.enable(store=store_path)

    def export(model: Any, example: Any) -> Path:
        autotrack.register_model(model, "m", input_example=example)
        return autotrack.export_model("m", tmp_path / "folder")

    return export


def in_mlflow(code: str) -> Any:
    """What a script that has MLflow prints as its last line, read as JSON."""
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def predictions_of(folder: Path, loader: str, data: Any) -> Any:
    frame = f"pandas.DataFrame({data.to_dict('list')!r})" if isinstance(data, pd.DataFrame) else repr(data.tolist())
    dtype = "" if isinstance(data, pd.DataFrame) else f", dtype={str(data.dtype)!r}"
    given = frame if isinstance(data, pd.DataFrame) else f"numpy.array({frame}{dtype})"
    return in_mlflow(
        f"import json, mlflow, mlflow.sklearn, numpy, pandas\n"
        f"model = {loader}({str(folder)!r})\n"
        f"print(json.dumps(numpy.asarray(model.predict({given})).tolist()))"
    )


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mlflow = [PYTHON, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local", "-p", str(port)]
    environment = {**os.environ, "PATH": f"{os.path.dirname(PYTHON)}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen(
        mlflow, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                    break
            except OSError:
                assert process.poll() is None, "the server ended"
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def ask(address: str, body: bytes) -> Any:
    request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())["predictions"]


def pipeline() -> Any:
    encode = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["age", "income"]))
    return make_pipeline(encode, RandomForestClassifier(10, random_state=0)).fit(FRAME, y)


def test_estimator_is_loaded_by_pyfunc_and_by_the_flavor_of_scikit_learn(
    exported: Callable[[Any, Any], Path],
) -> None:
    model = pipeline()
    folder = exported(model, FRAME[:3])
    expected = model.predict(FRAME).tolist()
    assert predictions_of(folder, "mlflow.pyfunc.load_model", FRAME) == expected
    assert predictions_of(folder, "mlflow.sklearn.load_model", FRAME) == expected


def test_signature_is_enforced_by_mlflow(exported: Callable[[Any, Any], Path]) -> None:
    folder = exported(pipeline(), FRAME[:3])
    names = in_mlflow(
        f"import json, mlflow; model = mlflow.pyfunc.load_model({str(folder)!r})\n"
        "print(json.dumps(model.metadata.signature.inputs.input_names()))"
    )
    assert names == ["age", "income", "city"]
    with pytest.raises(AssertionError, match="missing"):
        predictions_of(folder, "mlflow.pyfunc.load_model", FRAME.drop(columns=["age"]))


def test_code_of_the_script_goes_along_to_mlflow(exported: Callable[[Any, Any], Path]) -> None:
    X = FRAME[["age", "income"]].to_numpy()
    model = make_pipeline(FunctionTransformer(lambda values: values * 2), LogisticRegression()).fit(X, y)
    folder = exported(model, X[:3])
    assert predictions_of(folder, "mlflow.pyfunc.load_model", X) == model.predict(X).tolist()


def test_torch_module_is_loaded_by_mlflow_without_a_second_copy_of_its_weights(
    exported: Callable[[Any, Any], Path],
) -> None:
    import torch

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    data = np.random.default_rng(0).random((5, 3)).astype("float32")
    folder = exported(module, data[:2])
    found = np.asarray(predictions_of(folder, "mlflow.pyfunc.load_model", data))
    assert np.allclose(found, module(torch.from_numpy(data)).detach().numpy(), atol=1e-6)
    weights = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 50_000]
    assert weights == []


def test_booster_is_loaded_by_mlflow(exported: Callable[[Any, Any], Path]) -> None:
    xgboost = pytest.importorskip("xgboost")
    X = FRAME[["age", "income"]].to_numpy()
    model = xgboost.XGBClassifier(n_estimators=5).fit(X, y)
    folder = exported(model, X[:3])
    assert predictions_of(folder, "mlflow.pyfunc.load_model", X) == model.predict(X).tolist()


def test_mlflow_serves_the_folder_and_answers_400_what_does_not_fit(exported: Callable[[Any, Any], Path]) -> None:
    model = pipeline()
    folder = exported(model, FRAME[:3])
    with served(folder) as address:
        split = json.dumps({"dataframe_split": json.loads(FRAME.to_json(orient="split", index=False))})
        assert ask(address, split.encode()) == model.predict(FRAME).tolist()
        assert ask(address, (folder / "input_example.json").read_bytes()) == model.predict(FRAME[:3]).tolist()
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(address, b'{"dataframe_split": {"columns": ["a"], "data": [[1]]}}')
        with refused.value as answer:
            assert answer.code == 400
