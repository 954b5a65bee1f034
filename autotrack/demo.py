"""The main job on real data, for a first look: `python -m autotrack.demo`.

Trains two models on data sets that ship with scikit-learn, under `autotrack.enable()`: a pipeline for a table of
mixed types and a regression. Prints what was recorded, registers the classifier and loads it back by name.
"""

import autotrack

__all__ = ["main"]


def main() -> None:
    """Train, show what is on record, register, load back in a fresh process."""
    autotrack.enable(experiment="demo")

    import subprocess
    import sys

    from sklearn.compose import ColumnTransformer
    from sklearn.datasets import load_breast_cancer, load_diabetes
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import Ridge
    from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = load_breast_cancer(as_frame=True).frame
    frame["size"] = ["large" if radius > 14 else "small" for radius in frame["mean radius"]]
    X, y = frame.drop(columns="target"), frame["target"]
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    numbers = [name for name in X if name != "size"]
    columns = ColumnTransformer([("numbers", StandardScaler(), numbers), ("words", OneHotEncoder(), ["size"])])
    classifier = Pipeline([("columns", columns), ("model", HistGradientBoostingClassifier(random_state=0))])
    classifier.fit(X_train, y_train)
    predicted = classifier.predict(X_test)
    accuracy_score(y_test, predicted)
    roc_auc_score(y_test, classifier.predict_proba(X_test)[:, 1])
    run = autotrack.last_run()
    assert run is not None

    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    regression = Ridge(alpha=0.1).fit(X_train, y_train)
    mean_squared_error(y_test, regression.predict(X_test))

    print(f"Two fits, two runs:\n{autotrack.search_runs(experiment='demo', limit=2)}\n")
    print(f"The first one, {run.id}:")
    for key, value in run.metrics.items():
        print(f"  {key:18} {value:.4f}")
    version = autotrack.register_model(run, "demo", alias="champion")
    question = (
        "import autotrack; print('Loaded in another process:', type(autotrack.load_model('demo@champion')).__name__)"
    )
    print(f"Registered as {version.name}/{version.version}, alias champion.", flush=True)
    subprocess.run([sys.executable, "-c", question], check=True)
    print("See more with: autotrack ls | autotrack show RUN | autotrack models")


if __name__ == "__main__":
    main()
