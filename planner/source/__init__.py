"""A model file as plain values, with the place of every key and every value in its text.

    places    the Source: the values, and where each of them stands
    files     a file, its bytes, its text
    libraries the libraries of blocks that a file uses; the `shelf` holds those that have been read
    yaml      from the events of YAML to values
    slips     what people get wrong in YAML, in our words; `stopped` is the place where reading stopped
    plain     a model made in Python
    translated  a model made of a file of another format
    outline   the text's own structure, for those who change it

What is imported from here is all that others need, but for the outline, which is loaded by those who change a text.
Nothing else imports the library yaml.

A slip that people make in YAML is a function in `slips`; what a place is, and its numbers, are promises to editors.
"""

from __future__ import annotations

from planner.source.files import encoded, parse, read, unparsed
from planner.source.libraries import MOST_LIBRARIES, home_of, key_of, library, shipped
from planner.source.limits import DEEPEST, MOST_BYTES, MOST_DUPLICATES, MOST_VALUES
from planner.source.places import Source
from planner.source.plain import of_mapping
from planner.source.translated import Translated

__all__ = [
    "DEEPEST",
    "MOST_BYTES",
    "MOST_DUPLICATES",
    "MOST_LIBRARIES",
    "MOST_VALUES",
    "Source",
    "Translated",
    "encoded",
    "home_of",
    "key_of",
    "library",
    "of_mapping",
    "parse",
    "read",
    "shipped",
    "unparsed",
]
