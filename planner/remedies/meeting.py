"""Remedies where branches meet with sizes that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from planner.diagnostics import Edit
from planner.geometry import Shape, Spread, Window
from planner.layers._fields import per_axis
from planner.plan import Step
from planner.remedies._case import LEFT_OUT, Case, Proposal, behind, per_side, wider, windows_of

MOST_TRIED = 8
"""Kernels tried for a branch, and paddings beyond its extent."""
MOST_PADDING = 2100


def size_from_skip(case: Case) -> Iterator[Proposal]:
    """Upsampling to the size of the skip connection instead of by a factor: `from: [x, skip]`."""
    for step, branch, target in _branches(case):
        names = case.sources(step)
        for source in behind(case, branch):
            fields = type(source.layer).model_fields if source.layer is not None else {}
            if {"size", "scale_factor", "mode"} <= set(fields) and names and source.path[:-1] == step.path[:-1]:
                other = next(name for name, x in zip(names, step.inputs, strict=False) if x is target)
                first = _first_source(case, source)
                if first is None or source.inputs[0].spatial == target.spatial:
                    return
                # A layer that takes a second source has the size of that one.
                retyped = {"type": "Interpolate"} if source.layer and source.layer.takes == (1, 1) else {}
                given = {key: LEFT_OUT for key in ("scale_factor", "size") if key in (case.at(source.path) or {})}
                yield case.put(source, **retyped, **{"from": [first, other]}, **given)
                return


def broadcast(case: Case) -> Iterator[Proposal]:
    """The word that a single cell is meant to be repeated, where that is all that differs."""
    step = case.step
    if step is not None and getattr(step.layer, "broadcast", None) is False and _repeats(step.inputs):
        yield case.put(step, broadcast=True)


def _repeats(shapes: Sequence[Shape]) -> bool:
    """Whether the shapes are alike but for axes where some have a single cell."""
    return len(set(map(len, shapes))) == 1 and all(len({*sizes} - {1}) <= 1 for sizes in zip(*shapes, strict=True))


def parameter_shape(case: Case) -> Iterator[Proposal]:
    """A free parameter with the shape of the tensor that it meets."""
    step = case.step
    if step is None or len(step.inputs) != 2:
        return
    for i, ref in enumerate(step.sources):
        source, target = case.plan.steps[ref.step], step.inputs[1 - i]
        given = case.at((*source.path, "shape"))
        if source.sources or not isinstance(given, list) or len(given) != len(target):
            continue
        other = [axis for axis, (n, m) in enumerate(zip(step.inputs[i], target, strict=True)) if n != m]
        if all(isinstance(given[axis], int) for axis in other):
            yield Proposal(tuple(Edit((*source.path, "shape", axis), target[axis]) for axis in other))


def output_padding(case: Case) -> Iterator[Proposal]:
    """The output padding with which a transposed convolution gives its branch the size of the other."""
    for _, branch, target in _branches(case):
        for source in behind(case, branch):
            maps = source.links[0][0].axes if source.links and len(source.inputs) == 1 else ()
            spreads = [each for each in maps if isinstance(each, Spread)]
            if spreads and len(spreads) == len(target.spatial):
                lacking = [size - n for size, n in zip(target.spatial, source.outputs[0].spatial, strict=True)]
                extra = [each.output_padding + more for each, more in zip(spreads, lacking, strict=True)]
                if min(extra) >= 0 and _reaches(case, source, target, output_padding=per_axis(extra)):
                    yield case.put(source, output_padding=per_axis(extra))
            if not all(each.keeps for each in maps):
                break


def fitted_window(case: Case) -> Iterator[Proposal]:
    """Other padding, rounding or kernel in a branch's last window, which gives the branch the size of the other."""
    for _, branch, target in _branches(case):
        for source in behind(case, branch):
            windows = windows_of(source)
            if not windows or all(window.keeps for window, _ in windows):
                if source.links and all(each.keeps for link in source.links[0] for each in link.axes):
                    continue
                break
            most = min(max((window.extent for window, _ in windows), default=0) + MOST_TRIED, MOST_PADDING)
            sides = [per_side([_sides(window, side) for window, _ in windows]) for side in range(most) if windows]
            before = [[[side, 0] for _ in windows] for side in range(1, most) if windows]
            others: list[dict[str, object]] = [{"ceil_mode": True}, {"ceil_mode": False}]
            others += [{"kernel_size": k} for k in range(1, MOST_TRIED)]
            for wishes in ([*_paddings(sides), *others], _paddings(before)):
                fitting = (each for each in wishes if _reaches(case, source, target, **each))
                yield from (case.put(source, **each) for each in islice(fitting, 1))
            break


