"""What an estimator keeps of each iteration, and the numbers its fit arrived at, are metrics of its run."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.covariance import GraphicalLasso
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import RFECV
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNetCV,
    LassoCV,
    LassoLarsCV,
    LassoLarsIC,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
)
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import autotrack
from autotrack_integrations.sklearn.curves import curves_of, record_curves
from autotrack_integrations.sklearn.facts import facts_of

X, y = load_iris(return_X_y=True)
target = X @ [1.0, 2.0, -1.0, 0.5] + np.random.RandomState(0).normal(0, 0.3, len(X))
two_x, two_y = X[50:], y[50:] - 1


pytestmark = pytest.mark.usefixtures("enabled")


def recorded(estimator, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        estimator.fit(*data)
    return autotrack.last_run()


def assert_curves(run, expected):
    for name, values in expected.items():
        found = run.history(name)
        assert list(found.values) == pytest.approx(list(values)), name
        assert list(found.steps) == list(range(len(values))), name


def test_network_has_its_loss_and_validation_score_of_each_epoch():
    model = MLPClassifier((4,), max_iter=30, early_stopping=True, random_state=0)
    run = recorded(model, X, y)
    assert len(model.loss_curve_) > 2
    assert_curves(run, {"train_loss": model.loss_curve_, "val_score": model.validation_scores_})
    assert run.metrics["n_iter"] == model.n_iter_


def test_network_that_goes_on_has_one_curve():
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, warm_start=True, random_state=0)
    recorded(model, X, target)
    run = recorded(model, X, target)
    assert len(model.loss_curve_) > 5
    assert_curves(run, {"train_loss": model.loss_curve_})


def test_network_fed_in_parts_has_one_curve():
    model = MLPClassifier((4,), random_state=0)
    for start in range(3):
        model.partial_fit(X[start::3], y[start::3], classes=[0, 1, 2])
    autotrack.last_run().finish()
    assert_curves(autotrack.last_run(), {"train_loss": model.loss_curve_})


def test_boosting_has_losses_of_training_and_of_rows_left_out():
    model = GradientBoostingClassifier(n_estimators=5, subsample=0.5, random_state=0)
    expected = {"train_loss": "train_score_", "oob_loss": "oob_scores_", "oob_improvement": "oob_improvement_"}
    run = recorded(make_pipeline(StandardScaler(), model), X, y)
    assert_curves(run, {name: getattr(model, attribute) for name, attribute in expected.items()})


def test_histogram_boosting_scored_by_loss_has_losses_and_by_score_has_scores():
    model = HistGradientBoostingClassifier(max_iter=4, early_stopping=True, scoring="loss", random_state=0)
    run = recorded(model, X, y)
    assert_curves(run, {"train_loss": -model.train_score_, "val_loss": -model.validation_score_})
    model = HistGradientBoostingClassifier(max_iter=4, early_stopping=True, scoring="accuracy", random_state=0)
    run = recorded(model, X, y)
    assert_curves(run, {"train_subset_score": model.train_score_, "val_score": model.validation_score_})
    assert "converged" not in run.metrics
    assert curves_of(HistGradientBoostingClassifier(max_iter=4).fit(X, y)) == {}


def test_rounds_of_boosting_that_were_not_reached_are_left_out():
    model = AdaBoostClassifier(DecisionTreeClassifier(), n_estimators=10, random_state=0)
    run = recorded(model, X, y)
    assert_curves(run, {"estimator_error": model.estimator_errors_[: len(model.estimators_)]})
    assert len(run.history("estimator_error")) < 10


def test_paths_of_cross_validated_linear_models_are_means_of_the_folds():
    model = LassoCV(cv=3)
    run = recorded(model, X, target)
    assert_curves(run, {"val_mean_squared_error": model.mse_path_.mean(axis=1), "alpha_path": model.alphas_})
    assert run.metrics["alpha"] == model.alpha_
    model = ElasticNetCV(cv=3, l1_ratio=[0.1, 0.9])
    run = recorded(model, X, target)
    assert run.best("val_mean_squared_error") == pytest.approx(model.mse_path_.mean(axis=2).min())
    model = LassoLarsCV(cv=3)
    assert_curves(recorded(model, X, target), {"alpha_path": model.cv_alphas_})
    model = LassoLarsIC(criterion="bic")
    assert_curves(recorded(model, X, target), {"bic": model.criterion_})


@pytest.mark.parametrize("ratios", [None, [0.0, 1.0]])
def test_scores_by_regularization_are_means_of_the_folds(ratios):
    given = {} if ratios is None else {"l1_ratios": ratios, "solver": "saga", "penalty": "elasticnet"}
    model = LogisticRegressionCV(Cs=3, cv=2, max_iter=200, random_state=0, **given)
    run = recorded(model, X, y)
    scores = model.scores_[0] if isinstance(model.scores_, dict) else np.moveaxis(model.scores_, 1, -1)
    assert run.best("val_score") == pytest.approx(scores.mean(axis=0).max())
    assert_curves(run, {"C_path": model.Cs_})


def test_mixture_and_bayesian_regression_have_what_they_maximize():
    model = GaussianMixture(3, random_state=0)
    run = recorded(model, X)
    if hasattr(model, "lower_bounds_"):
        assert_curves(run, {"lower_bound": model.lower_bounds_})
    assert run.metrics["lower_bound"] == pytest.approx(model.lower_bound_)
    assert run.metrics["converged"] == 1
    model = BayesianRidge(compute_score=True)
    assert_curves(recorded(model, X, target), {"log_marginal_likelihood": model.scores_})


def test_costs_of_a_sparse_covariance_are_told_though_it_opens_no_run_of_its_own():
    found = curves_of(GraphicalLasso(0.5).fit(StandardScaler().fit_transform(X)))
    assert found["cost"]
    assert len(found["cost"]) == len(found["dual_gap"])


def test_self_training_tells_how_many_rows_have_labels():
    some = np.where(np.arange(len(y)) % 3, y, -1)
    model = SelfTrainingClassifier(LogisticRegression(max_iter=300))
    run = recorded(model, X, some)
    found = run.history("n_labeled")
    assert found.values[0] == (some != -1).sum()
    assert found.values[-1] == (model.labeled_iter_ >= 0).sum()


def test_elimination_and_thresholds_have_their_scores():
    model = RFECV(LogisticRegression(max_iter=300), cv=2)
    run = recorded(model, X, y)
    assert_curves(run, {"val_score": model.cv_results_["mean_test_score"], "n_features": [1, 2, 3, 4]})
    assert run.metrics["n_features_selected"] == model.n_features_
    model = TunedThresholdClassifierCV(LogisticRegression(), thresholds=5, cv=2, store_cv_results=True)
    run = recorded(model, two_x, two_y)
    assert_curves(run, {"threshold": model.cv_results_["thresholds"], "val_score": model.cv_results_["scores"]})
    assert run.metrics["best_threshold"] == model.best_threshold_


def test_best_model_of_a_search_has_its_curve():
    search = GridSearchCV(MLPClassifier((4,), max_iter=3, random_state=0), {"alpha": [0.1, 1.0]}, cv=2)
    run = recorded(search, X, y)
    assert_curves(run, {"train_loss": search.best_estimator_.loss_curve_})


def test_estimators_of_the_users_own_are_read_but_not_run():
    looked = []

    class Mine(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            self.loss_curve_ = [3.0, 2.0, 1.0]
            self.error_ = object()
            self.scores_ = {"not": "a curve"}
            self.history_ = "long"
            self.train_score_ = [[1.0], [2.0]]
            return self

        def predict(self, X):
            return np.zeros(len(X))

        @property
        def evals_result_(self):
            looked.append("evals")
            return {}

        @property
        def n_iter_(self):
            looked.append("n_iter")
            return 3

    run = recorded(Mine(), X, target)
    assert_curves(run, {"train_loss": [3.0, 2.0, 1.0]})
    assert run.metrics.keys() == {"fit_time_s", "train_loss"}
    assert looked == []


class Booster(RegressorMixin, BaseEstimator):
    """Keeps `evals_result_` as boosting libraries do."""

    def __init__(self, evals=None):
        self.evals = evals

    def fit(self, X, y):
        self.evals_result_ = self.evals
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize(
    ("evals", "expected"),
    [
        ({"validation_0": {"logloss": [2, 1]}}, {"val_logloss"}),
        ({"learn": {"RMSE": [2, 1]}, "validation": {"RMSE": [3, 2]}}, {"train_rmse", "val_rmse"}),
        ({"training": {"l2": [2, 1]}, "valid_0": {"l2": [3, 2]}}, {"train_l2", "val_l2"}),
        ({"validation_0": {"auc": [2, 1]}, "validation_1": {"auc": [3, 2]}}, {"validation_0_auc", "validation_1_auc"}),
        (
            {"holdout": {"ndcg@5": [2, 1], "AUC:hints=skip~true": [1, 1]}},
            {"holdout_ndcg@5", "holdout_auc_hints_skip_true"},
        ),
        (None, set()),
    ],
)
def test_evaluations_of_boosting_libraries_are_named_after_the_data(evals, expected):
    assert curves_of(Booster(evals).fit(X, target)).keys() == expected


def test_epochs_of_skorch_are_named_as_everywhere_else():
    class Net(BaseEstimator):
        def fit(self, X, y):
            loss = {
                "train_loss": 2.0,
                "valid_loss": 3.0,
                "valid_acc": 0.5,
                "train_loss_best": True,
                "train_batch_count": 4,
            }
            first = {"epoch": 1, "batches": [{"train_loss": 1.0}], "dur": 0.1, **loss}
            self.history_ = [first, {**first, "epoch": 2, "train_loss": 1.0}]
            return self

        def predict(self, X):
            return np.zeros(len(X))

    found = curves_of(Net().fit(X, y))
    assert found["train_loss"] == [2.0, 1.0]
    assert found.keys() == {"train_loss", "val_loss", "val_accuracy", "epoch_time_s"}


def test_xgboost_has_the_curves_of_its_evaluation_sets():
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=4, n_jobs=1)
    model.fit(two_x, two_y, eval_set=[(two_x[::2], two_y[::2])], verbose=False)
    run = autotrack.last_run()
    assert_curves(run, {"val_logloss": model.evals_result()["validation_0"]["logloss"]})
    assert set(run.tables["feature_importances"]["feature"]) == {"x0", "x1", "x2", "x3"}


def test_lightgbm_has_the_curves_of_its_evaluation_sets():
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMRegressor(n_estimators=4, n_jobs=1, verbose=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions call the argument otherwise
        model.fit(X, target, eval_set=[(X[::2], target[::2])])
    assert_curves(autotrack.last_run(), {"val_l2": model.evals_result_["valid_0"]["l2"]})


def test_long_curves_are_thinned_evenly_and_keep_their_end():
    class Long(BaseEstimator):
        def fit(self):
            self.loss_curve_ = np.arange(25_001.0)
            self.best_loss_ = 1.5
            return self

    with autotrack.start_run() as run:
        record_curves(run, Long().fit(), {})
    found = run.history("train_loss")
    assert len(found) <= 10_001
    assert (found.steps[0], found.steps[1], found.steps[-1]) == (0, 3, 25_000)
    assert list(found.values) == list(found.steps)


def test_curves_can_be_left_out(store_path):
    autotrack.enable(store=store_path, leave_out=["curves"])
    assert "train_loss" not in recorded(MLPRegressor(hidden_layer_sizes=(2,), max_iter=3), X, target).metrics


# ---- what is there once


def test_classes_are_a_param_and_numbers_of_the_fit_are_metrics():
    names = np.array(["a", "b", "c"])[y]
    run = recorded(make_pipeline(StandardScaler(), LogisticRegression()), X, names)
    assert run.params["classes"] == ["a", "b", "c"]
    assert run.metrics["n_features_in"] == 4
    assert run.metrics["converged"] == 1
    assert recorded(LogisticRegression(max_iter=2), X, names).metrics["converged"] == 0
    model = RandomForestClassifier(40, oob_score=True, random_state=0)
    assert recorded(model, X, y).metrics["oob_score"] == model.oob_score_
    model = SVC()
    run = recorded(model, X, y)
    assert run.metrics["n_support"] == model.n_support_.sum()
    assert "converged" not in run.metrics
    model = DecisionTreeClassifier()
    run = recorded(model, X, y)
    assert (run.metrics["tree_depth"], run.metrics["n_leaves"]) == (model.get_depth(), model.get_n_leaves())


def test_classes_that_are_too_many_or_odd_are_no_param():
    assert "classes" not in recorded(DecisionTreeClassifier(), np.tile(X, (3, 1)), np.arange(450) % 150).params
    assert facts_of(Ridge().fit(X, target))[0] == {}
    several = DecisionTreeClassifier().fit(X, np.column_stack([y, y > 0]))
    assert facts_of(several)[0] == {"classes": [[0, 1, 2], [0, 1]]}


def test_scores_of_a_scoring_monitor_of_the_users_are_curves(store_path):
    callback = pytest.importorskip("sklearn.callback")
    autotrack.enable(store=store_path)
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    model = LogisticRegression(max_iter=1000).set_callbacks(monitor).fit(X, y)
    run = autotrack.last_run()
    curve = run.history("monitored_neg_log_loss")
    assert curve.steps == list(range(model.n_iter_[0]))
    assert curve.values[-1] == pytest.approx(-run.metrics["train_log_loss"], abs=1e-3)
