from __future__ import annotations

from planner.diagnostics import Edit, Fault, Path, puts


class SharedArgumentsDiffer(Fault):
    """A layer with `share` is another layer than the one whose weights it uses: of another type, or with other
    arguments. Two calls of a block must be given the same values.

    Why it matters: the code calls one module twice, and a module has one kernel size, one stride, one probability. Even
    where the weights alone would fit, as with another stride, the second use would not be what the file says.

    When to ignore it: never.

    How to fix it: give both the same type and the same arguments; or leave `share` out.
    """

    code = "NSP251"
    slip = ""
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: near, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: far, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 3, dilation: 3, share: near}  # NSP251
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {name: near, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: far, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 3, dilation: 3}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: first, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: second, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1, share: first}
        """

    @classmethod
    def of_type(cls, name: str, theirs: str, ours: str) -> SharedArgumentsDiffer:
        """The fault of layers, or blocks, of different types."""
        return cls(
            f"`{name}` is of another type",
            label=f"`{name}` is `{theirs}`, this one `{ours}`",
            help=f"write `type: {theirs}` here, or leave `share` out",
            key=("share",),
        )

    @classmethod
    def in_place(cls, name: str) -> SharedArgumentsDiffer:
        """The fault of lists of layers in place, each of which is a block of its own."""
        return cls(
            f"the layers of `{name}` are written in place, and those here differ",
            label="a list in place is a block of its own",
            help="write the list once under `blocks`, and call it by its name twice",
            key=("share",),
        )

    @classmethod
    def of_copies(cls, name: str, copy: str) -> SharedArgumentsDiffer:
        """The fault of copies whose layers depend on the number of the copy."""
        return cls(
            f"`{copy}` has other layers than `{name}`, and one module is called for both",
            label="they depend on `$index`",
            help="give all copies the same layers, or leave `share` out",
            key=("share",),
        )

    @classmethod
    def of_argument(cls, name: str, arg: str, theirs: object, ours: object, *, given: bool) -> SharedArgumentsDiffer:
        """The fault of an argument that has two values; `given` says whether the entry gives it."""
        key: Path = (arg,) if given else ("share",)
        plain = isinstance(theirs, int | float | str)
        return cls(
            f"`{name}` has another `{arg}`, and one module is called twice",
            label=f"{_shown(theirs)} for `{name}`, {_shown(ours)} here",
            help=f"write `{arg}: {_shown(theirs)}` in both, or leave `share` out",
            key=key,
            mends=[*(puts(arg, theirs) if plain else ()), (Edit(("share",), action="remove"),)],
        )


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
