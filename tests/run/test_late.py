"""A run that begins in memory is a run like any other to whoever looks around from inside it."""

import optuna

import autotrack


def test_parent_and_siblings_are_seen_from_inside_a_trial(store_path):
    autotrack.enable(store=store_path)
    seen = []

    def objective(trial: optuna.Trial) -> float:
        run = autotrack.active_run()
        assert run is not None
        run.log_param("looked", True)
        assert run.parent is not None
        seen.append((run.parent.name, len(run.parent.children), run.parent.status))
        return trial.suggest_float("x", 0, 1)

    study = optuna.create_study(study_name="looking", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=3)
    assert [name for name, _, _ in seen] == ["looking"] * 3
    assert [count for _, count, _ in seen] == [1, 2, 3]
    assert {status for _, _, status in seen} == {"running"}
