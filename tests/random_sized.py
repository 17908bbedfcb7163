"""Random networks with sizes of inputs in their arithmetic, and the same networks with the numbers written by hand."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

from planner.geometry import Shape
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load


@dataclass(frozen=True)
class Arithmetic:
    """Arithmetic over the sizes of an image, as a file has it, and as Python works it out."""

    text: str
    of: Callable[[int, int, int], int]


SIDES = [
    Arithmetic("$input.height", lambda h, w, c: h),
    Arithmetic("$input.width", lambda h, w, c: w),
    Arithmetic("$input.height // 4", lambda h, w, c: h // 4),
    Arithmetic("max($input.width // 6, 2)", lambda h, w, c: max(w // 6, 2)),
    Arithmetic("min($input.height, 5)", lambda h, w, c: min(h, 5)),
    Arithmetic("($input.height + 2) // 3", lambda h, w, c: (h + 2) // 3),
    Arithmetic("ceil($input.width / 4)", lambda h, w, c: -(-w // 4)),
    Arithmetic("$input.width - 3 if $input.width > 9 else 4", lambda h, w, c: w - 3 if w > 9 else 4),
    Arithmetic("$input.height // 2 // 3 + 1", lambda h, w, c: h // 2 // 3 + 1),
    Arithmetic("ceil(ceil($input.height / 2) / 2)", lambda h, w, c: _half(_half(h))),
    Arithmetic("(ceil($input.width / 3) + 1) // 3 + 1", lambda h, w, c: (-(-w // 3) + 1) // 3 + 1),
]
QUARTER_HEIGHT = SIDES[-2]
QUARTER_WIDTH = Arithmetic("($input.width + 3) // 4", lambda h, w, c: _half(_half(w)))
REMAINDERS = [
    Arithmetic("-$input.height % 3", lambda h, w, c: -h % 3),
    Arithmetic("-$input.width % 4", lambda h, w, c: -w % 4),
    Arithmetic("1 if $input.height % 2 == 1 else 0", lambda h, w, c: h % 2),
]
WIDTHS = [
    Arithmetic("2 * $input.channels", lambda h, w, c: 2 * c),
    Arithmetic("$input.channels + $input.height % 2", lambda h, w, c: c + h % 2),
]


KINDS = ("pool", "pad", "interpolate", "adaptive", "table", "conv", "slice", "list", "reshape", "tokens")


def _half(n: int) -> int:
    return -(-n // 2)


def entries(random: Random, depth: int = 0) -> list[dict[str, Any]]:
    """A list of layers in which every entry reads the one above it."""
    return [entry(random, depth) for _ in range(random.randint(1, 3 if depth == 0 else 2))]


def entry(random: Random, depth: int) -> dict[str, Any]:
    def side() -> Any:
        return random.choice(SIDES)

    def either(number: int) -> Any:
        return side() if random.random() < 0.5 else number

    kind = random.choice(KINDS)
    if kind == "list" and depth < 2:
        return {"layers": entries(random, depth + 1)}
    if kind == "pool":
        return {
            "type": random.choice(("AvgPool2d", "MaxPool2d")),
            "kernel_size": [either(2), either(3)],
            "stride": random.choice((1, 2, [side(), 1])),
        }
    if kind == "pad":
        sides = [random.choice(REMAINDERS) if random.random() < 0.7 else 1 for _ in range(4)]
        return {"type": "ZeroPad2d", "padding": sides}
    if kind == "interpolate":
        return {"type": "Interpolate", "size": [side(), side()]}
    if kind == "adaptive":
        return {"type": "AdaptiveAvgPool2d", "output_size": [either(3), either(2)]}
    if kind == "table":
        table = {"name": "table", "type": "Constant", "shape": [SIDES[0], SIDES[1], 1], "fill": "ones"}
        add = {"type": "Add", "from": ["table", "input"], "broadcast": True}
        return {"layers": [table, add]}
    if kind == "slice":
        return {"type": "Slice", "dim": random.choice((2, 3)), "stop": side()}
    if kind == "reshape":
        return _folded()
    if kind == "tokens":
        return _tokens(random)
    stride = random.choice((1, 2))
    return {
        "type": "Conv2d",
        "out_channels": random.choice([4, *WIDTHS]),
        "kernel_size": 3,
        "padding": 1,
        "stride": stride,
    }


def _folded() -> dict[str, Any]:
    """Windows of two rows, and back, with the number of windows from the height."""
    half = Arithmetic("$input.height // 2", lambda h, w, c: h // 2)
    out = {"type": "Rearrange", "pattern": "(h i) w c -> h i w c", "i": 2}
    back = {"type": "Rearrange", "pattern": "h i w c -> (h i) w c", "h": half}
    return {"layers": [out, back]}


def _tokens(random: Random) -> dict[str, Any]:
    """A map that is halved, and halved again, as a sequence of its cells, and back."""
    halves = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "stride": 2} for _ in range(2)]
    side = {"h": QUARTER_HEIGHT} if random.random() < 0.5 else {"w": QUARTER_WIDTH}
    out = {"type": "Rearrange", "pattern": "h w c -> (h w) c"}
    back = {"type": "Rearrange", "pattern": "(h w) c -> h w c", **side}
    return {"layers": [*halves, out, {"type": "LayerNorm"}, back]}


def file(layers: list[dict[str, Any]], shape: tuple[int, ...]) -> dict[str, Any]:
    """A model file with arithmetic."""
    return {"name": "m", "input": list(shape), "layers": _texts(layers)}


def _texts(value: Any) -> Any:
    if isinstance(value, Arithmetic):
        return value.text
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return {key: _texts(each) for key, each in value.items()} if isinstance(value, dict) else deepcopy(value)


def by_hand(layers: list[dict[str, Any]], shape: tuple[int, ...]) -> dict[str, Any] | None:
    """The model file with numbers in place of arithmetic; None where a list reads what cannot be planned."""
    written = _numbers(layers, shape)
    return None if written is None else {"name": "m", "input": list(shape), "layers": written}


def _numbers(layers: list[dict[str, Any]], shape: tuple[int, ...]) -> list[dict[str, Any]] | None:
    written: list[dict[str, Any]] = []
    for each in layers:
        if "layers" in each:
            arriving = _after(written, shape)
            inner = None if arriving is None else _numbers(each["layers"], arriving)
            if inner is None:
                return None
            written.append({**each, "layers": inner})
        else:
            written.append(_filled(each, shape))
    return written


def _filled(value: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(value, Arithmetic):
        return value.of(*shape) if len(shape) == 3 else None
    if isinstance(value, list):
        return [_filled(each, shape) for each in value]
    return {key: _filled(each, shape) for key, each in value.items()} if isinstance(value, dict) else value


def _after(written: list[dict[str, Any]], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape after the layers so far."""
    if not written:
        return shape
    model = load(of_mapping({"input": list(shape), "layers": written}))
    plan = propagate(model)
    if model.diagnostics or not plan.complete:
        return None
    found: Shape = plan.steps[-1].outputs[0]
    return tuple(found)
