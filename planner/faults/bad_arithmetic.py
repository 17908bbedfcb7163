from collections.abc import Mapping
from typing import Self

from planner.diagnostics import Fault
from planner.faults._in_text import shown


class BadArithmetic(Fault):
    """A value with a `$` in it cannot be worked out: it is not an expression, divides by zero, adds a number to a text,
    or leaves the range of numbers.

    `$name` is a parameter, `${…}` an expression in which parameters stand without their `$`. The operators are
    `+ - * / // % **`, `== != < <= > >=`, `and or not`, `x if c else y`, and `$list[0]`; the functions are
    `min max round ceil floor len make_divisible`. Numbers are exact: `3 * 0.1 == 0.3`. `/` divides exactly, `//` rounds
    down, `round` takes a half to the even number, as in Python. The exponents of `**` are whole; it binds as in Python:
    `-2 ** 2` is −4, and `2 ** -1` a half.

    Why it matters: the layer, and what depends on it, cannot be planned.

    When to ignore it: never.

    How to fix it: the caret stands at the part that goes wrong, and the parameters are given with their values. Inside
    `{…}` or `[…]`, an expression with a comma or with `${…}` needs quotes.
    """

    code = "NSP106"
    bad = """
        input: [28, 28, 1]
        params: {width: 64, groups: 0}
        layers:
          - {type: Conv2d, out_channels: $width // $groups, kernel_size: 5}  # NSP106
        """
    good = """
        input: [28, 28, 1]
        params: {width: 64, groups: 4}
        layers:
          - {type: Conv2d, out_channels: $width // $groups, kernel_size: 5}
        """

    def __init__(
        self,
        what: str,
        text: str,
        offset: int,
        length: int = 1,
        *,
        values: Mapping[str, object] | None = None,
        label: str = "",
        help: str = "",
    ) -> None:
        """`what` is wrong in the expression `text` at `offset`; `values` are the parameters that it reads."""
        given = ", ".join(f"${name} = {written(value)}" for name, value in list((values or {}).items())[:6])
        super().__init__(
            f"{what} in `{shown(text)}`", label="; ".join(part for part in (label, given) if part), help=help
        )
        self.offset = offset
        self.length = length

    @classmethod
    def size(cls, size: str, key: str, text: str, offset: int) -> Self:
        """A size in a key whose value decides which layers there are."""
        return cls(
            f"`{key}` does not depend on a size",
            text,
            offset,
            len(size) + (text[offset : offset + 1] == "$"),
            label="which layers there are is decided before their sizes are known",
            help=f"read it in an argument, or give the block a parameter and write `{key}` with that"
            if size.endswith(".channels")
            else "read it in an argument of a layer: at every input there are the same layers",
        )

    @classmethod
    def unsettled(cls, name: str, size: str, key: str, text: str, offset: int) -> Self:
        """A parameter that follows a spatial size, in a key whose value decides which layers there are."""
        return cls(
            f"`{key}` does not depend on a spatial size",
            text,
            offset,
            len(name) + (text[offset : offset + 1] == "$"),
            label="" if name == size else f"`${shown(name)}` was worked out from `${shown(size)}`",
            help="read the size in an argument of a layer: at every input there are the same layers",
        )


def written(value: object) -> str:
    """A value as a model file writes it; long ones are cut."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"'{shown(value, 40)}'"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value[:4])) + (", …]" if len(value) > 4 else "]")
    return "a mapping" if isinstance(value, Mapping) else str(value)


def kind(value: object) -> str:
    """What a value is, in words."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list | tuple):
        return "a list"
    return "a mapping" if isinstance(value, Mapping) else "a number"
