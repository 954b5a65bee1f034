"""Numbers and categories of a frame, each prepared in its own way."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {prepare__numbers__impute__strategy = "median", classify__C = 0.5}
# metrics = {test_accuracy = "accuracy", test_average_precision = "precision"}
# tables = ["coefficients", "confusion"]
# data = {X = [225, 4], y = [225]}
# model = "pipe.predict_proba(X_test)"

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(0)
X = pd.DataFrame(
    {
        "age": rng.integers(18, 80, 300).astype(float),
        "fare": rng.lognormal(3, 1, 300),
        "port": rng.choice(["north", "south", "west"], 300),
        "cabin": rng.choice(["a", "b"], 300),
    }
)
y = pd.Series((X["fare"] > 20) ^ (rng.random(300) < 0.1), name="came_back").astype(int)
X.loc[::9, "age"] = np.nan
numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
prepare = ColumnTransformer(
    [
        ("numbers", numbers, make_column_selector(dtype_include=np.number)),
        ("words", OneHotEncoder(handle_unknown="ignore"), ["port", "cabin"]),
    ]
)
pipe = Pipeline([("prepare", prepare), ("classify", LogisticRegression(C=0.5))])
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipe.fit(X_train, y_train)
print("columns:", pipe["prepare"].get_feature_names_out().tolist())
print("accuracy:", accuracy_score(y_test, pipe.predict(X_test)))
print("precision:", average_precision_score(y_test, pipe.predict_proba(X_test)[:, 1]))
