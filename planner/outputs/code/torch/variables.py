"""The variables of a forward pass: which tensors have one, which still wait for one, and how each is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from planner.classes.expressions import ATOM, NOTHING, Expr
from planner.classes.names import BUILTINS, OURS, identifier, unused
from planner.classes.parts import Part, Unit
from planner.classes.tensors import Value
from planner.outputs.code.torch.calls import Code, in_forward
from planner.outputs.code.torch.program import Program
from planner.outputs.code.torch.shapes import Shapes
from planner.outputs.code.torch.submodules import Attributes
from planner.outputs.code.torch.text import BODY, STEP, Bracketed, Brackets, fits, lines
from planner.sight import plain


@dataclass(frozen=True)
class Waiting:
    """A tensor that is worked out but has no variable yet.

    before  the tensor that its statement starts from
    name    of the entry that it is named for
    state   whether its variable has the batch behind the first axis, as PyTorch returns states and takes them
    """

    value: Value
    code: Code
    before: Value
    name: str | None
    state: bool = False


class Variables:
    """The tensors of one forward pass, and the statements that give them variables.

    inputs   the tensors that go into the forward pass
    known    the tensors that have a variable, or another short expression, and are still to be read
    left     how often each tensor is still to be read
    waiting  the tensors that are worked out but have no variable yet, in the order in which they were made
    done     the statements that have been written
    """

    def __init__(
        self, program: Program, shapes: Shapes, attributes: Attributes, reads: Mapping[Part, Sequence[Value]]
    ) -> None:
        self.program = program
        self.unit = shapes.unit
        self.shapes = shapes
        self.inputs = input_names(self.unit)
        self.known: dict[Value, Code] = {}
        self.left: dict[Value, int] = {}
        self.waiting: list[Waiting] = []
        self.done: list[str] = []
        self._attributes = attributes
        self._names: dict[Value, str] = {}
        self._kept_names = NOTHING
        self._moved: dict[Value, Code] = {}
        """Tensors that the call in hand reads more than once, with their axes moved."""
        self._unpacked: tuple[tuple[Value, ...], Code, int] | None = None
        """The latest call whose several outputs have variables, if nothing has been written after it."""
        for value in (*self.unit.outputs, *(each for places in reads.values() for each in places)):
            self.left[value] = self.left.get(value, 0) + 1
        for k, each in enumerate(self.inputs):
            at = (-1, -1, k)
            side = program.layouts.tensor(self.unit, at)
            self.known[at] = Code(each, side=side, reads=frozenset({_variable(each)}), axes=shapes.axes(at))

    # What calls do to them

    def start_call(self) -> None:
        """Forget the tensors that the call before read more than once."""
        self._moved.clear()

    def read(self, values: Iterable[Value]) -> None:
        """Note that a call reads tensors: those that nothing reads any more need no variable."""
        for value in values:
            self.left[value] -= 1
            if not self.left[value]:
                self.known.pop(value, None)

    def know(self, part: Part, made: Code) -> None:
        """Let a trained parameter be read like a variable."""
        self.known[part.values[0]] = made
        self._names[part.values[0]] = self.own_name(part) or "out"

    def bind(self, part: Part, made: Code, before: Value, name: str | None) -> None:
        """Let the outputs of a part wait, or give them variables."""
        wanted = [value for value in part.values if self.left.get(value)]
        paths, batches = _returned(part)
        if len(wanted) > 1:
            self._unpack(part, made, wanted, paths, batches)
            return
        (value,) = wanted
        at = part.values.index(value)
        if len(part.values) > 1 or paths != ((),):
            path = (at,) if paths == ((),) else paths[at]
            made = self._one_of(made.at(path), value, batches)
        self.waiting.append(Waiting(value, made, before, name, state=bool(batches and batches[at])))
        if self.left[value] != 1:
            self.assign()

    def collect(self, group: Sequence[Part], given: Code, container: str) -> list[str]:
        """Give a variable to the list of what each module of a container makes of what the one before it made; how each
        tensor is taken from it.
        """
        name = self._loop_name(Waiting(group[0].values[0], given, group[0].sources[0], None), given)
        listed = self.new_name(self.own_name(group[0]) or "features", name)
        if str(given.code) != name:
            self.done += lines(BODY, given.after(f"{name} = "))
        self.done += [f"{BODY}{listed} = []", f"{BODY}for layer in {container}:"]
        self.done += [f"{BODY}{STEP}{name} = layer({name})", f"{BODY}{STEP}{listed}.append({name})"]
        for i, part in enumerate(group):
            (value,) = part.values
            self.known[value] = Code(
                f"{listed}[{i}]", side=given.side, reads=frozenset({listed}), axes=self.shapes.axes(value)
            )
        return [f"{listed}[{i}]" for i in range(len(group))]

    def _loop_name(self, waiting: Waiting, given: Code) -> str:
        """The variable that a loop changes: that which it begins with, if nothing reads it later."""
        name = str(given.code) if given.reads == {str(given.code)} else ""
        if not name or name in self._still_read() or name in self.inputs[1:]:
            name = self._name(waiting, branches=False)
        return name

    def loop(self, part: Part, given: Code, others: Sequence[Code], head: str, called: Callable[[Code], Code]) -> None:
        """Give a variable to what a call makes of a tensor, and then of what it made itself, again and again, reading
        the others each time. `head` is the first line of the loop.
        """
        (value,) = part.values
        self._kept_names = NOTHING.union(*(each.reads for each in others))
        waiting = Waiting(value, given, part.sources[0], self.own_name(part))
        name = self._loop_name(waiting, given)
        if str(given.code) != name:
            self.done += lines(BODY, given.after(f"{name} = "))
        made = self._first_of(part, called(_named(given, name)))
        self.done.append(f"{BODY}{head}")
        self.done += lines(BODY + STEP, made.after(f"{name} = "))
        self._kept_names = NOTHING
        self.known[value] = _named(made, name)
        self._names[value] = name
        if self.program.asserts and not made.lacks:
            self._assert_sizes(name, replace(waiting, code=made))

    def _first_of(self, part: Part, made: Code) -> Code:
        """The first tensor that a call returns."""
        paths, batches = _returned(part)
        return made if paths == ((),) else self._one_of(made.at(paths[0]), part.values[0], batches)

    def _unpack(
        self,
        part: Part,
        made: Code,
        wanted: list[Value],
        paths: Sequence[tuple[int, ...]],
        batches: tuple[int, ...] | None,
    ) -> None:
        """Give variables to the tensors that a call returns together."""
        names, pattern = self._named(identifier(part.first.name), part, wanted, paths)
        head = made.code.head if isinstance(made.code, Brackets) else str(made.code)
        if not fits(BODY, f"{pattern} = {head}"):
            names, pattern = self._named("out", part, wanted, paths)
        written = list(lines(BODY, made.after(f"{pattern} = ")))
        self._unpacked = (part.values, made, len(written))
        self.done += written
        for value, each in names.items():
            self.known[value] = self._one_of(Code(each, reads=frozenset({each}), lacks=made.lacks), value, batches)

    def _named(
        self, name: str, part: Part, wanted: Sequence[Value], paths: Sequence[tuple[int, ...]]
    ) -> tuple[dict[Value, str], str]:
        """Variables for the tensors that a call returns together, and what stands before its `=`."""
        names: dict[Value, str] = {}
        for value in wanted:
            names[value] = self.new_name(f"{name}_{value[2]}", *names.values())
        if paths == ((),):
            return names, ", ".join(names.get(value, "_") for value in part.values)
        return names, _pattern({path: names.get(value, "_") for path, value in zip(paths, part.values, strict=True)})

    def handed_on(self, codes: Sequence[Code]) -> Code | None:
        """The call that returns what the forward pass does, whose statement is taken back; None where there is none."""
        if self._unpacked is None:
            return None
        values, made, count = self._unpacked
        known = [str(self.known[value].code) for value in values if value in self.known]
        given = [str(code.code) for code in codes]
        statement = list(lines(BODY, made.after(f"{', '.join(known)} = ")))
        if values != self.unit.outputs or given != known or self.done[-count:] != statement:
            return None
        del self.done[-count:]
        return made

    def read_again(self, code: Code, value: Value) -> Code:
        """A tensor that a call reads more than once, with its axes moved only once."""
        if value not in self._moved:
            self._moved[value] = self._with_name(code, value)
        return self._moved[value]

    def batched(self, code: Code, value: Value) -> Code:
        """The tensor with an axis for the batch of full size, which a parameter of the model lacks."""
        if not code.lacks:
            return code
        if code.axes is None:
            raise AssertionError("copies whose parameters differ in their axes have no class in common")
        sizes = [f"{self.inputs[0]}.shape[0]", *["-1"] * code.axes]
        expanded = Brackets(f"{code.atom}.expand(", list(map(Bracketed, sizes)))
        made = code._replace(base=expanded, lacks="", order=None, reads=code.reads | {_variable(self.inputs[0])})
        if self.left.get(value, 0) < 2 or value not in self.known:
            return made
        self.known[value] = self._with_name(made, value)
        return self.known[value]

    def _with_name(self, code: Code, value: Value) -> Code:
        """The tensor as a variable, which a statement gives it."""
        name = self.new_name(self._names.get(value) or "out")
        self.done += lines(BODY, code.after(f"{name} = "))
        return _named(code, name)

    # Statements

    def _one_of(self, made: Code, value: Value, batches: tuple[int, ...] | None) -> Code:
        """A tensor among several that a call returns, with its batch first."""
        axes = self.shapes.axes(value)
        made = made._replace(axes=axes, side=self.program.layouts.tensor(self.unit, value))
        return made.with_batch(batches[value[2]], axes or 0) if batches else made

    def assign(self, keeping: frozenset[str] = NOTHING) -> None:
        """Give variables to all that waits, other than those that are kept."""
        self._kept_names = keeping
        branches = len(self.waiting) > 1
        while self.waiting:
            each = self.waiting.pop(0)
            name = self._name(each, branches)
            self._names[each.value] = name
            if each.state:
                self.known[each.value] = each.code._replace(base=name, binds=ATOM, reads=frozenset({name}))
                self.done += lines(BODY, each.code._replace(order=None).after(f"{name} = "))
                continue
            self.known[each.value] = _named(each.code, name)
            comment = ""
            if self.shapes.changes(each.before, each.value):
                comment = self.shapes.written(each.value, each.code.side)
            self.done += lines(BODY, each.code.after(f"{name} = "), comment)
            if self.program.asserts and not each.code.lacks:
                self._assert_sizes(name, each)

    def _assert_sizes(self, name: str, each: Waiting) -> None:
        """A tensor must have the sizes of the plan; those that an argument decides are worked out from it."""
        exact = self.shapes.exact(each.value, each.code.side)
        if exact is not None and len(self.unit.copies) == 1:
            sizes = Expr("tuple", tuple(in_forward(size, (), self._attributes.param) for size in exact))
            self.program.uses(sizes)
            head = f"assert {name}.shape[1:] == "
            items = [Bracketed(str(each)) for each in sizes.args]
            self.done += lines(BODY, Brackets(f"{head}(", items) if len(items) > 1 else f"{head}{sizes}")

    # Names

    def _name(self, each: Waiting, branches: bool) -> str:
        """The variable for a tensor: the name of its entry, if it is one of several or read more than once, or `x`, or
        else `out`. A tensor without a batch axis does not replace the input, from which the batch can still be read.
        """
        kept = {_variable(self.inputs[0])} if each.code.lacks else set()
        returned = len(self.unit.outputs) > 1 and each.value in self.unit.outputs
        if each.name is not None and (branches or returned or self.left[each.value] > 1):
            return self.new_name(each.name, *kept)
        return "x" if self.inputs == ["x"] and "x" not in self._still_read() | kept else self.new_name("out", *kept)

    def own_name(self, part: Part) -> str | None:
        """What a tensor is called after the entry that makes it: by the entry's name, or by its type."""
        if self.unit.block.nameless:
            return None
        pieces = part.first.name.split(".")
        while pieces[-1].isdecimal() and len(pieces) > 1:
            pieces.pop()
        found = identifier(pieces[-1], "out")
        return f"{found}_" if found in BUILTINS else found

    def _still_read(self) -> set[str]:
        """The variables that something reads that is not written yet."""
        found = {name for other in self.waiting for name in other.code.reads} | self._kept_names
        found = found.union(*(code.reads for code in self._moved.values()))
        for value, code in self.known.items():
            if self.left.get(value):
                found |= code.reads
        return found

    def new_name(self, wanted: str, *others: str) -> str:
        """A variable that hides nothing that is still to be read."""
        return unused(wanted, {*self._still_read(), *OURS, *others})


