"""Networks that are no model files, brought in: modules of PyTorch and files of Keras and ONNX become the text of a
model file, and YAMLs of Ultralytics a source whose places are their own.

A front end runs or reads what people have, and gives a graph of the planner's layers (`_graph.py`); folding and writing
are shared. `torch_module.py` records what a module calls; `operations/` says what each function means in layers, and a
function that is added there is found by its name; `_onnx/operators/` says the same of ONNX' operators, mostly by these
functions. No front end knows of plans or reports: what comes out goes the way of every model file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

KERAS = (".keras", ".json")
"""How files of Keras end."""
ONNX = ".onnx"
"""How files of ONNX end."""
_NAMED = re.compile(r"(?P<home>.+\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*(\.[^\W\d]\w*)*)")


def is_source(text: str) -> bool:
    """Whether a text names a network that is no model file: `net.py:Net`, `package.module:build`, `net.onnx`,
    `net.keras`, or the `net.json` of a Keras model.
    """
    return _NAMED.fullmatch(text) is not None or text.endswith((*KERAS, ONNX))


def imported(
    network: str | torch.nn.Module,
    *,
    input: Any = None,
    example: Any = None,
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """The text of a model file for a network. Raises NotImported, which says why there is none.

    network    a module of PyTorch; or where a class or a function is that gives one, which is then called: this runs
               the code there. Or a file of Keras or ONNX, of which nothing is run
    input      the shape of what it reads, channels last and without the batch: (224, 224, 3) is given to the module as
               (N, 3, 224, 224). Several by the names of its `forward`'s parameters
    example    tensors to read in place of a shape, the batch first, of any layout or type: one, several, or by name
    arguments  what the class or the function is called with
    """
    from planner.inputs._module import text_of_module
    from planner.inputs._naming import found

    if isinstance(network, str) and network.endswith(KERAS):
        from planner.inputs import keras

        return keras.read(network, input)
    if isinstance(network, str) and network.endswith(ONNX):
        from planner.inputs import onnx

        return onnx.read(network, input)
    if isinstance(network, str):
        home, _, name = network.rpartition(":")
        return text_of_module(found(home, name, arguments or {}), network, input, example)
    return text_of_module(network, type(network).__name__, input, example)
