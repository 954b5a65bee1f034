"""`import autotrack` costs next to nothing, and `enable()` imports none of the libraries it watches.

Counted in fresh interpreters by `sys.modules`, not timed: the same result on every machine. What a site's own
startup files load is there before and does not count.
"""

import sys
from collections.abc import Callable
from typing import Any

import pytest

# A lazy `__init__` and what the standard library itself needs for it.
MODULES_AT_MOST = 25

# Libraries we watch, libraries we use, and the standard library's slowest; all come when they are first needed.
LATE = [
    *("sklearn", "torch", "optuna", "pandas", "polars"),
    *("pyarrow", "numpy", "scipy", "xxhash", "cloudpickle", "duckdb", "joblib"),
    *("asyncio",),
]

LOADED_BY = """
    import json, sys
    before = set(sys.modules)
    exec(sys.argv[1])
    print(json.dumps(sorted(set(sys.modules) - before)))
"""

RunPython = Callable[..., Any]


def roots(modules: list[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_import_autotrack_loads_the_standard_library_only(run_python: RunPython) -> None:
    loaded = run_python(LOADED_BY, "import autotrack")
    assert "autotrack" in loaded
    assert roots(loaded) - sys.stdlib_module_names == {"autotrack"}


def test_import_autotrack_loads_few_modules(run_python: RunPython) -> None:
    loaded = run_python(LOADED_BY, "import autotrack")
    assert len(loaded) <= MODULES_AT_MOST, loaded


def test_enable_imports_no_library_that_it_watches_or_uses(run_python: RunPython) -> None:
    loaded = run_python(LOADED_BY, "import autotrack; autotrack.enable()")
    assert "autotrack.api" in loaded
    assert not roots(loaded) & set(LATE)


@pytest.mark.parametrize("room", ["hooks", "store", "run", "model", "registry", "query", "api", "cli.main"])
def test_a_room_is_imported_without_the_libraries_it_uses(run_python: RunPython, room: str) -> None:
    loaded = run_python(LOADED_BY, f"import autotrack.{room}")
    assert not roots(loaded) & set(LATE)


def test_importing_an_integration_does_not_import_its_library(run_python: RunPython) -> None:
    loaded = run_python(
        LOADED_BY, "import autotrack_integrations.sklearn.estimators, autotrack_integrations.sklearn.model"
    )
    assert not roots(loaded) & set(LATE)
