"""A module of PyTorch as the text of a model file."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from planner.faults.not_imported import NotImported
from planner.inputs._graph import Graph, NotSayable
from planner.inputs._naming import FROM_FILE, said

BATCH = 11
"""Samples that a module is run on: a number that no axis is likely to have, so that the batch is told from axes."""
FARTHER = (64, 96, 32)
"""How many cells longer the axes of the inputs are in a second run, which tells what follows from their sizes."""


def text_of_module(module: Any, name: str, input: Any, example: Any) -> str:
    """The model file of a module, run on tensors of a shape or like examples."""
    try:
        import torch
    except ImportError as error:
        raise NotImported("a module of PyTorch needs PyTorch", help="pip install shape-planner[torch]") from error
    from planner.inputs._lowering import lowered
    from planner.inputs._stored import Held
    from planner.inputs._text import text_of
    from planner.inputs.torch_module import without_values

    if not isinstance(module, torch.nn.Module):
        raise NotImported(f"`{name}` is no module of PyTorch, but {_kind(module)}", help="name a class of nn.Module")
    parameters = dict(module.named_parameters(remove_duplicate=False))
    kept = set(module.state_dict(keep_vars=True))
    state = without_values(module)
    names: dict[int, str] = {}
    stored = {}
    for key, each in state.items():
        first = names.setdefault(id(each), key)
        tied = first if first != key else ""
        stored[key] = Held(key, tuple(each.shape), key in parameters, not each.is_floating_point(), key in kept, tied)
    with _evaluated(module):
        traces = _traces(module, _tensors(module, input, example), state)
    kind = type(module).__name__
    try:
        graph = lowered(kind, traces, stored, BATCH).graph
        graph.prune()
        if not graph.outputs:
            raise NotImported(f"`{name}` gives no tensor", help="its forward must return one, or several")
        if not graph.steps:
            raise NotImported(f"`{name}` has no layer", help="what it reads is what it returns")
        text = text_of(graph)
    except NotSayable as reason:
        raise NotImported(f"`{name}` cannot be said in a model file", label=str(reason)) from reason
    return "".join(f"# {line}\n" for line in _head(module, graph, traces)) + text


def _kind(thing: object) -> str:
    article = "an" if type(thing).__name__[0].lower() in "aeiou" else "a"
    return f"{article} {type(thing).__name__}"


def _head(module: Any, graph: Graph, traces: Sequence[Any]) -> Iterator[str]:
    """What stands above the text: where it comes from, and what of it no layer says."""
    yield f"{type(module).__name__} of {type(module).__module__.removeprefix(FROM_FILE)}, imported"
    if decisions := sorted(each.strip("_") for each in traces[0].decisions):
        yield f"It looks at values ({', '.join(decisions)}): this is what it does where all that it reads is 0."
    if len(traces) == 1:
        yield "Sizes that follow from the input's are those at this input."
    used = {name for step in graph.steps for name in step.state.values()}
    idle = {name.partition(".")[0] for name, _ in module.named_parameters() if name not in used} - {
        name.partition(".")[0] for name in used
    }
    if idle and not graph.opaque:
        yield f"Not called in evaluation, and left out: {', '.join(sorted(idle))}"
    opaque = graph.opaque
    if opaque:
        of = len(graph.steps)
        yield f"{len(opaque)} of {of} steps {'is' if len(opaque) == 1 else 'are'} opaque:"
        reasons: dict[str, int] = {}
        for step in opaque:
            reason = f"{step.arguments['class']}: {step.reason}"
            reasons[reason] = reasons.get(reason, 0) + 1
        yield from (f"  {count} × {reason}" for reason, count in reasons.items())


@contextmanager
def _evaluated(module: Any) -> Iterator[None]:
    """The module in evaluation, and afterwards as it was."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True


Run = dict[str, tuple[tuple[int, ...], Any]]
"""The sizes and the type of number of what a module reads, by the names of its parameters."""


def _tensors(module: Any, input: Any, example: Any) -> list[Run]:
    """The sizes and types of what the module reads in each run, by the names of its parameters."""
    import torch

    names = list(inspect.signature(module.forward).parameters)
    if example is not None:
        given = example if isinstance(example, Mapping) else example if isinstance(example, tuple | list) else [example]
        pairs = given.items() if isinstance(given, Mapping) else zip(_enough(names, given), given, strict=False)
        return [{str(name): ((BATCH, *each.shape[1:]), each.dtype) for name, each in pairs}]
    if input is None:
        raise NotImported(
            "the shape of the input is needed", help="give it: `--input 224x224x3`, or input=(224, 224, 3)"
        )
    shapes = dict(input) if isinstance(input, Mapping) else {(_enough(names, [input]) or ["x"])[0]: input}
    unknown = [name for name in shapes if name not in names and "args" not in names and "kwargs" not in names]
    if unknown:
        raise NotImported(f"`forward` has no parameter `{unknown[0]}`", help=f"it has: {', '.join(names) or 'none'}")
    found = []
    for more in (0, 1):
        run: Run = {}
        for name, shape in shapes.items():
            *spatial, channels = (int(n) for n in shape)
            longer = [n + more * (FARTHER[i] if i < len(FARTHER) else 0) for i, n in enumerate(spatial)]
            run[name] = ((BATCH, channels, *longer), torch.get_default_dtype())
        found.append(run)
    return found


def _enough(names: Sequence[str], given: Sequence[Any]) -> list[str]:
    """Names for inputs, by their places."""
    return [names[i] if i < len(names) else f"x{i}" for i in range(len(given))]


def _traces(module: Any, runs: Sequence[Run], state: Mapping[str, Any]) -> list[Any]:
    """What the module did in each run. The first must succeed, without values or else with them; the second may fail.

    The user's own code runs here, and may raise anything.
    """
    import torch

    from planner.inputs.torch_module import traced

    def run(sizes: Run, device: str) -> Any:
        tensors = {name: torch.zeros(*each, dtype=dtype, device=device) for name, (each, dtype) in sizes.items()}
        own = state if device == "meta" else {**dict(module.named_parameters()), **dict(module.named_buffers())}
        return traced(module, tensors, own)

    device = "meta"
    try:
        first = run(runs[0], device)
    except Exception:  # noqa: BLE001
        device = "cpu"
        try:
            first = run(runs[0], device)
        except Exception as error:
            shown = ", ".join(f"({', '.join(map(str, each))})" for each, _ in runs[0].values())
            message = f"`{type(module).__name__}` fails on {shown}"
            raise NotImported(message, said(error), "give a shape that it reads, by `--input`") from error
    traces = [first]
    for farther in runs[1:]:
        try:
            second = run(farther, device)
        except Exception:  # noqa: BLE001
            break
        if [each.name for each in second.events] == [each.name for each in first.events]:
            traces.append(second)
    return traces
