"""The main job on real data, for a first look: `python -m autotrack.demo`.

Trains two models on data sets that ship with scikit-learn, under `autotrack.enable()`: a classifier for a table of
mixed types and a regression. Prints what was recorded, registers the classifier, loads it by name in another process.
"""

import json
import subprocess
import sys
from typing import Any

import autotrack

__all__ = ["main", "mixed_table"]

IN_ANOTHER_PROCESS = """
import json, autotrack
from autotrack.demo import mixed_table
X_test = mixed_table()[1]
print(json.dumps(autotrack.load_model("demo@champion").predict(X_test).tolist()))
"""


def main() -> None:
    """Train, show what is on record, register, load back in a fresh process."""
    autotrack.enable(experiment="demo")
    classifier_run, predicted = train_classifier()
    train_regression()
    print(f"Two fits, two runs:\n{autotrack.search_runs(experiment='demo', limit=2)}\n")
    print(f"The first one, {classifier_run.id}: {len(classifier_run.params)} params, and")
    for key, value in classifier_run.metrics.items():
        print(f"  {key:18} {value:.4f}")

    version = autotrack.register_model(classifier_run, "demo", alias="champion")
    print(f"\nRegistered as {version.name}/{version.version}, alias champion.", flush=True)
    other = subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS], stdout=subprocess.PIPE, check=True)
    equal = sum(mine == theirs for mine, theirs in zip(predicted, json.loads(other.stdout), strict=True))
    print(f"Loaded as demo@champion in another process: {equal} of {len(predicted)} predictions are equal.")
    print(f"See more with: autotrack ls | autotrack show {classifier_run.id} | autotrack models")


def train_classifier() -> tuple[autotrack.Run, list[int]]:
    """A pipeline on a table of mixed types: its run, and what it predicts for the test rows."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import accuracy_score, roc_auc_score
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    X_train, X_test, y_train, y_test = mixed_table()
    numbers = X_train.columns.drop("size").tolist()
    columns = ColumnTransformer([("numbers", StandardScaler(), numbers), ("words", OneHotEncoder(), ["size"])])
    model = Pipeline([("columns", columns), ("model", HistGradientBoostingClassifier(random_state=0))])
    model.fit(X_train, y_train)
    predicted = model.predict(X_test)
    accuracy_score(y_test, predicted)
    roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
    run = autotrack.last_run()
    assert run is not None
    return run, predicted.tolist()


def train_regression() -> None:
    """A regression on the diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.metrics import mean_squared_error
    from sklearn.model_selection import train_test_split

    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = Ridge(alpha=0.1).fit(X_train, y_train)
    mean_squared_error(y_test, model.predict(X_test))


def mixed_table() -> tuple[Any, Any, Any, Any]:
    """X_train, X_test, y_train, y_test of the breast cancer data: 30 numbers and a word, "small" or "large"."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    data: Any = load_breast_cancer(as_frame=True)
    X, y = data.data, data.target
    X = X.assign(size=["large" if radius > 14 else "small" for radius in X["mean radius"]])
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    return X_train, X_test, y_train, y_test


if __name__ == "__main__":
    main()
