"""Networks that are no model files, brought in: modules and exported programs of PyTorch and files of Keras become the
text of a model file, and YAMLs of Ultralytics a source whose places are their own.

A front end runs or reads what people have, and gives a graph of the planner's layers (`_graph.py`); folding and writing
are shared. `torch_module.py` records what a module calls, and `exported.py` reads what a program calls; `operations/`
says what each function means in layers, and a function that is added there is found by its name. No front end knows of
plans or reports: what comes out goes the way of every model file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported

if TYPE_CHECKING:
    import torch

KERAS = (".keras", ".json")
"""How files of Keras end."""
EXPORTED = (".pt2",)
"""How programs of torch.export end."""
FOREIGN = {
    (".pt", ".pth", ".ckpt", ".bin"): (
        "holds weights, or a pickle, which could run anything and is not read",
        "name the class, as net.py:Net, or save the network by `torch.export.save`",
    ),
    (".safetensors", ".npz"): ("holds weights alone", "name what has them, as net.py:Net"),
    (".h5", ".hdf5"): (
        "is of an older format of Keras",
        "save the network anew with Keras 3: `model.save('net.keras')`",
    ),
    (".tflite", ".pb", ".mlmodel"): ("is of a format that is not read", "name the network that it was made from"),
    (".py",): ("names no class or function", "name one in it, as net.py:Net"),
}
"""What files are that hold no network to read, by their endings, and what to do."""
_NAMED = re.compile(r"(?P<home>.+\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*(\.[^\W\d]\w*)*)")


def is_source(text: str) -> bool:
    """Whether a text names a network that is no model file: `net.py:Net`, `package.module:build`, `net.pt2`,
    `net.keras`, or the `net.json` of a Keras model.
    """
    endings = (*KERAS, *EXPORTED, *(each for some in FOREIGN for each in some))
    return _NAMED.fullmatch(text) is not None or text.endswith(endings)


def imported(
    network: str | torch.nn.Module | torch.export.ExportedProgram,
    *,
    input: Any = None,
    example: Any = None,
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """The text of a model file for a network. Raises NotImported, which says why there is none.

    network    a module of PyTorch; or where a class or a function is that gives one, which is then called: this runs
               the code there. Or a program of torch.export, an archive of one, or a file of Keras: of these nothing is
               run
    input      the shape of what it reads, channels last and without the batch: (224, 224, 3) is given to the module as
               (N, 3, 224, 224). Several by the names of its `forward`'s parameters. A program has its own shape, and
               takes others where it leaves them open
    example    tensors to read in place of a shape, the batch first, of any layout or type: one, several, or by name
    arguments  what the class or the function is called with
    """
    if type(network).__name__ == "ExportedProgram" or (isinstance(network, str) and network.endswith(EXPORTED)):
        from planner.inputs import exported

        return exported.read(network, input)
    if isinstance(network, str) and network.endswith(KERAS):
        from planner.inputs import keras

        return keras.read(network, input)
    for endings, (what, help) in FOREIGN.items():
        if isinstance(network, str) and network.endswith(endings):
            if not Path(network).exists():
                raise NotImported(f"there is no file `{shown(network, 200)}`", help="check the path")
            raise NotImported(f"`{shown(network, 200)}` {what}", help=help)
    from planner.inputs._module import text_of_module
    from planner.inputs._naming import found

    if isinstance(network, str):
        home, _, name = network.rpartition(":")
        return text_of_module(found(home, name, arguments or {}), network, input, example)
    return text_of_module(network, type(network).__name__, input, example)
