"""An argument of an emitted class works at other values, or is none.

The class of a model with another value of an argument is the network of the file with that value; the class of a block
is what a file is that calls nothing but the block. The code stays as it was written for the file as it stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import random_block_files
import random_blocks
from lighter import lighter, seldom
from planner.classes.arithmetic import value
from planner.classes.names import Names
from planner.classes.parts import Unit
from planner.classes.tensors import Copy
from planner.diagnostics import Fault
from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.plan import Plan
from planner.propagation import propagate
from planner.report import Report
from planner.source import Source, of_mapping, read
from planner.unfolding import load
from reference_run import differences, inputs_of

ROOT = Path(__file__).parents[1]
MOST_STEPS = 2_000
MOST_WEIGHTS = 300_000_000
SMALL = 3_000_000
"""Up to how many multiplications and weights the values are compared too."""
MOST_CALLS = 3
"""From how many calls of a block in the model is gone out."""
CALL = "call"
"""The name of the one call in a file that calls nothing but a block."""
ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.SiLU)

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does


class Called(NamedTuple):
    """An emitted class with arguments, and the plan of what it must be; `within` is the call in the plan."""

    found: Emitted
    arguments: Mapping[str, Any]
    plan: Plan
    within: str = ""

    def __str__(self) -> str:
        return f"{self.found.name}({', '.join(f'{name}={each!r}' for name, each in self.arguments.items())})"


# Whether it is right


def must_be_right(called: Called) -> None:
    try:
        found = misses(called)
    except Exception as error:
        error.add_note(f"{called}, in\n{called.found.text}")
        raise
    assert found == [], f"{called}, in\n{called.found.text}"


def misses(called: Called) -> list[str]:
    """In what the class is not the plan: the state_dict, then the values, or the shapes where the plan is large."""
    with torch.device("meta"):
        module = getattr(module_of(called.found.text), called.found.name)(**called.arguments).eval()
    got = {name: tuple(entry.shape) for name, entry in module.state_dict().items()}
    wanted = dict(_entries(called))
    if got != wanted:
        names = sorted(name for name in {*got, *wanted} if got.get(name) != wanted.get(name))
        return [f"{name} is {got.get(name)} instead of {wanted.get(name)}" for name in names]
    report = Report(called.plan)
    if _size(called.plan) > SMALL or report.overwriting:
        return list(_other_shapes(called, module))
    return differences(report, called.found, arguments=called.arguments, within=called.within)


def _entries(called: Called) -> Iterator[tuple[str, tuple[int, ...]]]:
    for step in called.plan.layers:
        own = step.name.removeprefix(f"{called.within}.") if called.within else step.name
        for entry, sizes in step.state.items():
            yield f"{own}.{entry}" if entry else own, tuple(sizes)


def _size(plan: Plan) -> int:
    return sum((step.macs or 0) + 2 * (step.params or 0) for step in plan.layers)


def _other_shapes(called: Called, module: nn.Module) -> Iterator[str]:
    """The outputs of a module on the meta device that have other shapes than in the plan."""
    found = called.found
    given = [
        (x.movedim(1, -1) if side == "last" else x).to("meta")
        for x, side in zip(inputs_of(called.plan, batch=1), found.inputs, strict=True)
    ]
    with torch.no_grad():
        result = module.double()(*given)
    outputs = [result] if isinstance(result, Tensor) else list(result)
    got = [
        tuple((y.movedim(-1, 1) if side == "last" else y).shape) for y, side in zip(outputs, found.outputs, strict=True)
    ]
    steps = called.plan.steps
    wanted = [(1, *steps[ref.step].outputs[ref.output].torch) for ref in called.plan.outputs]
    if got != wanted:
        yield f"the outputs are {got} instead of {wanted}"


# Other values


def others(now: Any) -> list[Any]:
    """Other values of an argument that has one."""
    found: list[Any] = []
    match now:
        case bool():
            found = [not now]
        case int():
            found = [2 * now, now + 1, 3 * now, *([now - 1] if now else [])]
        case float():
            found = [now * 1.5, now + 0.25, now / 2]
        case tuple():
            found = _other_tuples(now)
        case type():
            found = list(ACTIVATIONS)
    return [each for each in dict.fromkeys(found) if each != now]


def _other_tuples(now: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Other numbers in all places, in the first and in the last one; one more and one less of them."""
    return [
        *(tuple(_changed(each, k) for each in now) for k in (0, 1)),
        *([(_changed(now[0], 0), *now[1:]), (*now[:-1], _changed(now[-1], 0)), now[:-1]] if len(now) > 1 else []),
        (*now, *now[-1:]),
    ]


