"""Networks that are no model files, brought in: modules and programs of PyTorch and files of ONNX and Keras become the
text of a model file, and YAMLs of Ultralytics a source whose places are their own.

A new format of files is a file here that states by `ENDINGS` how these end, in a line, and whose `read(path, input)`
gives the text of a model file, or raises NotImported.

A front end runs or reads what people have, and gives a graph of the planner's layers (`_graph.py`); folding and writing
are shared. `torch_module.py` records what a module calls, and `exported.py` reads what a program calls; `operations/`
says what each function means in layers, and a function that is added there is found by its name; `_onnx/operators/`
says the same of ONNX' operators, mostly by these functions. What comes out goes the way of every model file. Plans
are asked whether a text says what its graph says (`_agreement.py`), and its code is run beside the module where that
one does less at the size that is meant than at others (`_general.py`, `_comparing.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._heads import holds_at_other_sizes

if TYPE_CHECKING:
    import torch

__all__ = ["FILES", "FOREIGN", "holds_at_other_sizes", "imported", "is_source"]


def _endings(front_end: Path) -> list[str]:
    """How the files end that a front end reads, as it states by `ENDINGS`; it is not imported for that."""
    stated = re.search(r"^ENDINGS = \((.+)\)$", front_end.read_text(encoding="utf-8"), re.MULTILINE)
    return re.findall(r'"(\.\w+)"', stated[1]) if stated else []


FILES = {end: each.stem for each in sorted(Path(__file__).parent.glob("[!_]*.py")) for end in _endings(each)}
"""The front ends that read files, by how these end."""
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
    `net.onnx`, `net.keras`, or the `net.json` of a Keras model.
    """
    endings = FILES.keys() | {each for some in FOREIGN for each in some}
    return _NAMED.fullmatch(text) is not None or _ending(text) in endings


def imported(
    network: str | torch.nn.Module | torch.export.ExportedProgram,
    *,
    input: Any = None,
    example: Any = None,
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """The text of a model file for a network. Raises NotImported, which says why there is none.

    network    a module of PyTorch; or where a class or a function is that gives one, which is then called: this runs
               the code there. Or a program of torch.export, an archive of one, or a file of ONNX or Keras: of these
               nothing is run
    input      the shape of what it reads, channels last and without the batch: (224, 224, 3) is given to the module as
               (N, 3, 224, 224). Several by the names of its `forward`'s parameters. A program has its own shape, and
               takes others where it leaves them open
    example    tensors to read in place of a shape, the batch first, of any layout or type: one, several, or by name
    arguments  what the class or the function is called with
    """
    ending = ".pt2" if type(network).__name__ == "ExportedProgram" else _ending(network)
    _must_mean_something(network, ending, input, example, arguments)
    if ending in FILES:
        return str(import_module(f"planner.inputs.{FILES[ending]}").read(network, input))
    if isinstance(network, str):
        _must_be_readable(network, ending)
    from planner.inputs._module import text_of_module
    from planner.inputs._naming import network_named

    if isinstance(network, str):
        home, _, name = network.rpartition(":")
        return text_of_module(network_named(home, name, arguments or {}), network, input, example)
    return text_of_module(network, type(network).__name__, input, example)


def _must_mean_something(
    network: object, ending: str, input: Any, example: Any, arguments: Mapping[str, Any] | None
) -> None:
    """Raise NotImported for an option that a network of this kind has no use for."""
    called = isinstance(network, str) and ending not in FILES
    name = f"`{shown(network, 200)}`" if isinstance(network, str) else f"the {type(network).__name__}"
    if arguments and not called:
        help = "leave them out: they are for a class or function that gives a network, as net.py:Net"
        raise NotImported(f"{name} is not called, and takes no arguments (`{next(iter(arguments))}`)", help=help)
    if example is not None and ending in FILES:
        help = "leave it out, and give sizes that are left open by `input=`, channels last"
        raise NotImported(f"{name} is read and not run, and takes no example", help=help)
    if example is not None and input is not None:
        raise NotImported(f"{name} is given an input and an example", help="give one of them: both say what it reads")


def _ending(network: object) -> str:
    """How the name of a file ends; nothing where it has no ending, or is no name."""
    return Path(network).suffix if isinstance(network, str) else ""


def _must_be_readable(file: str, ending: str) -> None:
    """Raise NotImported for a file of a kind that holds no network to read."""
    for endings, (what, help) in FOREIGN.items():
        if ending in endings:
            if not Path(file).exists():
                raise NotImported(f"there is no file `{shown(file, 200)}`", help="check the path")
            raise NotImported(f"`{shown(file, 200)}` {what}", help=help)
