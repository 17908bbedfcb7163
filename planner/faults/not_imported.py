from typing import ClassVar

from planner.faults._in_text import InText


class NotImported(InText):
    """A network that is not a model file cannot be brought in: its code is not found or fails, or it gives no module.

    Why it matters: there is nothing to plan.

    When to ignore it: never.

    How to fix it: name a file that is there and whole. For PyTorch, `net.py:Net` names a class or a function in a file,
    `package.module:build` one in a package; `--arg name=value` gives what it is called with, and `--input 224x224x3`
    the shape of what the network reads. A file of ONNX may leave sizes open, which `--input` then gives too.
    """

    code = "NSP121"
    shown_by: ClassVar[str] = "planner import, on a file without the class that is named"

    def __init__(self, message: str, label: str = "", help: str = "") -> None:
        super().__init__(message, label=label, help=help)
