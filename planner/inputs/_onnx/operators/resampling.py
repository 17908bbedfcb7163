"""Maps of other sizes: by interpolation, by padding, and by dealing out channels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from planner.inputs._axes import Sizes, Traced
from planner.inputs._graph import NotSayable
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import operator
from planner.inputs._onnx.operators.windows import padded
from planner.inputs._onnx.values import Value


@operator("Upsample")
def upsample(b: OnnxBuilder, node: FileNode, x: Value, scales: Value | None = None) -> Traced:
    factors = node.get("scales") if scales is None else [float(each) for each in b.fixed(scales).ravel()]
    if factors is None:
        raise NotSayable("a factor for each axis is missing")
    mode = node.get("mode", "nearest")
    return _resized(b, x, list(range(b.rank(x))), None, factors, mode, "asymmetric" if mode != "nearest" else "")


@operator("Resize")
def resize(
    b: OnnxBuilder,
    node: FileNode,
    x: Value,
    roi: Value | None = None,
    scales: Value | None = None,
    sizes: Value | None = None,
) -> Traced:
    if b.opset < 11:  # Resize(x, scales)
        return upsample(b, node, x, roi)
    axes = [axis % b.rank(x) for axis in node.get("axes") or range(b.rank(x))]
    mode, how = _sampling(node)
    known = sizes is not None and b.sizes(sizes)[0] != (0,)
    if known:
        assert sizes is not None
        goals = [dict(zip(axes, (int(n) for n in each), strict=True)) for each in b.numbers(sizes)]
        return _resized(b, x, axes, goals, None, mode, how)
    if scales is None:
        raise NotSayable("neither sizes nor factors")
    factors = [float(each) for each in b.fixed(scales).ravel()]
    return _resized(b, x, axes, None, factors, mode, how)


def _sampling(node: FileNode) -> tuple[str, str]:
    """How a resize samples: its mode, and where the centres of cells lie."""
    mode, how = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    if how in ("tf_crop_and_resize", "half_pixel_symmetric"):
        raise NotSayable(f"a resize with {how}")
    if node.get("exclude_outside", 0):
        raise NotSayable("a resize within its input")
    if node.get("antialias", 0):
        raise NotSayable("a resize with antialiasing, which ONNX and PyTorch do not do alike")
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise NotSayable("a resize that keeps the ratio of sizes")
    if mode == "cubic" and node.get("cubic_coeff_a", -0.75) != -0.75:
        raise NotSayable("a cubic resize with other coefficients")
    if mode != "nearest":
        return mode, how
    rounds = node.get("nearest_mode", "round_prefer_floor")
    if (how, rounds) not in _NEAREST:
        raise NotSayable(f"a resize to the nearest cell by {how} and {rounds}")
    return _NEAREST[how, rounds], ""


_NEAREST = {
    ("asymmetric", "floor"): "nearest", ("half_pixel", "round_prefer_ceil"): "nearest-exact",
    ("half_pixel", "round_prefer_floor"): "exact by whole factors",
    ("pytorch_half_pixel", "round_prefer_floor"): "exact by whole factors",
}  # fmt: skip


def _resized(
    b: OnnxBuilder, x: Value, axes: Sequence[int], goals: list[dict[int, int]] | None, factors: Sequence[float] | None,
    mode: str, how: str,
) -> Traced:  # fmt: skip
    """A map of other sizes, which are given for every run, or as multiples of those that it has."""
    before = b.sizes(x)
    by = _by_axis(axes, factors) if factors is not None else {}
    if goals is None:
        goals = [{axis: int(n * by.get(axis, 1)) for axis, n in enumerate(sizes)} for sizes in before]
    after: list[Sizes] = [
        tuple(goal.get(axis, n) for axis, n in enumerate(sizes)) for goal, sizes in zip(goals, before, strict=True)
    ]
    if any(new[:2] != old[:2] for new, old in zip(after, before, strict=True)):
        raise NotSayable("a resize of channels")
    whole = all(not (n * by.get(axis, 1)) % 1 for sizes in before for axis, n in enumerate(sizes))
    options = _interpolation(mode, how, before, after, whole=whole)
    if factors is not None:
        scale = [float(by.get(axis, 1)) for axis in range(2, b.rank(x))]
        options["scale_factor"] = [int(each) if each.is_integer() else each for each in scale]
    else:
        options["size"] = after[0][2:]
    found: Traced = b.torch("interpolate", b.tensor(x), results=[after], **options)
    return found


def _by_axis(axes: Sequence[int], factors: Sequence[float]) -> dict[int, Fraction]:
    if len(factors) != len(axes) or any(not 0 < each < 1 << 20 for each in factors):
        raise NotSayable("factors that are none")
    return {axis: Fraction(str(factor)) for axis, factor in zip(axes, factors, strict=True)}


def _interpolation(mode: str, how: str, before: list[Sizes], after: list[Sizes], *, whole: bool) -> dict[str, Any]:
    """PyTorch's mode and options for those of ONNX; `whole` says whether the size is exactly the multiple asked for."""
    rank = len(before[0]) - 2
    if mode == "exact by whole factors":
        pairs = [pair for new, old in zip(after, before, strict=True) for pair in zip(old[2:], new[2:], strict=True)]
        if any(larger % smaller for smaller, larger in pairs):
            raise NotSayable("a resize to the nearest cell, where that in the middle of two is the first")
        mode = "nearest"
    options: dict[str, Any] = {"mode": _MODES.get((mode, rank), mode)}
    if options["mode"] not in _KNOWN:
        raise NotSayable(f"a resize of {rank} axes by {mode}")
    if how == "align_corners":
        if not whole:
            raise NotSayable("a resize with corners aligned, to a size that is no whole number")
        options["align_corners"] = True
    elif how == "asymmetric" and not mode.startswith("nearest"):
        raise NotSayable("a resize whose cells have their centres at their corners")
    elif how == "pytorch_half_pixel" and any(n == 1 for sizes in after for n in sizes[2:]):
        raise NotSayable("a resize to one cell by pytorch_half_pixel")
    return options


