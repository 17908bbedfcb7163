"""The program as a whole: what it imports, what it needs beside its classes, and how modules are constructed in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from planner.arithmetic import has_arithmetic
from planner.classes.algebra import make_divisible
from planner.classes.expressions import Expr, const, text
from planner.classes.names import Names
from planner.classes.parts import Part, Unit
from planner.classes.tensors import Calling
from planner.classes.units import Units
from planner.layers._layer import Layer
from planner.outputs.code.torch import ready_made as ready
from planner.outputs.code.torch.layouts import Layouts, axes_of, follows, renumbered
from planner.outputs.code.torch.text import Bracketed, Brackets

Style = Literal["auto", "sequential", "module"]


@dataclass
class Program:
    """What is known while a program is written.

    imports  what the program uses
    imported classes of the user's own by their full names, and what they are called in the program
    helpers  the code that it needs before its classes
    maker    the class or the function that makes the model
    """

    names: Names
    units: Units
    layouts: Layouts
    style: Style = "auto"
    asserts: bool = False
    init: bool = False
    imports: set[str] = field(default_factory=set)
    imported: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    maker: str = field(init=False)
    _defaults: dict[Unit, list[tuple[str, Expr | None]]] = field(default_factory=dict)
    _helper_names: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.maker = self.units.root.name

    # What the program needs besides its classes

    def uses(self, *exprs: Expr) -> None:
        """Record the imports and helpers that expressions need."""
        for expr in exprs:
            functions = expr.functions
            if "make_divisible" in functions:
                self.helpers.setdefault("make_divisible", ready.written(make_divisible))
            if functions & {"ceil", "floor"}:
                self.imports.add("math")
            for table in sorted(functions & ready.TABLES.keys()):
                code = self.helpers.setdefault(table, ready.TABLES[table])
                self.imports |= {"Tensor", "torch", *({"math"} if "math." in code else ())}

    def helper(self, code: str, wanted: str, *key: str) -> str:
        """The name of a class that is written once for each key; `code` has `{name}` in its place."""
        if key not in self._helper_names:
            found = self._helper_names[key] = self.names.new_class(wanted)
            self.helpers[found] = code.replace("{name}", found)
            self.imports |= {"Tensor", "nn"}
            self.imports |= {each for each in ("F", "math", "torch") if f"{each}." in code}
        return self._helper_names[key]

    def movedim(self) -> str:
        """The class that moves an axis."""
        return self.helper(ready.MOVEDIM.replace("Movedim", "{name}"), "Movedim", "Movedim")

    def centred(self) -> str:
        """The function that crops or pads about the centre."""
        self.helpers.setdefault("centred", ready.CENTRED)
        self.imports |= {"Tensor", "F", "Sequence"}
        return "centred"

    def causal_mask(self) -> str:
        """The function that makes a mask for attention."""
        self.helpers.setdefault("causal_mask", ready.CAUSAL_MASK)
        self.imports |= {"Tensor", "nn"}
        return "causal_mask"

    def initializer(self) -> str:
        """The function that initializes weights."""
        kinds = sorted(self.units.weighted)
        self.helpers.setdefault("init_weights", ready.init_weights([kind for kind in kinds if kind.startswith("nn.")]))
        return "init_weights"

    # Constructing a module

    def layer(self, part: Part, *, channels_first: bool = False) -> Brackets:
        """The construction of a layer."""
        call = part.calls[-1]
        decides = ""
        if part.type is not None:
            callee = str(part.type)
        elif full := call.call.imports:
            callee = self.imported.get(full) or self.names.new_class(full.rpartition(".")[2])
            self.imported[full] = callee
        elif call.padded_same is not None:
            base = call.target
            wanted = f"{base.rpartition('.')[2]}Same"
            callee = self.helper(
                ready.padded_same("{name}", base, call.padded_same), wanted, base, "same", call.padded_same
            )
        elif any(arg == "uncounted" for arg, _ in call.args):
            wanted = f"Padded{call.target.rpartition('.')[2]}"
            callee = self.helper(ready.uncounted("{name}", call.target), wanted, call.target, "uncounted")
            self.imports |= {"Any", "Sequence"}
        elif call.call.in_rows:
            wanted = f"Rows{call.call.name}"
            callee = self.helper(ready.in_rows("{name}", call.target), wanted, call.target, "in_rows")
            self.imports.add("Any")
        elif call.target in ready.INSTEAD:
            code, decides = ready.INSTEAD[call.target]
            decided = str(call.call.args[decides])
            callee = self.helper(code("{name}", decided), call.call.name, call.call.name, decided)
        else:
            callee = call.target
        if call.call.batch_axes:
            own, module = len(part.first.inputs[0].shape.spatial) - call.call.batch_axes, callee.rpartition(".")[2]
            callee = self.helper(ready.folded("{name}", callee, own), f"Folded{module}", callee, "folded")
        if channels_first:
            module = callee.rpartition(".")[2]
            rank = len(part.first.inputs[0].shape.spatial)
            callee = self.helper(ready.channels_first("{name}", callee, module), f"{module}{rank}d", "first", callee)
        self.imports.add("nn")
        args = [each for each in call.args if each[0] != decides]
        if self.layouts.input(part, 0) == "last" and follows(part):
            args = list(renumbered(call, dict(args), axes_of(part)).items())
        layer = part.first.step and part.first.step.layer
        args = [each for each in args if not _says_nothing(layer, call, dict(args), *each)]
        if call.call.imports:
            args = [(str(name.args[0]), _lists(expr)) for name, expr in (pair.args for pair in args[0][1].args)]
        self.uses(*(expr for _, expr in args))
        return Brackets(
            f"{callee}(",
            [Bracketed(self.expr(expr, "" if i < call.needed else f"{arg}=")) for i, (arg, expr) in enumerate(args)],
        )

    def expr(self, expr: Expr, head: str = "") -> str | Brackets:
        """An expression; a construction within it may stand on lines of its own."""
        if expr.op == "new":
            self.imports.add(str(expr.args[0]).partition(".")[0])
            parts = [self.expr(each.args[0], f"{each.op.removeprefix('keyword ')}=") for each in expr.args[1:]]
            return Brackets(f"{head}{expr.args[0]}(", list(map(Bracketed, parts)))
        if expr.op == "call" and len(expr.args) > 2:
            return Brackets(f"{head}{expr.args[0]}(", [Bracketed(self.expr(each)) for each in expr.args[1:]])
        return f"{head}{expr}"

    def call(self, part: Part) -> Brackets:
        """The construction of a module of another class."""
        assert part.unit is not None
        own = self.names.channels(part.unit.block, part.unit.arity)
        items: list[Bracketed] = []
        short: list[Bracketed] = []
        by_name = False
        for param, default in self.defaults(part.unit):
            expr = part.args[param]
            if default is not None and (default == expr or _equal(default, expr)):
                continue
            by_name = by_name or default is not None or (expr.is_const and param not in own)
            self.uses(expr)
            self.imports |= {"nn"} if expr.op == "text" else set()
            items.append(Bracketed(f"{param}={expr}" if by_name else str(expr)))
            short.append(Bracketed(str(expr) if default is None else f"{param}={expr}"))
        return Brackets(f"{part.unit.name}(", items, shorter=Brackets(f"{part.unit.name}(", short))

    # The arguments of a class

    def default(self, unit: Unit, param: str) -> Expr | None:
        """The default of an argument, if it has one."""
        block = unit.block
        if block.is_model:
            found = unit.copy.values[param]
        elif block.owner is not None:
            return None
        else:
            declared = {self.names.param(each): raw for each, raw in block.params.items()}
            found = declared.get(param)
            revalued = any(param in copy.revalued for copy in unit.copies)
            if found is None or has_arithmetic(found) or (revalued and isinstance(found, str)):
                return None
        if param in unit.types:
            return text(f"nn.{found}")
        return const(found)

    def defaults(self, unit: Unit) -> list[tuple[str, Expr | None]]:
        """The arguments of a class with their defaults, those without one first."""
        if unit not in self._defaults:
            found = [(param, self.default(unit, param)) for param in unit.params]
            self._defaults[unit] = sorted(found, key=lambda each: each[1] is not None)
        return self._defaults[unit]

    def arguments(self, unit: Unit) -> list[str]:
        """The arguments of a class as its signature has them."""
        return [
            f"{param}: {self._type(unit, param)}{'' if default is None else f' = {default}'}"
            for param, default in self.defaults(unit)
        ]

    def _type(self, unit: Unit, param: str) -> str:
        """The annotation of an argument."""
        if param in unit.types:
            self.imports.add("nn")
            return "type[nn.Module]"
        found = []
        for copy in unit.copies:
            value = copy.revalued[param][0] if param in copy.revalued else copy.values.get(param)
            found.append(type_of(value))
        default = self.default(unit, param)
        if default is not None:
            found.append(type_of(_plain(default)))
        return annotation(found)


def annotation(types: Iterable[str]) -> str:
    """The annotation for values of some types; an int may stand wherever a float does."""
    kinds = sorted(set(types), key=lambda kind: (kind == "None", kind))
    if "float" in kinds and "int" in kinds:
        kinds.remove("int")
    return " | ".join(kinds)


def _lists(expr: Expr) -> Expr:
    """A value in which lists of the file are lists in Python, as a class of the user's own may want them."""
    if expr.op != "tuple":
        return expr
    return Expr("list", tuple(map(_lists, expr.args)))


