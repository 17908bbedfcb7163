"""Which calls of modules a program's calls of functions stand in, and what goes into these and comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from planner.inputs._exported.program import ModuleFrame, OperatorCall, StoredProgram, refs
from planner.inputs._recording import Invocation

OPENED = ("Sequential", "ModuleList", "ModuleDict", "TransformerEncoder", "TransformerDecoder", "Transformer")
"""Modules of `torch.nn` that are made of others."""
HOME = "torch.nn.modules."


@dataclass(eq=False)
class CallScope:
    """A call of a module: the first and the last of the program's calls in it, and the tensors that it reads and gives
    by their names in the program.
    """

    invocation: Invocation
    parent: CallScope | None
    first: int
    last: int
    has_weights: bool = False
    reads: list[str] = field(default_factory=list)
    gives: list[str] = field(default_factory=list)

    def outwards(self) -> Iterator[CallScope]:
        """The call, and those that it stands in."""
        scope: CallScope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


def layer_of(call: OperatorCall) -> ModuleFrame | None:
    """The layer of `torch.nn` in which a function is called."""
    return next((each for each in call.frames if each.kind.startswith(HOME) and each.name not in OPENED), None)


def scopes_of(program: StoredProgram) -> list[CallScope]:
    """The call of a module that each of the program's calls stands in; those of layers are none."""
    top = CallScope(Invocation("", program.name, None), None, 0, len(program.calls) - 1)
    known: dict[tuple[str, ...], CallScope] = {}
    owners = {name[:at] for name, held in program.stored.items() if held.trained for at in _dots(name)}
    found = []
    for i, call in enumerate(program.calls):
        layer, scope = layer_of(call), top
        frames = call.frames[1 : call.frames.index(layer) if layer is not None else None]
        for at, frame in enumerate(frames):
            key = tuple(each.key for each in frames[: at + 1])
            if key not in known:
                invocation = Invocation(frame.path, frame.name, scope.invocation)
                known[key] = CallScope(invocation, scope, i, i, frame.path in owners)
            scope = known[key]
            scope.last = i
        found.append(scope)
    _ways(program, found)
    return found


def _dots(name: str) -> Iterator[int]:
    return (i for i, letter in enumerate(name) if letter == ".")


def _ways(program: StoredProgram, scopes: list[CallScope]) -> None:
    """Fill in what each call of a module reads and gives."""
    made: dict[str, int] = {}
    for i, (call, scope) in enumerate(zip(program.calls, scopes, strict=True)):
        for each in refs((call.args, call.kwargs)):
            if each.name not in program.origins:
                _reads(each.name, made.get(each.name), scope, scopes)
        made |= {each.name: i for each in refs(call.result)}
    for each in refs(program.outputs):
        if each.name in made:
            _leaves(each.name, scopes[made[each.name]], ())


def _reads(name: str, maker: int | None, scope: CallScope, scopes: list[CallScope]) -> None:
    inside = tuple(scope.outwards())
    for each in inside:
        if (maker is None or maker < each.first) and name not in each.reads:
            each.reads.append(name)
    if maker is not None:
        _leaves(name, scopes[maker], inside)


def _leaves(name: str, maker: CallScope, inside: tuple[CallScope, ...]) -> None:
    for each in maker.outwards():
        if each not in inside and name not in each.gives:
            each.gives.append(name)