_MODES = {
    ("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear", ("cubic", 2): "bicubic",
}  # fmt: skip
_KNOWN = {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic"}


@operator("DepthToSpace")
def depth_to_space(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    by = node.get("blocksize", 1)
    if node.get("mode", "DCR") == "CRD":
        found: Traced = b.torch("pixel_shuffle", b.tensor(x), by)
        return found
    image = b.tensor(x)
    sizes = b.sizes(x)
    if any(len(each) != 4 or by < 1 or each[1] % (by * by) for each in sizes):
        raise NotSayable("channels that cannot be dealt out")
    parted = b.reshaped(image, _columns([(n, by, by, c // by**2, h, w) for n, c, h, w in sizes]))
    turned = parted.with_dims(parted.dims[i] for i in (0, 3, 4, 1, 5, 2))
    return b.reshaped(turned, _columns([(n, c // by**2, h * by, w * by) for n, c, h, w in sizes]))


@operator("SpaceToDepth")
def space_to_depth(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    by = node.get("blocksize", 1)
    if node.get("mode", "DCR") == "CRD":
        found: Traced = b.torch("pixel_unshuffle", b.tensor(x), by)
        return found
    image = b.tensor(x)
    sizes = b.sizes(x)
    if any(len(each) != 4 or by < 1 or each[2] % by or each[3] % by for each in sizes):
        raise NotSayable("axes that cannot be parted")
    parted = b.reshaped(image, _columns([(n, c, h // by, by, w // by, by) for n, c, h, w in sizes]))
    turned = parted.with_dims(parted.dims[i] for i in (0, 3, 5, 1, 2, 4))
    return b.reshaped(turned, _columns([(n, c * by**2, h // by, w // by) for n, c, h, w in sizes]))


def _columns(runs: Sequence[Sizes]) -> list[Sizes]:
    """Sizes by dimension, in all runs, of sizes by run."""
    return list(zip(*runs, strict=True))


@operator("Pad")
def pad(
    b: OnnxBuilder,
    node: FileNode,
    x: Value,
    pads: Value | None = None,
    value: Value | None = None,
    axes: Value | None = None,
) -> Traced:
    image = b.tensor(x)
    amounts = b.following(pads) if pads is not None else list(node.get("pads") or node.get("paddings") or [])
    along = list(range(image.rank)) if axes is None else [image.dim(each) for each in b.whole(axes)]
    if len(amounts) != 2 * len(along):
        raise NotSayable("padding for another number of axes")
    sides: list[Any] = [(0, 0)] * image.rank
    for i, axis in enumerate(along):
        sides[axis] = (amounts[i], amounts[i + len(along)])
    fill = node.get("value", 0.0) if value is None else b.fixed(value).reshape(-1)[0].item()
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}.get(
        node.get("mode", "constant")
    )
    if mode is None:
        raise NotSayable(f"padding by {node.get('mode')}")
    return padded(b, image, sides, mode, fill)
