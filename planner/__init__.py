"""Plans the shapes of neural networks from model files, and says what they silently lose.

    import planner
    report = planner.check("model.yaml")
    report.ok, report.to_dict()
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.report import Report

__version__ = "0.1.0"
__all__ = ["check"]


def check(
    source: str | PathLike[str] | Mapping[str, Any],
    *,
    input: Any = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    dtype: str = "float32",
) -> Report:
    """Plan and judge a model; a bad model never raises, its report carries the faults.

    source  a path to a model file, or the parsed file as a mapping
    input   replaces the file's input: a shape `(H, W, C)`, or shapes by the names of the inputs
    params  replaces parameters of the model by name
    batch, dtype  what memory is counted for
    """
    from planner.checking import checked

    return checked(source, input=input, params=params, batch=batch, dtype=dtype)
