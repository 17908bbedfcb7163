from typing import ClassVar

from planner.diagnostics import Fault
from planner.faults._in_text import LONGEST_PATH, shown


class UnreadableCheckpoint(Fault):
    """A file of weights that cannot be read: it is not there, is broken, or is of a kind that is not read.

    Why it matters: there is nothing to compare with the model.

    When to ignore it: never. A file that says something else about its size than it has is broken, or was cut off.

    How to fix it: name a file that is whole. These are read: safetensors and their `model.safetensors.index.json`, what
    `torch.save` writes, `.npz` and `.npy`, ONNX, and a JSON file of sizes by names. Of all of them only names, sizes
    and types of numbers are read, so that large files take no time.
    """

    code = "NSP131"
    shown_by: ClassVar[str] = "planner match, with a file of weights that is cut off"

    def __init__(self, file: str, what: str, help: str) -> None:
        super().__init__(f"`{shown(file, LONGEST_PATH)}` {what}", help=help)
