"""Remedies for windows: padding, rounding, kernel, and the place of a stride."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from planner.diagnostics import Edit
from planner.geometry import Spread, Window
from planner.layers._fields import per_axis
from planner.plan import Step
from planner.remedies._case import LEFT_OUT, Case, Proposal, behind, per_side, wider, windows_of

MOST_LAYERS = 10
"""Layers that are changed together."""

Way = Callable[[Case, Step], Proposal | None]


def padding_at_end(case: Case) -> Iterator[Proposal]:
    """Padding at the end, just enough for one more window."""
    yield from _first(case, _padded_at_end)


def ceil_mode(case: Case) -> Iterator[Proposal]:
    """A last window that may hang over the end."""
    yield from _first(case, _rounded_up)


def padding(case: Case) -> Iterator[Proposal]:
    """Padding on both sides, or wholly before where it is so now, just enough for one more window."""
    yield from _first(case, _padded)


def kernel_size(case: Case) -> Iterator[Proposal]:
    """A kernel that reads the lost or skipped cells, or that is no larger than its input."""
    yield from _first(case, _with_kernel)
    yield from _first(case, _with_kernel_and_padding)


def losing_layers(case: Case) -> Iterator[Proposal]:
    """All layers that lose cells at the end mended together: their sizes rounded up, or their inputs padded."""
    losing = {
        step.path: step
        for step, losses in zip(case.plan.steps, case.report.losses, strict=True)
        if any(each.loss.lost for each in losses)
    }
    yield from _in_all(case, list(losing.values())[:MOST_LAYERS], _padded_at_end, _rounded_up, _padded, _with_kernel)


def strided_padding(case: Case) -> Iterator[Proposal]:
    """Padding of half the extent in numbers, or as in TensorFlow, where PyTorch refuses `same`."""
    if case.step is not None:
        centred = _centred(case, case.step)
        yield from (case.put(case.step, padding=each) for each in (centred, "tf_same") if each is not None)


def less_padding(case: Case) -> Iterator[Proposal]:
    """The most padding with which no window reads padding alone, or is refused."""
    step = case.step
    if step is None:
        return
    windows = windows_of(step)
    padding = per_side([_without_blanks(window, n) for window, n in windows])
    if windows and case.changed(step, padding=padding) is not None:
        yield case.put(step, padding=padding)


def shifted_padding(case: Case) -> Iterator[Proposal]:
    """Padding of half the extent on both sides, or moved from one side to the other, where a branch is shifted."""
    step = case.step
    if step is None:
        return
    branches = [_last_window(case, case.plan.steps[ref.step]) for ref in step.sources]
    movers = [each for each in branches if each is not None]
    centred = [case.put(each, padding=sides) for each in movers if (sides := _centred(case, each)) is not None]
    if centred:
        yield sum(centred, Proposal(()))
    for mover in movers:
        windows = windows_of(mover)
        for by in (1, -1, 2, -2):
            pairs = [[window.before + by, window.after - by] for window, _ in windows]
            if min(map(min, pairs)) >= 0 and case.changed(mover, padding=pairs) is not None:
                yield case.put(mover, padding=pairs)


def _last_window(case: Case, branch: Step) -> Step | None:
    """The last step of a branch that reads by windows, and moves over its input."""
    for step in behind(case, branch):
        windows = windows_of(step)
        if windows and not all(window.keeps for window, _ in windows):
            return step
    return None


def _centred(case: Case, step: Step) -> object:
    """Padding of half the extent on both sides; None where a step has it already, or accepts none."""
    halves = per_axis([(window.extent - 1) // 2 for window, _ in windows_of(step)])
    return halves if case.changed(step, padding=halves) not in (None, step.layer) else None


def smaller_dilation(case: Case) -> Iterator[Proposal]:
    """The largest dilation with which every tap meets a real cell, padded to the same size."""
    step = case.step
    windows = windows_of(step) if step is not None else []
    if step is None or not windows:
        return
    dilations, sides = [], []
    for window, n in windows:
        shorter = [_with_dilation(window, d) for d in range(window.dilation, 0, -1)]
        fitting = next(
            (each for each in shorter if each and each.length(n) == window.length(n) and all(each.taps(n))), window
        )
        dilations.append(fitting.dilation)
        sides.append((fitting.before, fitting.after))
    if any(d < window.dilation for d, (window, _) in zip(dilations, windows, strict=True)):
        yield case.put(step, dilation=per_axis(dilations), padding=per_side(sides))


def mixed_dilation(case: Case) -> Iterator[Proposal]:
    """Dilations without a common factor in the layers of a row, as in hybrid dilated convolution (arXiv:1702.08502)."""
    row = []
    for step in behind(case, case.step) if case.step is not None else ():
        windows = windows_of(step)
        if any(window.stride > 1 for window, _ in windows) or (not windows and step.is_input):
            break
        if any(window.kernel > 1 for window, _ in windows) and case.changed(step, dilation=1) is not None:
            row.append(step)
    for pattern in ((1, 2, 5), (1, 2, 3)):
        changes = [_dilated(case, step, pattern[i % 3]) for i, step in enumerate(reversed(row))]
        made = [each for each in changes if each is not None]
        if len(made) == len(row) > 1:
            yield sum(made, Proposal(()))


def _dilated(case: Case, step: Step, dilation: int) -> Proposal | None:
    """The step with another dilation, padded to the same size."""
    sides = []
    for window, _ in windows_of(step):
        twice = window.before + window.after + (dilation - window.dilation) * (window.kernel - 1)
        if window.after == 0 < window.before and twice >= 0:
            sides.append((twice, 0))
        elif twice < 0 or twice % 2:
            return None
        else:
            sides.append((twice // 2, twice // 2))
    return case.put(step, dilation=dilation, padding=per_side(sides))


def even_kernel(case: Case) -> Iterator[Proposal]:
    """A transposed convolution whose kernel is a multiple of its stride, with the same size; or a kernel as large as
    the stride, which multiplies the size by the stride.
    """
    step = case.step
    if step is None or step.facts is None or not step.links:
        return
    x, maps = step.inputs[0], step.links[0][0].axes
    spreads = [each for each in maps if isinstance(each, Spread)]
    solved = [_even_spread(each, n) for each, n in zip(spreads, x.spatial, strict=False)]
    plain = [Spread(each.stride, each.stride) if each.dilation == 1 else None for each in spreads]
    for spreading in (solved, plain):
        found = [each for each in spreading if each is not None]
        if len(found) < len(maps):
            continue
        padding, extra = per_axis([each.padding for each in found]), per_axis([each.output_padding for each in found])
        values: dict[str, object] = {"kernel_size": per_axis([each.kernel for each in found])}
        given = step.layer.model_fields_set if step.layer is not None else set()
        values |= {"padding": padding} if padding or "padding" in given else {}
        values |= {"output_padding": extra or LEFT_OUT} if extra or "output_padding" in given else {}
        yield case.put(step, **values)


def pooled_first(case: Case) -> Iterator[Proposal]:
    """An average pool before the layer that takes over its stride, as in ResNet-D (arXiv:1812.01187)."""
    step = case.step
    windows = windows_of(step) if step is not None else []
    entry = case.at(step.path) if step is not None else None
    if step is None or not windows or not isinstance(entry, dict) or {"when", "repeat"} & set(entry):
        return
    if case.changed(step, stride=LEFT_OUT) is None or not 1 <= len(windows) <= 3:
        return
    strides = [window.stride for window, _ in windows]
    copies = (each for each in case.plan.steps if each.path == step.path)
    if any([window.stride for window, _ in windows_of(each)] != strides for each in copies):
        return  # the pool would make the map smaller in copies of the layer that do not
    pool = {"type": f"AvgPool{len(windows)}d", "kernel_size": per_axis(strides)}
    above = case.insert(step, {**pool, "from": entry["from"]} if "from" in entry else pool)
    if above is not None:
        at = step.path[-1]
        assert isinstance(at, int)
        moved = (*step.path[:-1], at + 1)
        keys = [key for key in ("stride", "from") if key in entry]
        yield Proposal((above, *(Edit((*moved, key), action="remove") for key in keys)))


def stride_moved(case: Case) -> Iterator[Proposal]:
    """The stride moved to the next layer with a window as large, as ResNet v1.5 moved it from the 1×1 to the 3×3."""
    for skipping in _skipping(case):
        entry = case.at(skipping.path)
        taker = _taker(case, skipping)
        if isinstance(entry, dict) and "stride" in entry and taker is not None and taker.path != skipping.path:
            taken = Edit((*taker.path, "stride"), entry["stride"])
            yield Proposal((taken, Edit((*skipping.path, "stride"), action="remove")))


def skipping_kernel(case: Case) -> Iterator[Proposal]:
    """A kernel as large as the stride in the layers that skip cells: in all of them, or in one."""
    yield from _in_all(case, list(_skipping(case))[:MOST_LAYERS], _with_kernel_and_padding, _with_kernel)


def _skipping(case: Case) -> Iterator[Step]:
    """The steps that skip cells between their windows, one for each entry of the file."""
    seen = set()
    for step, losses in zip(case.plan.steps, case.report.losses, strict=True):
        if step.path not in seen and any(each.loss.skipped for each in losses):
            seen.add(step.path)
            yield step


def _taker(case: Case, skipping: Step) -> Step | None:
    """The first layer after a step that has no stride of its own, and a window at least as wide as the skipping
    stride.
    """
    strides = [window.stride for window, _ in windows_of(skipping)]
    step = skipping
    for _ in range(20):
        readers = case.readers(step)
        if len(readers) != 1 or len(readers[0].sources) != 1:
            return None
        step = readers[0]
        windows = windows_of(step)
        large = all(window.extent >= stride for (window, _), stride in zip(windows, strides, strict=False))
        still = bool(windows) and all(window.stride == 1 for window, _ in windows)
        if still and large and case.changed(step, stride=per_axis(strides)) is not None:
            return step
    return None


# One change of one step: the arguments, or None where the layer does not take them, or does not need them


def _first(case: Case, way: Way) -> Iterator[Proposal]:
    """Proposals from one `way` at the step of the finding."""
    proposal = way(case, case.step) if case.step is not None else None
    if proposal is not None:
        yield proposal


def _in_all(case: Case, steps: list[Step], *ways: Way) -> Iterator[Proposal]:
    """Proposals from one or several ways: in all of some layers, then in the first of these layers alone."""
    made = [[way(case, step) for step in steps] for way in ways]
    for proposals in made if steps else ():
        wanted = [each for each in proposals if each is not None]
        if len(wanted) == len(steps):
            yield sum(wanted, Proposal(()))
    if len(steps) > 1:
        yield from (proposals[0] for proposals in made if proposals[0] is not None)


def _padded_at_end(case: Case, step: Step) -> Proposal | None:
    windows = windows_of(step)
    missing = [_missing(window, n) for window, n in windows]
    pairs = [[window.before, window.after + more] for (window, _), more in zip(windows, missing, strict=True)]
    if not any(missing) or any(window.length(n) < 1 for window, n in windows) or _rounded_up(case, step) is not None:
        return None  # a pool rounds up instead, which leaves its means as they are
    return case.put(step, padding=pairs) if case.changed(step, padding=pairs) is not None else None


def _rounded_up(case: Case, step: Step) -> Proposal | None:
    return case.put(step, ceil_mode=True) if case.changed(step, ceil_mode=True) not in (None, step.layer) else None


def _padded(case: Case, step: Step) -> Proposal | None:
    windows = windows_of(step)
    missing = [_missing(window, n) for window, n in windows]
    tried = [_even(window, n) if more else window for (window, n), more in zip(windows, missing, strict=True)]
    even = [(window.before, window.after) for window in tried if window is not None]
    if not any(missing) or len(even) < len(tried) or case.changed(step, padding=per_side(even)) is None:
        return None
    return case.put(step, padding=per_side(even))


def _with_kernel(case: Case, step: Step) -> Proposal | None:
    windows = windows_of(step)
    kernels = [_kernel(window, n) for window, n in windows]
    if kernels == [window.kernel for window, _ in windows]:
        return None
    values: dict[str, object] = {"kernel_size": per_axis(kernels)}
    if getattr(step.layer, "stride", 1) is None:  # a pool that would move by its new kernel
        values["stride"] = per_axis([window.stride for window, _ in windows])
    return case.put(step, **values) if case.changed(step, **values) is not None else None


def _with_kernel_and_padding(case: Case, step: Step) -> Proposal | None:
    """A larger kernel with more padding, so that the size stays."""
    windows = windows_of(step)
    kernels = [_kernel(window, n) for window, n in windows]
    more = [(kernel - window.kernel) * window.dilation for kernel, (window, _) in zip(kernels, windows, strict=True)]
    pairs = [[window.before, window.after + each] for each, (window, _) in zip(more, windows, strict=True)]
    if not any(more) or min(more) < 0 or case.changed(step, kernel_size=per_axis(kernels), padding=pairs) is None:
        return None
    if _rounded_up(case, step) is not None:  # a pool keeps its size more simply
        return None
    return case.put(step, kernel_size=per_axis(kernels), padding=pairs)


def _missing(window: Window, n: int) -> int:
    """The cells of padding missing at the end for one more window, which reads the lost cells, or for the first."""
    return max(window.missing(1, n), window.missing(window.length(n) + 1, n) if window.loss(n).lost else 0)


def _even(window: Window, n: int) -> Window | None:
    """The window with the least padding, on both sides alike or wholly before, that loses nothing at the end."""
    most = max(window.before, window.after) + window.extent
    for side in range(max(window.before, window.after), most):
        found = wider(window, side)
        if found.length(n) > 0 and not found.loss(n).lost and not found.loss(n).blank:
            return found
    return None


def _kernel(window: Window, n: int) -> int:
    if window.length(n) < 1:
        return max((n + window.before + window.after - 1) // window.dilation + 1, 1)
    loss = window.loss(n)
    if window.stride > window.extent:
        return window.stride if window.dilation == 1 else window.kernel
    return window.kernel - -loss.lost // window.dilation if loss.lost else window.kernel


def _without_blanks(window: Window, n: int) -> tuple[int, int]:
    sides = range(min(max(window.before, window.after), window.extent), 0, -1)
    narrow = (wider(window, side) for side in sides)
    return next(((each.before, each.after) for each in narrow if each.length(n) > 0 and not each.loss(n).blank), (0, 0))


def _with_dilation(window: Window, dilation: int) -> Window | None:
    """The window with another dilation, and with less padding as its extent is less."""
    less = (window.dilation - dilation) * (window.kernel - 1)
    if window.after == 0 < window.before and less <= window.before:
        return replace(window, dilation=dilation, before=window.before - less)
    if less % 2 or less // 2 > min(window.before, window.after):
        return None
    return replace(window, dilation=dilation, before=window.before - less // 2, after=window.after - less // 2)


def _even_spread(spread: Spread, n: int) -> Spread | None:
    """The transposed convolution with the next kernel that is a multiple of the stride, to the same length."""
    kernel = -(-spread.kernel // spread.stride) * spread.stride
    if spread.dilation > 1:
        return None
    for extra in range(spread.stride):
        twice = (n - 1) * spread.stride + kernel + extra - spread.length(n)
        if twice >= 0 and twice % 2 == 0:
            return replace(spread, kernel=kernel, padding=twice // 2, output_padding=extra)
    return None