def swapped_sources(case: Case) -> Iterator[Proposal]:
    """The two sources in the other order."""
    step = case.step
    names = case.sources(step) if step is not None else None
    if step is not None and names is not None and len(names) == 2:
        yield Proposal((Edit((*step.path, "from"), names[::-1]),))


def crop_like(case: Case) -> Iterator[Proposal]:
    """The larger branch cropped to the smaller one before they meet."""
    yield from _between(case, "crop", "CropLike", larger=True)


def pad_like(case: Case) -> Iterator[Proposal]:
    """The smaller branch padded to the larger one before they meet."""
    yield from _between(case, "pad", "PadLike", larger=False)


def same_channels(case: Case) -> Iterator[Proposal]:
    """The other branch's number of channels, from the layer that makes the channels of this one."""
    step = case.step
    if step is None or len({x.channels for x in step.inputs}) < 2:
        return
    for ref, x in zip(step.sources, step.inputs, strict=True):
        for other in step.inputs:
            if other.channels == x.channels:
                continue
            for source in behind(case, case.plan.steps[ref.step]):
                for key in ("out_channels", "out_features"):
                    made = case.shape_with(source, **{key: other.channels})
                    if made is not None and made.channels == other.channels:
                        yield case.put(source, **{key: other.channels})
                if any(not link.channels.keeps for links in source.links[:1] for link in links[:1]):
                    break
            break


def joined_axis(case: Case) -> Iterator[Proposal]:
    """Joining along the axis on which the tensors differ, as tokens are joined along their length."""
    step = case.step
    if step is None or step.layer is None or len({len(x) for x in step.inputs}) != 1:
        return
    if "dim" not in type(step.layer).model_fields or step.layer.takes[1] is not None:
        return
    differ = [axis for axis, sizes in enumerate(zip(*step.inputs, strict=True)) if len(set(sizes)) > 1]
    if len(differ) != 1:
        return
    channels = len(step.inputs[0]) - 1
    axis = differ[0]
    if axis == channels:
        yield case.put(step, dim=LEFT_OUT if "dim" in (case.at(step.path) or {}) else 1)
    elif any(x[axis] == 1 for x in step.inputs):
        yield case.put(step, dim=axis + 2)


