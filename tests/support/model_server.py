"""Servers of models for tests: a user's folder with a store, and `autotrack serve` as a process of its own."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

KEEP = """
    import numpy as np, pandas as pd, torch
    from sklearn.base import BaseEstimator
    from sklearn.compose import make_column_transformer
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    import autotrack

    def keep(name, model, X=None, alias="champion"):
        return autotrack.register_model(model, name, alias=alias, input_example=X)
"""

MIXED = {"age": 31, "income": 1, "city": "Bonn", "plan": "a"}  # a row of the model `mixed`
AsJson = dict[str, Any]

WRONG_BODIES: list[tuple[str | bytes, str]] = [  # for a model of arrays with three features, and what is told
    ("", "empty"),
    ("  ", "empty"),
    ("{", "not JSON"),
    (b"\xff\xfe{}", "not JSON"),
    ("[1, 2]", "a list"),
    ("null", "null"),
    ("3", "a number"),
    ('"text"', "a text"),
    ("{}", "keys none"),
    ('{"rows": [[1]]}', "keys 'rows'"),
    ('{"instances": [[1, 2, 3]], "inputs": [[1, 2, 3]]}', "keys 'instances', 'inputs'"),
    ('{"instances": [[1, 2, 3]], "params": {"a": 1}}', "params"),
    ('{"instances": []}', "no rows"),
    ('{"inputs": {}}', "no rows"),
    ('{"inputs": {"a": []}}', "no rows"),
    ('{"instances": 5}', "a number"),
    ('{"instances": [[1, 2, 3], [1, 2]]}', "different lengths"),
    ('{"instances": [[1, 2, 3], 4]}', "several kinds"),
    ('{"instances": [{"a": 1}, [1]]}', "several kinds"),
    ('{"instances": [[1, 2, NaN]]}', "NaN"),
    ('{"instances": [[1, 2, -Infinity]]}', "-Infinity"),
    ('{"instances": [[1, 2, 1e999]]}', "finite"),
    ('{"instances": [[1, 2, "3"]]}', "found texts"),
    ('{"instances": [[1, 2, {"a": 1}]]}', "found objects"),
    ('{"instances": [[1, 2, [3]]]}', "different lengths"),
    ('{"instances": [[[1, 2, 3]]]}', "shape"),
    ('{"instances": [1, 2, 3]}', "one dimension"),
    ('{"instances": [[1, 2, 1' + "0" * 5000 + "]]}", "not JSON"),
    ('{"instances": [[1, 2, 1' + "0" * 400 + "]]}", "too large"),
    ('{"instances": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested"),
    ('{"dataframe_split": []}', "a list"),
    ('{"dataframe_split": {"columns": ["a"]}}', "keys 'columns'"),
    ('{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', "1 and 2 values"),
    ('{"dataframe_split": {"columns": {"a": 1}, "data": [[1, 2]]}}', "no names"),
    ('{"dataframe_split": {"columns": [null], "data": [[1]]}}', "no names"),
    ('{"dataframe_split": {"data": 7}}', "no list of rows"),
    ('{"dataframe_split": {"columns": ["a"], "data": []}}', "no rows"),
    ('{"dataframe_records": {"a": 1}}', "an object"),
    ('{"dataframe_records": [[1]]}', "no objects"),
    ('{"inputs": {"a": 1}}', "no lists"),
    ('{"inputs": {"a": [1], "b": [1, 2]}}', "1 and 2 values"),
    ('{"dataframe_records": [{}]}', "0 features"),
]


@dataclass(frozen=True)
class House:
    """A folder with a store in it, and the environment of the user whose store it is."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}
        home = {"HOME": str(self.folder), "XDG_CACHE_HOME": f"{self.folder}/cache", "OMP_NUM_THREADS": "1"}
        return {**own, **home, "AUTOTRACK_KEY_FILE": f"{self.folder}/key", "AUTOTRACK_STORE": f"{self.folder}/store"}

    def python(self, script: str) -> None:
        """Run a script of this user's after KEEP."""
        text = textwrap.dedent(KEEP) + textwrap.dedent(script)
        done = subprocess.run(
            [sys.executable, "-c", text],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def command(self, *args: str) -> list[str]:
        """`autotrack serve`, as people run it; on any free port unless they say another."""
        return [sys.executable, "-P", "-m", "autotrack", "serve", "--port", "0", *args]


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    first_line: str
    client: httpx.Client
    log_path: Path

    @property
    def url(self) -> str:
        return str(self.client.base_url)

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def ask(self, body: AsJson | str | bytes, content_type: str = "application/json", **headers: str) -> httpx.Response:
        """The answer to a body."""
        content = json.dumps(body) if isinstance(body, dict) else body
        return self.client.post("/invocations", content=content, headers={"content-type": content_type, **headers})

    def predictions(self, body: AsJson) -> Any:
        answer = self.ask(body)
        assert answer.status_code == 200, answer.text
        return answer.json()["predictions"]


@contextmanager
def running(house: House, *args: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """A server for these arguments of `autotrack serve`, on a port of its own."""
    log_path = house.folder / f"log-{os.getpid()}-{os.urandom(4).hex()}"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            house.command(*args),
            env={**house.env, **(env or {})},
            cwd=house.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line, log_path.read_text()
        with httpx.Client(base_url=line.rpartition(" at ")[2], timeout=30, trust_env=False) as client:
            yield Server(process, line, client, log_path)
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
