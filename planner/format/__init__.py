"""The file format: what a model file may say, with each of its entries read and ready to be unfolded.

A new key of a file or an entry is a field in `_forms`, from which the JSON Schema comes too.
"""

from planner.format._budget import BudgetFormat, budget_of
from planner.format._entries import (
    UNKNOWN,
    Arguments,
    Block,
    Entry,
    Values,
    allowed_of,
    expressions,
    is_spatial,
    meaning,
    names_of,
    with_dollar,
)
from planner.format._forms import RESERVED, BlockFormat, EntryFormat, FileFormat, LibraryFormat
from planner.format._reading import EntryReader, say_dollar
from planner.format._wording import faults_of

__all__ = [
    "RESERVED",
    "UNKNOWN",
    "Arguments",
    "Block",
    "BlockFormat",
    "BudgetFormat",
    "Entry",
    "EntryFormat",
    "EntryReader",
    "FileFormat",
    "LibraryFormat",
    "Values",
    "allowed_of",
    "budget_of",
    "expressions",
    "faults_of",
    "is_spatial",
    "meaning",
    "names_of",
    "say_dollar",
    "with_dollar",
]
