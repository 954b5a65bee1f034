"""Functions that build, train and compare models by name; the data comes through a module's namespace."""
# expect:
# [[run]]
# name = "Pipeline"
# metrics = {test_f1 = "linear"}
# [[run]]
# name = "RandomForestClassifier"
# metrics = {test_f1 = "forest"}
# [[run]]
# name = "HistGradientBoostingClassifier"
# metrics = {test_f1 = "boosted"}

import argparse
import json
import logging

from sklearn import datasets, ensemble, linear_model, metrics, model_selection, pipeline, preprocessing

logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
MODELS = {
    "linear": lambda: pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    "forest": lambda: ensemble.RandomForestClassifier(n_estimators=15, random_state=0),
    "boosted": lambda: ensemble.HistGradientBoostingClassifier(max_iter=8),
}


def load():
    X, y = datasets.load_breast_cancer(return_X_y=True)
    return model_selection.train_test_split(X, y, random_state=0)


def evaluate(model, X_test, y_test):
    return {"f1": metrics.f1_score(y_test, model.predict(X_test))}


def main(arguments=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    names = parser.parse_args(arguments).models
    X_train, X_test, y_train, y_test = load()
    results = {}
    for name in names:
        logging.info("training %s", name)
        results[name] = evaluate(MODELS[name]().fit(X_train, y_train), X_test, y_test)
        print(f"{name}:", results[name]["f1"])
    with open("results.json", "w") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main()
