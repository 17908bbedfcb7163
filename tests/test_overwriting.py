"""Layers in place: each warning against PyTorch, in which the steps run one by one on memory that they really share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

import planner
from layer_cases import cases
from layer_oracle import BATCH, TYPES, Case, all_called, called, calls_of, made, planner_says
from planner import source
from planner.analyses.overwriting import overwriting
from planner.diagnostics import Edit, Fault
from planner.editing import rewritten
from planner.geometry import Shape
from planner.layers import all_layers
from planner.manual import example
from planner.memory import Memory
from planner.plan import Plan, Step
from planner.rules.overwritten_input import OverwrittenInput
from planner.workbench import checked, checked_text
from random_networks import planned

pytestmark = pytest.mark.filterwarnings("ignore")

# --- the steps of a plan, run by PyTorch ------------------------------------------------------------------------------


class Ran:
    """A plan run by PyTorch: each tensor, channels first, with a copy of what it is by the file.

    What a step has written over its input is filled with a number of its own, so that no value stays by chance.
    apart  steps that get a copy of their input
    alone  the only step whose writing is not undone at once; None where no writing is
    """

    def __init__(self, plan: Plan, *, training: bool, apart: Sequence[int] = (), alone: int | None = None) -> None:
        self.training = training
        self.alone = alone
        self.tensors: dict[planner.plan.Tensor, tuple[Tensor, Tensor]] = {}
        self.stale: list[tuple[int | None, planner.plan.Tensor]] = []
        """What was read with other values than it is to have, and by which step; by None in the end."""
        with torch.no_grad():
            for i, step in enumerate(plan.steps):
                if step.is_input:
                    x = torch.rand(BATCH, *step.outputs[0].torch)
                    self.tensors[planner.plan.Tensor(i, 0)] = x, x.clone()
                else:
                    self.run(i, step, i in apart)
        held = [planner.plan.Tensor(i, 0) for i, step in enumerate(plan.steps) if step.is_input]
        self.stale += [(None, ref) for ref in (*held, *plan.outputs) if self.is_stale(ref)]

    def is_stale(self, ref: planner.plan.Tensor) -> bool:
        now, told = self.tensors[ref]
        return not torch.equal(now, told)

    def run(self, i: int, step: Step, apart: bool) -> None:
        sources = [self.tensors[ref][0] for ref in step.sources]
        stale = [ref for k, ref in enumerate(step.sources) if self.is_stale(ref) and not step.lends_size(k)]
        if apart:
            sources = [each.clone() for each in sources]
        before, version = sources[0].clone(), sources[0]._version
        results = result_of(step, sources, self.training)
        wrote = sources[0]._version > version
        shares = results[0].untyped_storage().data_ptr() == sources[0].untyped_storage().data_ptr()
        if wrote and self.alone in (None, i):
            results[0].fill_(1000 + i)
        elif wrote:
            results[0].copy_(before)
        if wrote or not shares:
            told = [each.clone() for each in results]
            self.stale += [(i, ref) for ref in stale]
        else:
            told = result_of(step, [self.tensors[ref][1] for ref in step.sources], self.training)
        self.tensors |= {planner.plan.Tensor(i, k): each for k, each in enumerate(zip(results, told, strict=True))}


def result_of(step: Step, sources: list[Tensor], training: bool) -> list[Tensor]:
    assert step.layer is not None
    calls = step.layer.calls(*step.inputs)
    for i, call in enumerate(calls, 1):
        thing = made(call)
        if thing is not None:
            thing.train(training)
        last = call.layout == "last"
        sources = [each.movedim(1, -1) for each in sources] if last else sources
        read = len(sources) if i == len(calls) else 1
        sources = [*called(call, thing, sources[:read]), *sources[read:]]
        sources = [each.movedim(-1, 1) for each in sources] if last else sources
    return sources


# --- random networks --------------------------------------------------------------------------------------------------

IN_PLACE = ("Mish", "SiLU", "Hardsigmoid", "Dropout", "Dropout2d", "AlphaDropout")


def drawn(random: Random, shape: Shape) -> dict[str, Any]:
    """An entry that may fit a tensor."""
    rank, n = len(shape) + 1, random.randint(1, 3)
    dims = list(range(1, rank))
    random.shuffle(dims)
    dim = random.randint(1, rank - 1)
    return random.choice(
        [
            *({"type": each, "inplace": random.random() < 0.8} for each in IN_PLACE),
            *({"type": each, "inplace": True} for each in IN_PLACE[:4]),
            {"type": "Dropout", "p": 0.0, "inplace": True},
            {"type": "Identity"},
            {"type": "Flatten", "start_dim": random.randint(1, rank - 1)},
            {"type": "Unflatten", "dim": dim, "unflattened_size": [random.choice([1, 2]), -1]},
            {"type": "Reshape", "shape": random.choice([[-1], [2, -1], [4, -1, 2], [-1, 4]])},
            {"type": "Permute", "dims": [0, *dims]},
            {"type": "Slice", "dim": dim, "start": n - 2, "step": random.choice([1, 1, 2])},
            {"type": "Slice", "dim": dim, "stop": n},
            {"type": "Select", "dim": dim, "index": n - 2},
            {"type": "Split", "dim": dim, "split_size": n},
            {"type": "Chunk", "dim": dim, "chunks": n},
            {"type": "Linear", "out_features": 4},
            {"type": "Conv1d", "out_channels": 4, "kernel_size": 1},  # in more axes it may leave the channels last
            {"type": "Tanh"},
        ]
    )


def network(random: Random) -> dict[str, Any]:
    """A network of layers that work in place, views and readers."""
    layers = all_layers()
    tensors = [("x", Shape(random.choice([(4, 4, 4), (4, 6), (2, 4, 6)])))]
    entries: list[dict[str, Any]] = []
    while len(entries) < 9:
        name, shape = random.choice([*tensors, tensors[-1]])
        entry = drawn(random, shape)
        names, shapes = [name], [shape]
        others = [each for each in tensors if each[1] == shape]
        if len(others) > 1 and random.random() < 0.2:
            entry = {"type": random.choice(["Add", "Concat", "CropLike"])}
            name, shape = random.choice(others)
            names, shapes = [*names, name], [*shapes, shape]
        args = {key: value for key, value in entry.items() if key != "type"}
        frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in args.items()}
        try:
            outputs = layers[entry["type"]](**frozen).facts(*shapes).outputs
        except (Fault, KeyError):
            continue
        if len(outputs[0]) > 4:
            continue
        own = f"n{len(entries)}"
        entries.append({"name": own, "from": names if len(names) > 1 else names[0], **entry})
        tensors += [(f"{own}.{k}" if len(outputs) > 1 else own, each) for k, each in enumerate(outputs)]
    returned = random.sample([name for name, _ in tensors[1:]], 2)
    return {"input": {"x": list(tensors[0][1])}, "layers": entries, "outputs": returned}


@given(st.integers(0, 1 << 32))
def test_warns_where_pytorch_reads_other_values(seed: int) -> None:
    """A step is warned of if what it alone writes is read wrongly; but where a step before it that is warned of has
    written into the same memory, it need not be: of a copy there, it writes over nothing.

    With copies for all of them nothing is read wrongly, unless a tensor is now flattened without being copied, where it
    was copied before; which is then warned of.
    """
    plan = planned(network(Random(seed)))
    found = overwriting(plan)
    for training in (False, True):
        other = "evaluation" if training else "training"
        warned = {each.step: each for each in found if each.when != other}
        assert bool(warned) == bool(Ran(plan, training=training).stale)
        if not overwriting(planned(without(plan.model.source.data, plan, [*warned]))):
            assert not Ran(plan, training=training, apart=[*warned]).stale
        for i, step in enumerate(plan.steps):
            if step.layer is None or not step.layer.overwrites(training=training):
                continue
            stale = Ran(plan, training=training, alone=i).stale
            if i in warned:
                each = warned[i]
                assert (each.reader, each.read) in stale or (each.when == "always" and training and stale)
            elif stale:
                assert warned.keys() & set(written_before(plan, i))


def without(data: dict[str, Any], plan: Plan, steps: Sequence[int]) -> dict[str, Any]:
    """A model file in which some steps do not work in place."""
    names = {plan.steps[i].name for i in steps}
    layers = [{**each, "inplace": False} if each["name"] in names else each for each in data["layers"]]
    return {**data, "layers": layers}


def written_before(plan: Plan, i: int) -> Iterator[int]:
    """The steps that a step goes back to by one source each."""
    while len(plan.steps[i].sources) == 1:
        i = plan.steps[i].sources[0].step
        yield i


# --- what is found ----------------------------------------------------------------------------------------------------


def found(text: str) -> list[tuple[str | None, str, str]]:
    report = checked_text(text, "m.yaml")
    return [(each.step, each.message, each.label) for each in report.diagnostics if each.kind is OverwrittenInput]


def test_the_shortcut_of_the_example_carries_other_numbers() -> None:
    torch.manual_seed(0)
    stem, conv = torch.nn.Conv2d(16, 16, 3, padding=1), torch.nn.Conv2d(16, 16, 3, padding=1)
    x = torch.rand(2, 16, 32, 32)

    def run(*, inplace: bool) -> Tensor:
        shortcut: Tensor = stem(x)
        branch: Tensor = conv(torch.nn.functional.relu(shortcut, inplace=inplace))
        return branch + shortcut

    with torch.no_grad():
        good, bad = run(inplace=False), run(inplace=True)
        assert (good - bad).abs().max() > 0.1
        assert torch.equal(bad, conv(stem(x).relu()) + stem(x).relu())
    bad_model, good_model = (example(each) for each in (OverwrittenInput.bad, OverwrittenInput.good))
    assert found(bad_model) == [
        ("relu", "ReLU writes over `stem`, which `add` reads after it", "`add` gets what is written")
    ]
    assert found(good_model) == []


@pytest.mark.parametrize("inplace", [True, False])
def test_the_code_is_as_the_file_says(inplace: bool) -> None:
    """What a network of the example computes in PyTorch, from the code that is written for it."""
    text = example(OverwrittenInput.bad).replace("inplace: true", f"inplace: {str(inplace).lower()}")
    net = planner.build(source.parse(text).data)
    x = torch.rand(2, 16, 32, 32)
    with torch.no_grad():
        stem = net.stem(x)
        assert torch.equal(net(x), net.conv(stem.relu()) + (stem.relu() if inplace else stem))


HEAD = "input: {x: [4, 6]}\nlayers:\n  - {name: a, type: Conv1d, out_channels: 4, kernel_size: 1}\n"
SAID = [
    ("outputs: [a, r]", "{name: r, type: ReLU, inplace: true}",
     "ReLU writes over `a`, which the model returns", "the caller gets what is written"),
    ("outputs: [f]", "{name: d, type: Dropout, inplace: true}\n  - {name: f, type: Add, from: [a, d]}",
     "Dropout writes over `a`, which `f` reads after it", "`f` gets what is written, in training"),
    ("outputs: [a, r]", "{name: d, type: Dropout}\n  - {name: r, type: ReLU, inplace: true}",
     "ReLU writes over `a`, which the model returns",
     "`d` shares its memory; the caller gets what is written, in evaluation"),
    ("outputs: [a, r]", "{name: s, type: Slice, dim: 2, stop: 2}\n  - {name: r, type: SiLU, inplace: true}",
     "SiLU writes over `a`, which the model returns", "`s` shares its memory; the caller gets what is written"),
    ("outputs: [r]", "{name: r, type: ReLU, inplace: true, from: x}",
     "ReLU writes over the input `x`", "the caller's own tensor is changed"),
    ("outputs: [r]", "{name: p, type: Parameter, shape: [4, 4]}\n  - {name: r, type: ReLU, inplace: true}",
     "ReLU writes over the Parameter `p`", "PyTorch raises: a leaf Variable in an in-place operation"),
]  # fmt: skip


@pytest.mark.parametrize(("outputs", "layers", "message", "label"), SAID)
def test_says_what_is_written_over(outputs: str, layers: str, message: str, label: str) -> None:
    assert [each[1:] for each in found(f"{HEAD}  - {layers}\n{outputs}\n")] == [(message, label)]


@pytest.mark.parametrize(
    "layers",
    [
        ["name: r, type: ReLU, inplace: true"],
        ["name: b, type: Tanh", "name: r, type: ReLU, inplace: true, from: a"],  # `b` has read it before
        ["name: r, type: Dropout, p: 0.0, inplace: true", "type: Add, from: [a, r]"],
        ["name: r, type: AlphaDropout, inplace: true", "type: Add, from: [a, r]"],  # PyTorch does not heed it
        ["type: Crop, amount: 1", "name: r, type: ReLU, inplace: true", "type: Tanh, from: a"],
        [
            "type: Slice, dim: 1, stop: 2",
            "name: r, type: ReLU, inplace: true",
            "type: Slice, dim: 1, start: 2, from: a",
        ],
        # flattened, exchanged axes are copied
        [
            "type: Permute, dims: [0, 2, 1]",
            "type: Flatten",
            "name: r, type: ReLU, inplace: true",
            "type: Tanh, from: a",
        ],
        ["name: r, type: ReLU, inplace: true", "type: CropLike, from: [r, a]"],  # its size alone is read
    ],
)
def test_is_silent(layers: list[str]) -> None:
    assert found(HEAD + "".join(f"  - {{{each}}}\n" for each in layers)) == []


def test_pytorch_raises_where_a_parameter_is_written_over() -> None:
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        torch.relu_(torch.nn.Parameter(torch.rand(2)))


BLOCKS = """
input: [8, 8, 16]
blocks:
  Unit:
    params: {inplace: true}
    layers:
      - {name: relu, type: ReLU, inplace: $inplace}
      - {name: conv, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
      - {name: add, type: Add, from: [conv, input]}
layers:
  - {name: stem, type: Conv2d, out_channels: 16, kernel_size: 1}
  - {name: a, type: Unit}
  - {name: b, type: Unit, inplace: true}
"""


def test_fixes_where_the_argument_is_decided() -> None:
    report = checked_text(BLOCKS, "m.yaml")
    assert [each[0] for each in found(BLOCKS)] == ["a.relu", "b.relu"]
    done = report.bench.mended()
    assert not [each for each in done.report.diagnostics if each.kind is OverwrittenInput]
    assert "{name: a, type: Unit, inplace: false}" in (done.report.source.text or "")
    assert "{name: b, type: Unit, inplace: false}" in (done.report.source.text or "")


def test_fix_keeps_what_goes_out_and_what_is_stored() -> None:
    report = checked_text(example(OverwrittenInput.bad), "m.yaml")
    (each,) = report.diagnostics
    (fix,) = report.fixes(each)
    assert (fix.text, fix.edits) == ("inplace: false", (Edit(("layers", 1, "inplace"), False),))
    after = checked(rewritten(report.source, fix.edits))
    assert after.diagnostics == ()
    assert [step.outputs for step in after.plan.steps] == [step.outputs for step in report.plan.steps]
    assert [step.weights for step in after.plan.steps] == [step.weights for step in report.plan.steps]


def test_repeated_cells_cannot_be_written_over() -> None:
    """As PyTorch refuses to; a copy of them can."""
    spread = {"name": "spread", "type": "Expand", "size": [-1, 4, 3, 3]}
    relu = {"name": "relu", "type": "ReLU", "inplace": True}
    said = checked(source.of_mapping({"input": [1, 1, 4], "layers": [{"type": "Tanh"}, spread, relu]})).diagnostics
    assert [(each.code, "a single memory location" in each.label) for each in said] == [("NSP404", True)]
    tiled = {"type": "Tile", "dims": [3, 3]}
    assert not checked(source.of_mapping({"input": [1, 1, 4], "layers": [{"type": "Tanh"}, tiled, relu]})).diagnostics


# --- each layer, and memory -------------------------------------------------------------------------------------------

NOT_COMPARED = ("StochasticDepth", "Buffer", "Constant", "Parameter")
"""Layers for which the oracle has no module of its own, or that have no input."""


@pytest.mark.parametrize("name", [each for each in TYPES if each not in NOT_COMPARED])
def test_layers_share_memory_as_in_pytorch(name: str) -> None:
    layer = all_layers()[name]

    @settings(max_examples=settings().max_examples // 10, suppress_health_check=list(HealthCheck))
    @given(cases(layer, {0: 1, 1: 7, 2: 5, 3: 3}), st.booleans())
    def compare(case: Case, training: bool) -> None:
        assume(case.inputs and not planner_says(case).refused and sum(x.elements for x in case.inputs) < 10_000)
        # PyTorch counts an axis that it adds for a while as written, where there are fewer than it expects.
        assume(training or name != "Dropout3d" or len(case.inputs[0].spatial) > 2)
        this, last = layer(**case.args), calls_of(case)[0].layout == "last"
        sizes = [(BATCH, *(x if last else x.torch)) for x in case.inputs]
        sources = [torch.zeros(each, dtype=torch.long) if i in layer.indices else torch.rand(each)
                   for i, each in enumerate(sizes)]  # fmt: skip
        version = sources[0]._version
        calls = calls_of(case)
        things = [made(call) for call in calls]
        for thing in things:
            if isinstance(thing, torch.nn.Module):
                thing.train(training)
        with torch.no_grad():
            tensors = all_called(calls, things, sources)
        shares = [each.untyped_storage().data_ptr() in {x.untyped_storage().data_ptr() for x in sources}
                  for each in tensors]  # fmt: skip
        x = Memory.packed(tuple(sources[0].shape[1:]))
        views = this.laid(this.facts(*case.inputs), x, training=training)
        assert (sources[0]._version > version) == this.overwrites(training=training)
        assert shares == [views is not None] * len(tensors)
        for view, tensor in zip(views or (), tensors, strict=bool(views)):
            assert view.sizes == tensor.shape[1:]
            assert view.start == tensor.storage_offset()
            assert all(n == 1 or a == b for n, a, b in zip(view.sizes, view.strides, tensor.stride()[1:], strict=True))

    compare()


@given(st.data())
def test_memory_meets_where_an_element_is_in_both(data: st.DataObject) -> None:
    sizes = st.lists(st.integers(1, 4), min_size=1, max_size=3)

    def drawn() -> Memory:
        n = data.draw(sizes)
        strides = data.draw(st.lists(st.integers(1, 12), min_size=len(n), max_size=len(n)))
        return Memory(tuple(n), tuple(strides), data.draw(st.integers(0, 30)))

    a, b = drawn(), drawn()
    assert a.meets(b) == bool(elements(a) & elements(b))


def elements(memory: Memory) -> set[int]:
    places = product(*map(range, memory.sizes))
    return {memory.start + sum(i * stride for i, stride in zip(at, memory.strides, strict=True)) for at in places}


# --- what is there already --------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
RECTIFIED = ("resnet50", "resnet50_v1", "vgg16", "densenet121", "mobilenet_v2", "inception_v3", "squeezenet1_1", "unet")


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_published_network_writes_over_what_is_read(path: Path) -> None:
    """With all their ReLUs in place, as torchvision has them, too; which change nothing but what they rectify."""
    assert not checked(path).overwriting
    if path.stem in RECTIFIED:
        text = re.sub(r"type: (ReLU6?)\b(?!,)", r"type: \1, inplace: true", path.read_text(encoding="utf-8"))
        assert "inplace: true" in text
        assert [(each.step, each.reader) for each in checked_text(text).overwriting] == []
