"""What makes a package, laid out as a folder, one that MLflow can load: `MLmodel` and what it names. Checked against
MLflow 3.17; nothing of MLflow is needed to write it.

    mlflow.pyfunc.load_model(folder) · mlflow.sklearn.load_model(folder) · mlflow models serve -m folder

A plain pickle of a scikit-learn estimator is loaded by MLflow's own code. Whatever else is loaded by autotrack, through
the small module in `code/`. MLflow asks for no seal: it unpickles what lies there, whoever made it.
"""

import json
from collections.abc import Mapping
from typing import Any

from autotrack.model import environment, example
from autotrack.model.manifest import Manifest

__all__ = ["mlflow_files"]

_LOADER = "autotrack_package"
_SOURCE = '''"""Loads this model for MLflow: autotrack reads the folder that this file lies in. It must be installed."""

import os

from autotrack.model import load_folder
from autotrack.model.calling import predictions


class _Model:
    def __init__(self, model):
        self.model = model

    def predict(self, data, params=None):
        return predictions(self.model, data)


def _load_pyfunc(path):
    # MLflow has decided to run what lies here: nobody asks again whose it is.
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    return _Model(load_folder(folder, trust=True))
'''
_TYPES = {  # numpy's names of dtypes, and pandas', as MLflow calls them
    "bool": "boolean",
    "boolean": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "uint8": "integer",
    "uint16": "integer",
    "uint32": "long",
    "int64": "long",
    "Int64": "long",
    "float32": "float",
    "float64": "double",
    "Float64": "double",
    "str": "string",
    "string": "string",
    "category": "string",
}


def mlflow_files(manifest: Manifest) -> dict[str, bytes]:
    """The files by path, to be laid beside those of the package."""
    paths = {file.path for file in manifest.files}
    is_plain = manifest.flavor == "sklearn" and not any(path.startswith(("booster-", "code/")) for path in paths)
    function: dict[str, Any] = {
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "python_version": manifest.python,
    }
    flavors: dict[str, Any] = {"python_function": function}
    files: dict[str, bytes] = {}
    needs = [f"-r {environment.FILE_NAME}"]
    if is_plain:
        function |= {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "predict_fn": "predict"}
        flavors["sklearn"] = {
            "pickled_model": "model.pkl",
            "serialization_format": "cloudpickle" if manifest.by_value else "pickle",
            "sklearn_version": _pinned(manifest, "scikit-learn"),
            "code": None,
        }
    else:
        function |= {"loader_module": _LOADER, "code": "mlflow_code", "data": "model.json"}
        files[f"mlflow_code/{_LOADER}.py"] = _SOURCE.encode()
        needs.append("autotrack-ml")
    content: dict[str, Any] = {
        "flavors": flavors,
        "model_uuid": manifest.id[:32],
        "utc_time_created": manifest.created_at.replace("T", " ").partition("+")[0],
        "metadata": {"autotrack": {"package": manifest.id, "flavor": manifest.flavor, "run_id": manifest.run_id}},
    }
    if signature := _signature(manifest.signature):
        content["signature"] = signature
    if example.FILE_NAME in paths:
        content["saved_input_example_info"] = {"artifact_path": example.FILE_NAME, "type": "json_object"}
    python_env = {"python": manifest.python, "build_dependencies": ["pip"], "dependencies": needs}
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={manifest.python}", "pip", {"pip": needs}],
    }
    return {
        **files,
        "MLmodel": _yaml(content),
        "python_env.yaml": _yaml(python_env),
        "conda.yaml": _yaml(conda),
    }


def _signature(signature: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As MLflow writes it; None where a column is of a kind that MLflow has no word for."""
    inputs = _schema((signature or {}).get("inputs"))
    if inputs is None:
        return None
    outputs = _schema((signature or {}).get("outputs"))
    return {"inputs": json.dumps(inputs), "outputs": outputs and json.dumps(outputs), "params": None}


def _schema(described: Mapping[str, Any] | None) -> list[dict[str, Any]] | None:
    if described is None:
        return None
    names, dtypes, shape = described.get("names"), described.get("dtypes"), described.get("shape")
    if names is not None and dtypes is not None and shape and len(names) == len(dtypes) == shape[1]:
        types = [_type(dtype) for dtype in dtypes]
        if None in types:
            return None
        return [{"type": found, "name": name, "required": True} for name, found in zip(names, types, strict=True)]
    dtype = described.get("dtype")
    if described.get("kind") in ("ndarray", "tensor") and shape is not None and isinstance(dtype, str):
        plain = dtype.removeprefix("torch.")
        if plain in _TYPES:
            return [{"type": "tensor", "tensor-spec": {"dtype": plain, "shape": [-1, *shape[1:]]}}]
    return None


def _type(dtype: str) -> str | None:
    return "datetime" if dtype.startswith("datetime64") else _TYPES.get(dtype)


def _pinned(manifest: Manifest, name: str) -> str | None:
    return next((pin.partition("==")[2] for pin in manifest.requirements if pin.startswith(f"{name}==")), None)


def _yaml(content: Mapping[str, Any]) -> bytes:
    """JSON is YAML."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
