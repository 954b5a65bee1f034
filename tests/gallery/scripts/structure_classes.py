"""An experiment as a class: its settings, its data, its training, its report."""
# expect:
# [[run]]
# name = "LogisticRegression"
# params = {C = 0.1}
# metrics = {test_log_loss = "C=0.1"}
# [[run]]
# name = "LogisticRegression"
# params = {C = 10.0}
# metrics = {test_log_loss = "C=10.0"}

from dataclasses import dataclass, field

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


@dataclass
class Experiment:
    """One setting and what came of it."""

    C: float
    results: dict = field(default_factory=dict)

    def prepare(self):
        X, y = load_wine(return_X_y=True)
        self.X_train, self.X_test, self.y_train, self.y_test = train_test_split(X, y, random_state=0)
        scaler = StandardScaler().fit(self.X_train)
        self.X_train, self.X_test = scaler.transform(self.X_train), scaler.transform(self.X_test)

    def train(self):
        self.model = LogisticRegression(C=self.C).fit(self.X_train, self.y_train)

    def evaluate(self):
        proba = self.model.predict_proba(self.X_test)
        self.results["loss"] = log_loss(self.y_test, proba)


def report(experiment):
    print(f"C={experiment.C}:", experiment.results["loss"])


for C in (0.1, 10.0):
    experiment = Experiment(C)
    experiment.prepare()
    experiment.train()
    experiment.evaluate()
    report(experiment)
