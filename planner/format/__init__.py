"""The file format: what a model file may say, with each of its entries read and ready to be unfolded.

A new key of a file or an entry is a field in `_forms`, from which the JSON Schema comes too. The section `budget:` has
a file of its own, `budget`, which is loaded where a model has one.
"""

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
    "Entry",
    "EntryFormat",
    "EntryReader",
    "FileFormat",
    "LibraryFormat",
    "Values",
    "allowed_of",
    "expressions",
    "faults_of",
    "is_spatial",
    "meaning",
    "names_of",
    "say_dollar",
    "with_dollar",
]
