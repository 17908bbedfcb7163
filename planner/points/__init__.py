"""Points: what a sweep asks, and what came of it, as values; `planner.sweeping` does the work between the two.

series    the values that one parameter, or one input, has in turn: `32:128:8`
shipped   a model as a text that is planned anywhere, with the libraries that stand beside it
question  a model with series: its points, each a combination of values, by their numbers
row       what was planned of a point
limits    which rows are left out
front     the rows that no other one beats in two measures
outcome   the rows of a question, with limits and front

A new measure of rows is a line in `row`. The columns of rows are promises: files of rows that were written earlier are
gone on with.
"""

from __future__ import annotations

from planner.points.front import Objective, ParetoFront, read_aims
from planner.points.limits import Limits
from planner.points.outcome import SweepOutcome
from planner.points.question import MOST_POINTS, Question, SweepPoint
from planner.points.row import MEASURES, SweepRow
from planner.points.series import Series, ShapeSeries, read_series, read_shapes
from planner.points.shipped import Shipped

__all__ = [
    "MEASURES",
    "MOST_POINTS",
    "Limits",
    "Objective",
    "ParetoFront",
    "Question",
    "Series",
    "ShapeSeries",
    "Shipped",
    "SweepOutcome",
    "SweepPoint",
    "SweepRow",
    "read_aims",
    "read_series",
    "read_shapes",
]