def _returned(part: Part) -> tuple[Sequence[tuple[int, ...]], tuple[int, ...] | None]:
    """Where in what a call returns its tensors are, and where each of them has its batch."""
    returned = part.calls[-1].call if part.calls and not part.boxed else None
    return (((),), None) if returned is None else (returned.returns, returned.batches)


def _named(code: Code, name: str) -> Code:
    """The tensor as the variable that it has been given."""
    return code.settled()._replace(base=name, binds=ATOM, reads=frozenset({name}))


def argument_names(unit: Unit) -> list[str]:
    """The arguments of the forward pass; one for any number of tensors has a `*` before it."""
    if len(unit.block.inputs) == 1 and not unit.block.takes_any:
        return ["x"]
    names: list[str] = []
    for each in plain(unit.block.inputs):
        names.append(unused(identifier(each, "x"), {*names, *OURS}))
    return [*names[:-1], f"*{names[-1]}"] if unit.block.takes_any else names


def input_names(unit: Unit) -> list[str]:
    """The tensors that go into the forward pass; those of `*rest` are `rest[0]`, `rest[1]` and so on."""
    *first, last = argument_names(unit)
    if not last.startswith("*"):
        return [*first, last]
    return [*first, *(f"{last.removeprefix('*')}[{i}]" for i in range(unit.arity - len(first)))]


def _variable(code: str) -> str:
    """The variable that the code of an input reads."""
    return code.partition("[")[0]


def _pattern(paths: dict[tuple[int, ...], str]) -> str:
    """`y, (h, c)` for the places (0,), (1, 0) and (1, 1)."""
    firsts: dict[int, dict[tuple[int, ...], str]] = {}
    for path, name in paths.items():
        firsts.setdefault(path[0], {})[path[1:]] = name
    parts = []
    for i in range(max(firsts) + 1):
        inner = firsts.get(i, {(): "_"})
        parts.append(inner[()] if () in inner else f"({_pattern(inner)})")
    return ", ".join(parts)
