from collections.abc import Iterable
from typing import Self

from planner.diagnostics import Edit, Fault, did_you_mean, nearest
from planner.faults._in_text import shown
from planner.words import joined

SIZES = ("depth", "height", "length", "width", "channels")
"""The sizes that a tensor may have."""
COPIES = (
    "`$index` counts the copies of the entry that has `repeat`: within a block, take a parameter for it, and set it "
    "to `$index` in that entry"
)


class UnknownParameter(Fault):
    """A parameter that is not declared where it is read: neither the block nor the model has it under `params:`.

    Why it matters: the value that depends on it is unknown.

    When to ignore it: never.

    How to fix it: take the suggested name, or declare the parameter under `params:` of the block (for what each call
    gives) or of the model (for what holds everywhere, and for `--set`). `$index` exists only in an entry with `repeat`.
    `$input.channels` is known where layers have an input, and so are the channels of one with another name; likewise
    `$input.height` and `$input.width` of an image, `$input.length` of a sequence, and `$input.depth` too of a video.
    """

    code = "NSP107"
    slip = "word"
    bad = """
        input: [28, 28, 1]
        params: {width: 6}
        layers:
          - {type: Conv2d, out_channels: 4 * $widht, kernel_size: 5}  # NSP107
        """
    fixed = """
        input: [28, 28, 1]
        params: {width: 6}
        layers:
          - {type: Conv2d, out_channels: 4 * $width, kernel_size: 5}
        """
    good = fixed

    def __init__(self, name: str, known: Iterable[str], text: str = "", offset: int = 0) -> None:
        """`name` is read at `offset` of the expression `text`, or else given from outside."""
        known = [each for each in known if "." not in each]
        dollar = "$" if text else ""
        names = sorted(f"{dollar}{each}" for each in known)
        listed = ", ".join(f"`{shown(each)}`" for each in names[:12]) + (", …" if len(names) > 12 else "")
        reader = f" for `{shown(text)}`" if text not in ("", f"${name}") else ""
        super().__init__(
            f"there is no parameter `{dollar}{shown(name)}`{reader}",
            label=f"the parameters here are {listed}" if names else "no parameters are declared here",
            help=did_you_mean(f"{dollar}{name}", names) or f"declare it: params: {{{shown(name)}: }}",
        )
        self.mends = tuple((Edit((), _respelt(text, offset, name, near)),) for near in nearest(name, known) if text)
        if text and name == "index":
            self.help, self.mends = COPIES, ()
        self.offset = offset
        self.length = len(name) + (text[offset : offset + 1] == "$") if text else 0

    @classmethod
    def size(cls, name: str, known: Iterable[str], text: str, offset: int) -> Self:
        """A size that is not known where it is read, as `input.channels` is."""
        there = sorted(each for each in known if "." in each)
        listed = ", ".join(f"`${shown(each)}`" for each in there[:12])
        found = cls(name, (), text, offset)
        found.message = f"there is no size `${shown(name)}`" + (f" for `{shown(text)}`" if text != f"${name}" else "")
        found._label = f"the sizes here are {listed}" if there else "no input is known here"
        owner, _, size = name.rpartition(".")
        owners = dict.fromkeys(each.rpartition(".")[0] for each in there)
        near = [owner] if owner in owners else nearest(owner, owners)
        own = [each for each in SIZES if near and f"{near[0]}.{each}" in there]
        meant = [size] if size in own else nearest(size, own)
        if near and size in SIZES and size not in own:
            found.help = f"`{shown(near[0])}` has {joined(own)}: it has no {size}"
        elif near and meant:
            found.help = f"did you mean `${near[0]}.{meant[0]}`?"
            found.mends = ((Edit((), _respelt(text, offset, name, f"{near[0]}.{meant[0]}")),),)
        else:
            found.help = "a size is read of an input of the list that the layer stands in: `$input.channels`"
        return found


def _respelt(text: str, offset: int, name: str, near: str) -> str:
    """The expression with another name where the one that is not known stands."""
    start = offset + (text[offset : offset + 1] == "$")
    return text[:start] + near + text[start + len(name) :]
