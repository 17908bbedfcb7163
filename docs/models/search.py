# docs/models/search.py
import optuna

import planner
from planner.points import SweepRow

MODEL = "docs/models/sweep.yaml"
points = planner.point_planner(MODEL, kept=True)


def worth(params: dict[str, int], row: SweepRow) -> float:
    """Here, train `planner.build(MODEL, params=params)`, and return its accuracy. Parameters stand in for it."""
    return row.params


def objective(trial: optuna.Trial) -> float:
    params = {"width": trial.suggest_int("width", 16, 128, step=16), "blocks": trial.suggest_int("blocks", 1, 6)}
    row = points.at(params, input=trial.suggest_int("size", 97, 225, step=32))
    if row.error or not row.lossless or row.macs > 100_000_000 or row.kept_bytes > 10 * 2**20:
        raise optuna.TrialPruned(row.error or f"{row.macs:,} MACs, {row.kept_bytes:,} bytes kept")
    return worth(params, row)


if __name__ == "__main__":
    study = optuna.create_study(direction="maximize")
    study.optimize(objective, n_trials=100)
    print(study.best_params)
