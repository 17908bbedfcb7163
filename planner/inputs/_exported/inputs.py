"""What a program is planned on: the sizes that it has itself, or those that are given where it leaves them open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.faults.not_imported import NotImported
from planner.inputs._exported.program import Size, StoredProgram, refs
from planner.inputs._exported.sizes import NotKnown, symbols_of, whole
from planner.inputs._following import Varied
from planner.inputs._given import FARTHER
from planner.inputs._heads import BOUNDED
from planner.layers._layer import axis_name

SAMPLES = 11
"""Samples where the program leaves their number open: one that no axis is likely to have."""
SMALLEST = 2
"""The smallest size that torch.export takes to be open, whatever the program does."""
MAPS = ("conv", "pool", "batch_norm", "group_norm", "instance_norm", "upsample")
"""Words in the names of functions that have the channels second."""


@dataclass(frozen=True)
class Chosen:
    """What a program is planned on.

    runs     the values of the symbols in each run
    rows     the inputs that have their channels last
    varied   which dimensions of each input are made longer in the others
    """

    runs: list[dict[str, int]]
    samples: int
    rows: frozenset[str]
    varied: dict[str, Varied]


def chosen(program: StoredProgram, given: Any, name: str) -> Chosen:
    """The values for the symbols in a program's sizes. Raises NotImported."""
    if not program.inputs:
        raise NotImported(f"`{name}` reads no tensor", help="its forward must read one, or several")
    rows = frozenset(each for each in program.inputs if _is_rows(program, each))
    wanted = {each: _torch_sizes(shape, each in rows) for each, shape in _by_name(program, given).items()}
    symbols: dict[str, int] = {}
    samples = _samples(program, symbols, name)
    for each in program.inputs:
        sizes = program.tensors[each].sizes[1:]
        own = wanted.get(each)
        if own is not None and len(own) != len(sizes):
            raise NotImported(_differs(program, each, rows), help="give a shape with as many axes")
        for at, size in enumerate(sizes):
            target = own[at] if own is not None else None
            if isinstance(size, Size):
                _solve(symbols, size, size.hint if target is None else target, program, each, rows)
            elif target not in (None, size):
                help = "leave --input out, or export it again with `dynamic_shapes`"
                raise NotImported(_differs(program, each, rows), help=help)
    varied = _varied(program, rows)
    further = [farther(program, symbols, varied, more) for more in FARTHER]
    return Chosen([symbols, *(each for each in further if each != symbols)], samples, rows, varied)


def _samples(program: StoredProgram, symbols: dict[str, int], name: str) -> int:
    """The number of samples, which stands first in every input."""
    firsts = {each: program.tensors[each].sizes[:1] for each in program.inputs}
    for each, sizes in firsts.items():
        if len(program.tensors[each].sizes) < 2:
            message = f"the input `{each}` of `{name}` has no axis beside the batch"
            raise NotImported(message, help="export it with the batch first, and an axis besides")
        if isinstance(sizes[0], Size):
            _solve(symbols, sizes[0], _within(program, sizes[0], SAMPLES), program, each, frozenset())
    found = {each: whole(own.text, symbols) if isinstance(own, Size) else own for each, (own,) in firsts.items()}
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{each} {number}" for each, number in found.items())
        message = f"the inputs of `{name}` have different first dimensions: {shown}"
        raise NotImported(message, help="export it with the batch first in all of them")
    return next(iter(found.values()))


def _within(program: StoredProgram, size: Size, wanted: int) -> int:
    """A number as it is wanted, where the program allows it."""
    least, most = program.ranges.get(next(iter(symbols_of(size.text)), ""), (0, None))
    return wanted if least <= wanted and (most is None or wanted <= most) else size.hint


def _solve(
    symbols: dict[str, int], size: Size, wanted: Any, program: StoredProgram, name: str, rows: frozenset[str]
) -> None:
    """Give the symbol in a size the value at which the size is as wanted."""
    free = symbols_of(size.text) - set(symbols)
    refused = NotImported(_differs(program, name, rows), help="give a shape that the program allows")
    try:
        if len(free) == 1 and isinstance(wanted, int):
            (symbol,) = free
            at_one, at_two = (whole(size.text, {**symbols, symbol: n}) for n in (1, 2))
            slope = at_two - at_one
            symbols[symbol] = (wanted - at_one) // slope + 1 if slope else 1
            least, most = program.ranges.get(symbol, (0, None))
            if symbols[symbol] < least or (most is not None and symbols[symbol] > most):
                raise refused
        if not isinstance(wanted, int) or whole(size.text, symbols) != wanted:
            raise refused
    except NotKnown as reason:
        raise NotImported(f"the size of the input `{name}` cannot be worked out", str(reason)) from reason