def projection(case: Case) -> Iterator[Proposal]:
    """A 1×1 convolution that brings one branch to the channels and stride of the other, as in ResNet's shortcuts."""
    step = case.step
    names = case.sources(step) if step is not None else None
    if step is None or names is None or len(names) != 2 or len({len(x) for x in step.inputs}) != 1:
        return
    rank = len(step.inputs[0].spatial)
    for i in (1, 0):
        x, other = step.inputs[i], step.inputs[1 - i]
        strides = [-(-n // m) for n, m in zip(x.spatial, other.spatial, strict=True)]
        fits = all((n - 1) // s + 1 == m for n, m, s in zip(x.spatial, other.spatial, strides, strict=True))
        if not fits or not 1 <= rank <= 3:
            continue
        made = _made_by(case, step, case.plan.steps[step.sources[1 - i].step], other.channels, per_axis(strides))
        entry = {"name": case.free_name(step, "shortcut"), "type": f"Conv{rank}d", "from": names[i], **made}
        edit, at = case.insert(step, entry), step.path[-1]
        if edit is not None and isinstance(at, int):
            renamed = [entry["name"] if j == i else name for j, name in enumerate(names)]
            yield Proposal((edit, Edit((*step.path[:-1], at + 1, "from"), renamed)))


def _made_by(case: Case, step: Step, branch: Step, channels: int, strides: object) -> dict[str, object]:
    """The `out_channels` and `stride` of a projection, as the other branch's layers write them, or in numbers."""
    values: dict[str, object] = {"out_channels": channels, "kernel_size": 1, "stride": strides}
    for source in behind(case, branch):
        entry = case.at(source.path)
        if source.path[:-1] == step.path[:-1] and isinstance(entry, dict) and source.layer is not None:
            for key in ("out_channels", "stride"):
                if key in entry and getattr(source.layer, key, None) == values[key]:
                    values[key] = entry[key]
    return {key: value for key, value in values.items() if key != "stride" or value != 1}


def _branches(case: Case) -> Iterator[tuple[Step, Step, Shape]]:
    """The step at which branches meet, with each pair of a branch that could be resized and the branch to match."""
    step = case.step
    if step is None or len({len(x) for x in step.inputs}) != 1:
        return
    for ref, x in reversed([*zip(step.sources, step.inputs, strict=True)]):
        target = next((other for other in step.inputs if other.spatial != x.spatial), None)
        if target is not None:
            yield step, case.plan.steps[ref.step], target


def _paddings(sides: Sequence[object]) -> list[dict[str, object]]:
    return [{"padding": each} for each in sides]


def _sides(window: Window, side: int) -> tuple[int, int]:
    other = wider(window, side)
    return other.before, other.after


def _reaches(case: Case, source: Step, target: Shape, **values: object) -> bool:
    shape = case.shape_with(source, **values)
    return shape is not None and shape.spatial == target.spatial


def _first_source(case: Case, step: Step) -> str | None:
    """The name of the first source of a step, stated or above it; None where that has no name of its own."""
    if case.at((*step.path, "from")) is not None:
        stated = case.sources(step)
        return stated[0] if stated else None
    at = step.path[-1]
    if isinstance(at, int) and at == 0:
        block = case.at(step.path[:-2]) if step.path[0] == "blocks" and len(step.path) == 4 else None
        inputs = block.get("inputs") if isinstance(block, dict) else None
        return str(inputs[0]) if isinstance(inputs, list) else "input"
    entry = case.at((*step.path[:-1], at - 1)) if isinstance(at, int) else None
    name = entry.get("name") if isinstance(entry, dict) else None
    if name is not None:
        return str(name) if "$" not in str(name) else None
    source = case.plan.steps[step.sources[0].step]
    prefix = step.name.rpartition(".")[0]
    return source.name.removeprefix(f"{prefix}.") if source.path[:-1] == step.path[:-1] else None


def _between(case: Case, wish: str, kind: str, *, larger: bool) -> Iterator[Proposal]:
    step = case.step
    names = case.sources(step) if step is not None else None
    if step is None or names is None or len(names) != len(step.inputs) or len({len(x) for x in step.inputs}) != 1:
        return
    sizes = [x.spatial for x in step.inputs]
    wanted = tuple((min if larger else max)(each) for each in zip(*sizes, strict=True))
    if wanted not in sizes or not 1 <= len(wanted) <= 3:
        return
    like = names[sizes.index(wanted)]
    edits: list[Edit] = []
    path, renamed = step.path, list(names)
    for i, (name, size) in enumerate(zip(names, sizes, strict=True)):
        if size != wanted:
            fresh = case.free_name(step, wish) + ("" if not edits else f"_{i}")
            edit = case.insert(step, {"name": fresh, "type": kind, "from": [name, like]})
            at = path[-1]
            if edit is None or not isinstance(at, int):
                return
            edits.append(edit)
            path, renamed[i] = (*path[:-1], at + 1), fresh
    yield Proposal((*edits, Edit((*path, "from"), renamed)))
