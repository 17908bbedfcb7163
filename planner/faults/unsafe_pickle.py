from typing import ClassVar

from planner.diagnostics import Fault
from planner.faults._in_text import LONGEST_PATH, shown


class UnsafePickle(Fault):
    """A pickle that calls what holds no weights: whoever loads it would run that.

    Why it matters: a pickle is a program. What it names may be `os.system`, or the class of a network whose code has to
    be there. The planner runs nothing, and tells what would be called first.

    When to ignore it: never. A file from elsewhere should not be loaded at all, unless by
    `torch.load(…, weights_only=True)`, which refuses it too.

    How to fix it: where the file is your own, save the weights alone: `torch.save(net.state_dict(), 'net.pt')`, or
    `safetensors.torch.save_file(net.state_dict(), 'net.safetensors')`.
    """

    code = "NSP132"
    shown_by: ClassVar[str] = "planner match, with a file in which torch.save has put a whole module"

    def __init__(self, file: str, does: str) -> None:
        super().__init__(
            f"`{shown(file, LONGEST_PATH)}` is a pickle that {does}; nothing of it was run",
            help="if it is your own, save the weights alone: `torch.save(net.state_dict(), 'net.pt')`; "
            "else do not load it",
        )
