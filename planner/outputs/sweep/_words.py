"""Measures and fronts in words that all formats share."""

from __future__ import annotations

from planner.outputs._screen import printable
from planner.points import MEASURES, Objective, SweepOutcome


def noun(aim: Objective) -> str:
    """What an aim is about: `parameters`; of a parameter of the model, its name."""
    return MEASURES[aim.measure].noun if aim.measure in MEASURES else printable(aim.measure)


def front_words(outcome: SweepOutcome) -> str:
    """What a front is about: `the least MACs for the most parameters`."""
    said = " for ".join(f"the {'most' if aim.most else 'least'} {noun(aim)}" for aim in outcome.axes)
    return f"{said}, for each size of the input" if outcome.each_input else said