def _changed(now: Any, number: int) -> Any:
    found = others(now)
    return found[number % len(found)] if found else now


def of_file(given: Any) -> Any:
    """An argument as a model file has it."""
    if isinstance(given, tuple):
        return list(map(of_file, given))
    return given.__name__ if isinstance(given, type) else given


def of_class(found: Any, *, is_type: bool = False) -> Any:
    """A value of a model file as an argument."""
    if isinstance(found, list | tuple):
        return tuple(map(of_class, found))
    return getattr(nn, found) if is_type else found


def planned(source: Source, **options: Any) -> Plan | None:
    """The plan, if it is complete, nothing is wrong in the file, all of it can be run, and it is not huge."""
    model = load(source, **options)
    if model.diagnostics or len(model.instances) > MOST_STEPS:
        return None
    plan = propagate(model)
    if not plan.complete or any(step.facts and step.facts.foreign for step in plan.steps):
        return None
    return plan if sum(step.params or 0 for step in plan.layers) <= MOST_WEIGHTS else None


def code_of(source: Source, **options: Any) -> Emitted | None:
    """The code of a file; None where it has faults, or a name that no module can have."""
    plan = planned(source, **options)
    try:
        return emitted(Report(plan)) if plan is not None else None
    except Fault as fault:
        if fault.code != "NSP502":
            raise
        return None


# The class of the model


def of_models(found: Emitted, source: Source, **options: Any) -> Iterator[Called]:
    """The class of a model with another value of each of its arguments, where the file can be planned with it."""
    make: Callable[..., Any] = getattr(module_of(found.text), found.name)
    of_argument = {found.program.names.param(each): each for each in source.data.get("params") or {}}
    for argument in inspect.signature(make).parameters.values():
        if argument.name not in of_argument:
            continue  # a class without a constructor of its own has that of nn.Module
        for other in others(argument.default):
            changed = {**options.get("params", {}), of_argument[argument.name]: of_file(other)}
            plan = planned(source, **{**options, "params": changed})
            if plan is not None:
                yield Called(found, {argument.name: other}, plan)


# The classes of blocks


def of_blocks(found: Emitted, source: Source) -> Iterator[Called]:
    """The classes of blocks, as they are called in the model but for another value of one argument."""
    for unit in found.program.units.all:
        path = unit.block.path
        if path[0] == "blocks" and len(path) == 3:
            for copy in unit.copies[:MOST_CALLS]:
                yield from _Block(found, source, unit, copy).calls()


