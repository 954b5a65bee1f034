"""Each integration keeps the contract that `autotrack.testing` offers to those of others."""

from autotrack.testing import IntegrationContract


class TestSklearn(IntegrationContract):
    setup = (
        "from sklearn.datasets import load_iris; from sklearn.linear_model import LogisticRegression; "
        "X, y = load_iris(return_X_y=True)"
    )
    training = "result = LogisticRegression(max_iter=300).fit(X, y).coef_.tolist()"
    watched = "LogisticRegression.fit"


class TestSklearnMetrics(IntegrationContract):
    setup = (
        "from sklearn.datasets import load_iris; from sklearn.metrics import f1_score; "
        "from sklearn.naive_bayes import GaussianNB; X, y = load_iris(return_X_y=True)"
    )
    training = "result = f1_score(y, GaussianNB().fit(X, y).predict(X), average='macro')"
    watched = "[cell.cell_contents for cell in f1_score.__closure__ if callable(cell.cell_contents)][0]"


class TestSklearnSelection(IntegrationContract):
    setup = (
        "from sklearn.datasets import load_iris; from sklearn.model_selection import cross_val_score; "
        "from sklearn.naive_bayes import GaussianNB; X, y = load_iris(return_X_y=True)"
    )
    training = "result = cross_val_score(GaussianNB(), X, y).tolist()"
    watched = "[cell.cell_contents for cell in cross_val_score.__closure__ if callable(cell.cell_contents)][0]"