def _varied(program: StoredProgram, rows: frozenset[str]) -> dict[str, Varied]:
    """Which dimensions of each input can be made longer: those of which the size is open, and that are no channels or
    have the size of one that is none.
    """
    first: dict[str, int] = {}  # by the symbols in sizes, so that equal ones stay equal
    for name in program.inputs:
        sizes = program.tensors[name].sizes[1:]
        for at, size in enumerate(sizes[:-1] if name in rows else sizes[1:] or sizes):
            for symbol in symbols_of(size.text) if isinstance(size, Size) else ():
                first.setdefault(symbol, at)

    def of(size: int | Size) -> int | None:
        symbols = symbols_of(size.text) if isinstance(size, Size) else set()
        return next((first[each] for each in symbols if each in first), None)

    return {name: tuple(map(of, program.tensors[name].sizes[1:])) for name in program.inputs}


def farther(
    program: StoredProgram, symbols: Mapping[str, int], varied: Mapping[str, Varied], longer: Sequence[int]
) -> dict[str, int]:
    """The symbols with other values where these are sizes of axes, and the program allows it."""
    found = dict(symbols)
    for name in program.inputs:
        for size, at in zip(program.tensors[name].sizes[1:], varied[name], strict=True):
            if at is None or at >= len(longer) or not isinstance(size, Size):
                continue
            for symbol in symbols_of(size.text):
                least, most = program.ranges.get(symbol, (0, None))
                new = symbols[symbol] + longer[at]
                if found[symbol] == symbols[symbol] and max(least, 1) <= new and (most is None or new <= most):
                    found[symbol] = new
    return found


def limits(program: StoredProgram, rows: frozenset[str]) -> Iterator[str]:
    """Which sizes the program takes where it leaves them open but not free: beyond them the text says more than the
    program does.
    """
    for name in program.inputs:
        sizes = program.tensors[name].sizes[1:]
        spatial = sizes[:-1] if name in rows else sizes[1:]
        for axis, size in enumerate(spatial):
            least, most = _bounds(program, size) if isinstance(size, Size) else (0, None)
            if least > SMALLEST or most is not None:
                shown = f"{least:,} or more" if most is None else f"{max(least, 1):,} to {most:,}"
                yield f"{BOUNDED} `{name}` with a {axis_name(axis, len(spatial))} of {shown}."


def _bounds(program: StoredProgram, size: Size) -> tuple[int, int | None]:
    """The smallest and the largest value of a size that follows from one symbol; 0 and None where there are none."""
    symbols = symbols_of(size.text)
    if len(symbols) != 1:
        return 0, None
    (symbol,) = symbols
    least, most = program.ranges.get(symbol, (0, None))
    try:
        return whole(size.text, {symbol: least}), None if most is None else whole(size.text, {symbol: most})
    except NotKnown:
        return 0, None


def _is_rows(program: StoredProgram, name: str) -> bool:
    """Whether an input of three dimensions is (N, L, C): where the first function that reads it takes no map."""
    if len(program.tensors[name].sizes) != 3:
        return False
    reading = (call for call in program.calls if any(each.name == name for each in refs((call.args, call.kwargs))))
    first = next((call.name for call in reading if call.name != "sym_size"), "")
    return not any(word in first for word in MAPS)


def _by_name(program: StoredProgram, given: Any) -> dict[str, Sequence[int]]:
    """The shapes that are given, by the names of the inputs."""
    if given is None:
        return {}
    shapes = dict(given) if isinstance(given, Mapping) else {program.inputs[0]: given}
    for name, shape in shapes.items():
        if name not in program.inputs:
            raise NotImported(f"the program has no input `{name}`", help=f"it has: {', '.join(program.inputs)}")
        if not isinstance(shape, tuple | list) or not shape or not all(type(n) is int and n > 0 for n in shape):
            raise NotImported(f"`{shape}` is no shape", help="write it channels last: input=(224, 224, 3)")
    return shapes


def _torch_sizes(shape: Sequence[int], channels_last: bool) -> tuple[int, ...]:
    return tuple(shape) if channels_last else (shape[-1], *shape[:-1])


def _differs(program: StoredProgram, name: str, rows: frozenset[str]) -> str:
    """What is said of an input whose shape is not the one that is given."""
    sizes = program.tensors[name].sizes[1:]
    ordered = sizes if name in rows else (*sizes[1:], sizes[0])
    shown = "×".join(f"{each.hint}" if isinstance(each, Size) else str(each) for each in ordered)
    free = any(isinstance(each, Size) for each in ordered)
    return f"the program was exported for the input `{name}` of {shown}{'' if free else ' alone'}"
