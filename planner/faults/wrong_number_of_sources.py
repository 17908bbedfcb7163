from __future__ import annotations

from collections.abc import Sequence

from planner.diagnostics import SOURCE, Edit, Fault


class WrongNumberOfSources(Fault):
    """A layer takes more or fewer inputs than `from` gives it.

    Why it matters: an `Add` of one tensor, or a convolution of two, has no meaning.

    When to ignore it: never.

    How to fix it: name all sources, as in `from: [left, right]`; left out, `from` is the layer above alone. Operators
    such as `Add` take a number in place of the second source: `other: 1`. With `repeat`, what a copy hands on takes the
    place of the first sources of the next, and the others stay.
    """

    code = "NSP207"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {type: Add}  # NSP207
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {type: Add, from: [conv, input]}
        """

    def __init__(
        self,
        layer: str,
        given: int,
        least: int,
        most: int | None,
        *,
        inputs: Sequence[str] = (),
        headline: str = "",
        label: str = "",
        help: str = "",
    ) -> None:
        """`inputs` are what the sources are called inside, for a block."""
        wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        letters = inputs if len(inputs) == least else "abcdefgh"[: max(least, 2)]
        example = f"[{', '.join(letters)}]" if (most or 2) > 1 else "one_layer"
        super().__init__(
            headline or f"{layer} takes {wanted} {'source' if wanted == '1' else 'sources'}",
            label=label or f"{given} given" + ("" if given != 1 or most == 0 else f", {SOURCE}"),
            help=help or (f"name them: `from: {example}`" if most != 0 else "leave `from` out"),
            key="from",
        )

    @classmethod
    def with_number(cls, layer: str, given: int, least: int, key: str) -> WrongNumberOfSources:
        """The fault of a layer that takes `least` sources, or one source less and a number as its argument `key`."""
        wanted = "one source" if least == 2 else f"{least - 1} sources"
        fault = cls(
            layer,
            given,
            least - 1,
            least - 1,
            headline=f"{layer} takes {wanted} with `{key}`",
            label=f"{given} given, {SOURCE}, and a number",
            help=f"remove `{key}`, or name {wanted} alone" if given >= least else "",
        )
        fault.mends = ((Edit((key,), action="remove"),),) if given >= least else ()
        return fault

    @classmethod
    def of_block(cls, block: str, inputs: Sequence[str], given: int, named: Sequence[str]) -> WrongNumberOfSources:
        """The fault of a call of a block with `inputs`; `named` is what its `from` names."""
        owner, is_any = f"the block `{block}`", inputs[-1].startswith("*")
        count = max(len(inputs) - is_any, 1)
        names = f", `{named[0]}`" if len(named) == 1 else ", the layer above" if not named else ""
        label = f"{given} given{names}; its inputs are {', '.join(f'`{each}`' for each in inputs)}"
        shown = ", ".join(each.removeprefix("*") for each in inputs)
        wanted = f"{count} or more" if is_any else f"{count}"
        help = f"name {wanted}: `from: {shown if len(inputs) == 1 else f'[{shown}]'}`"
        return cls(owner, given, count, None if is_any else count, label=label, help=help)
