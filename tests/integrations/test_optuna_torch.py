"""A PyTorch training in an objective is recorded in the run of its trial, in whatever thread."""

import optuna
import torch

import autotrack

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    rate = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    net = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    X = torch.ones(16, 4)
    for epoch in range(3):
        for _ in range(4):
            loss = torch.nn.functional.mse_loss(net(X), X[:, :1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        trial.report(loss.item(), epoch)
    return loss.item()


def test_training_in_an_objective_is_its_trials_own(store_path):
    autotrack.enable(store=store_path)
    optuna.create_study().optimize(objective, n_trials=6, n_jobs=3)
    (study,) = autotrack.search_runs("parent is null")
    trials = study.trials()
    assert [trial.params["optimizer.lr"] for trial in trials] == [trial.params["lr"] for trial in trials]
    assert all(len(trial.history("train_loss")) == 12 and trial.children == [] for trial in trials)
    assert sum("model" in trial.models for trial in trials) == 3
    assert "model" in study.best.models