def _says_nothing(layer: object, call: Calling, args: Mapping[str, Expr], arg: str, expr: Expr) -> bool:
    """Whether an argument is that which another one stands for, or comes to its default though the file works it out,
    which the layer leaves out of its call.
    """
    if (other := call.call.same_as.get(arg)) is not None and str(expr) == str(args.get(other)):
        return True
    field = type(layer).model_fields.get(arg) if isinstance(layer, Layer) else None
    return field is not None and arg not in call.call.args and expr.is_value(field.default)


def _equal(a: Expr, b: Expr) -> bool:
    """Whether two numbers are equal, though one may be a float."""
    numbers = [each.args[0] for each in (a, b) if each.is_const and type(each.args[0]) in (int, float)]
    return len(numbers) == 2 and numbers[0] == numbers[1]


def _plain(expr: Expr) -> object:
    """The value of a constant, or the values of a tuple."""
    return tuple(map(_plain, expr.args)) if expr.op == "tuple" else expr.args[0]


def type_of(value: object) -> str:
    """The annotation for a value."""
    if value is None:
        return "None"
    if isinstance(value, list | tuple):
        kinds = [type_of(each) for each in value]
        if len(set(kinds)) == 1:
            return f"tuple[{kinds[0]}, ...]" if len(kinds) > 3 else f"tuple[{', '.join(kinds)}]"
        return f"tuple[{', '.join(kinds) or '()'}]"
    return type(value).__name__
