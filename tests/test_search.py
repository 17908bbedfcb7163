"""The documented search, run as it stands, with a study in place of Optuna's that tries all there is to choose."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

import planner

ROOT = Path(__file__).parents[1]
MOST_MACS, MOST_KEPT = 100_000_000, 10 * 2**20


class Trial:
    """A trial as Optuna has it, of which it is known beforehand what it suggests; else it is the least."""

    def __init__(self, params: dict[str, int]) -> None:
        self.params = params
        self.asked: dict[str, range] = {}

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        self.asked[name] = range(low, high + 1, step)
        return self.params.setdefault(name, low)


class TrialPruned(Exception):
    pass


class Study:
    """A study that takes all combinations of what an objective asks for; `values` has what came of those not pruned."""

    def __init__(self, direction: str) -> None:
        assert direction == "maximize"
        self.values: dict[tuple[int, ...], float] = {}
        self.tried = 0
        self.best_params: dict[str, int] = {}

    def optimize(self, objective: Callable[[Trial], float], n_trials: int) -> None:
        first = Trial({})
        with suppress(TrialPruned):
            objective(first)
        for chosen in product(*first.asked.values()):
            trial = Trial(dict(zip(first.asked, chosen, strict=True)))
            self.tried += 1
            with suppress(TrialPruned):
                value = objective(trial)
                if value > max(self.values.values(), default=-1):
                    self.best_params = trial.params
                self.values[chosen] = value


def test_the_documented_search_finds_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    studies: list[Study] = []

    def create_study(direction: str) -> Study:
        studies.append(Study(direction))
        return studies[-1]

    optuna = ModuleType("optuna")
    optuna.__dict__.update(Trial=Trial, TrialPruned=TrialPruned, create_study=create_study)
    monkeypatch.setitem(sys.modules, "optuna", optuna)
    monkeypatch.chdir(ROOT)
    runpy.run_path("docs/models/search.py", run_name="__main__")
    (study,) = studies
    swept = {
        (width, blocks, size): planner.check(
            "docs/models/sweep.yaml", params={"width": width, "blocks": blocks}, input=(size, size, 3)
        )
        for width, blocks, size in product((16, 128), (1, 2), (97, 225))
    }
    for chosen, report in swept.items():
        fits = (report.cost.macs or 0) <= MOST_MACS and (report.kept_bytes or 0) <= MOST_KEPT
        assert study.values.get(chosen) == (report.cost.params if fits else None)
    assert study.tried == 8 * 6 * 5
    assert capsys.readouterr().out == f"{study.best_params}\n"
    assert study.best_params == {"width": 128, "blocks": 2, "size": 97}
