"""How large a model file may be."""

from __future__ import annotations

MOST_BYTES = 16 << 20
MOST_VALUES = 2_000_000
DEEPEST = 100
LARGEST = 1 << 63
"""The largest number."""
MOST_DUPLICATES = 100
"""Keys given twice that are recorded: a hundred show what is wrong with a file."""

INFINITE = frozenset({"fill", "init", "max", "min", "other", "value"})
"""The arguments of layers for which a number may be infinite, as -.inf in a mask."""
