"""Networks of Keras: `.keras` archives, and the JSON of a configuration, as `model.to_json()` gives it. Neither Keras
nor any of its backends is needed, and nothing that a file holds is run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.faults._in_text import shown
from planner.inputs._keras.archive import config_of
from planner.inputs._keras.grouping import grouped
from planner.inputs._keras.network import GivenShapes, graph_of
from planner.inputs._text import text_of

ENDINGS = (".keras", ".json")
LONGEST_NAME = 200


def read(path: str | os.PathLike[str], input: GivenShapes = None) -> str:
    """The model file of a network in a file. Raises NotImported."""
    file = Path(path)
    return model_text(config_of(file), shown(file.stem, LONGEST_NAME), input)


def model_text(config: Mapping[str, Any], name: str, input: GivenShapes = None) -> str:
    """The model file of a configuration. `input` has the sizes that the configuration leaves open, channels last and
    without the batch; of several inputs by name. Raises NotImported.
    """
    b = graph_of(config, name, input)
    grouped(b.graph)
    notes = [f"# Not said here: {note}.\n" for note in b.notes]
    return "".join([*notes, text_of(b.graph)])