class _Block(NamedTuple):
    """The class of a block, and one call of it."""

    found: Emitted
    source: Source
    unit: Unit
    copy: Copy

    @property
    def names(self) -> Names:
        return self.found.program.names

    @property
    def channels(self) -> tuple[str, ...]:
        """What the channels of the inputs are called."""
        return self.names.channels(self.unit.block, len(self.copy.inputs))

    def calls(self) -> Iterator[Called]:
        now = self.now()
        layouts = self.found.program.layouts
        emitted_class = self.found._replace(
            name=self.unit.name,
            inputs=tuple(layouts.tensor(self.unit, (-1, -1, k)) for k in range(len(self.copy.inputs))),
            outputs=tuple(layouts.output(self.unit, k) for k in range(len(self.unit.outputs))),
        )
        for values in self.variants(now):
            plan = planned(of_mapping(self.file(values)))
            if plan is not None:
                given = {each: values[each] for each in self.unit.params}
                yield Called(emitted_class, given, plan, CALL)

    def now(self) -> dict[str, Any]:
        """What the arguments are in the call, and what the channels of its inputs are."""
        types = self.unit.types
        found = {name: of_class(each, is_type=name in types) for name, each in self.copy.values.items()}
        found |= {name: each for name, (each, _) in self.copy.revalued.items()}
        return found | {
            name: tensor.shape.channels for name, tensor in zip(self.channels, self.copy.inputs, strict=True)
        }

    def variants(self, now: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Another value of one argument; also with numbers of channels that grow with it."""
        for name in self.unit.params:
            for other in others(now[name]) if name not in self.copy.revalued else ():
                found = self.with_channels({**now, name: other})
                yield found
                if name in self.channels or type(other) is not int or now[name] < 2:
                    continue
                linked = {
                    each: found[each] // now[name] * other
                    for each in self.channels
                    if each in self.unit.params and found[each] % now[name] == 0
                }
                if linked:
                    yield found | linked

    def with_channels(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values, with the channels that the class takes from other arguments."""
        for name, expr in self.unit.by.items():
            values[name] = value(expr, values)
        for k, name in enumerate(self.channels):
            if name not in {*self.unit.params, *self.unit.by}:
                values[name] = self.goes_with(k, values)
        return values

    def goes_with(self, place: int, values: Mapping[str, Any]) -> int:
        """The channels of an input that are no argument: a multiple of one, if they are that in all calls."""
        channels = [copy.inputs[place].shape.channels for copy in self.unit.copies if place < len(copy.inputs)]
        for name in self.unit.params if len(set(channels)) > 1 else ():
            args: list[Any] = [copy.values.get(name) for copy in self.unit.copies]
            if all(type(arg) is int and arg for arg in args):
                ratios = {Fraction(n, arg) for n, arg in zip(channels, args, strict=True)}
                if len(ratios) == 1:
                    return int(ratios.pop() * values[name])
        return self.copy.inputs[place].shape.channels

    def file(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A file that calls nothing but the block."""
        inputs = {
            f"source_{k}": [*tensor.shape.spatial, values[name]]
            for k, (name, tensor) in enumerate(zip(self.channels, self.copy.inputs, strict=True))
        }
        hidden = self.unit.block.params
        listed = {each: self.copy.values[self.names.param(each)] for each in self.source.data.get("params") or {}}
        params = {each: of_file(listed[each] if each in hidden else values[self.names.param(each)]) for each in listed}
        args = {each: of_file(values[self.names.param(each)]) for each in hidden}
        return {
            "input": inputs,
            "params": params,
            "layers": [{"name": CALL, "type": self.unit.block.name, "from": list(inputs), **args}],
            "blocks": self.source.data["blocks"],
        }


# Files

PATTERNS = ("configs/*.yaml", "docs/*.yaml", "docs/models/*.yaml", "tests/cases/*/*.yaml", "tests/stories/*.yaml")


def files_with(section: str) -> list[Path]:
    """The files that can be planned and have parameters, or blocks."""
    paths = [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]
    return [path for path in paths if _has(path, section)]


def _has(path: Path, section: str) -> bool:
    try:
        source = read(path)
    except Fault:
        return False
    return bool(source.data.get(section)) and planned(source, **lighter(path)) is not None


def of_path(path: Path, *, blocks: bool) -> Iterator[Called]:
    """The classes of a file with other arguments: that of its model, or those of its blocks."""
    source = read(path)
    found = code_of(source, **lighter(path))
    assert found is not None
    yield from of_blocks(found, source) if blocks else of_models(found, source, **lighter(path))


@pytest.mark.parametrize("path", seldom(files_with("params")), ids=lambda path: path.stem)
def test_models_of_files(path: Path) -> None:
    for called in of_path(path, blocks=False):
        must_be_right(called)


@pytest.mark.parametrize("path", seldom(files_with("blocks")), ids=lambda path: path.stem)
def test_blocks_of_files(path: Path) -> None:
    for called in of_path(path, blocks=True):
        must_be_right(called)


# Random files

GENERATORS: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    "block files": random_block_files.model,
    "blocks": random_blocks.model,
}
FILES = 200
"""Random files of each kind in every run."""
AT_ONCE = 50
MOST_WRONG = 30
"""Of 1,000 random files, how many have a class that is wrong at some value, at most."""


def of_seed(name: str, seed: int) -> Iterator[Called]:
    source = of_mapping(GENERATORS[name](Random(seed)))
    found = code_of(source)
    if found is not None:
        yield from of_models(found, source)


@pytest.mark.parametrize("first", range(0, FILES, AT_ONCE))
@pytest.mark.parametrize("name", GENERATORS)
def test_models_of_random_files(name: str, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        for called in of_seed(name, seed):
            must_be_right(called)


@pytest.mark.long
@pytest.mark.parametrize("name", GENERATORS)
def test_few_random_files_have_a_wrong_class(name: str) -> None:
    wrong = [seed for seed in range(1_000) if any(map(is_wrong, of_seed(name, seed)))]
    assert len(wrong) <= MOST_WRONG, wrong


def is_wrong(called: Called) -> bool:
    try:
        must_be_right(called)
    except Exception:  # noqa: BLE001
        return True
    return False
