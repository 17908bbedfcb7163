"""The planner as tools for agents, over the Model Context Protocol: what the commands answer, in few words.

A tool says no more than what was asked for: of a plan its outer blocks, of findings the first ones with their fixes, of
sizes the words without the chart; each says how to ask for the rest. Only `import` runs code that somebody names, and
only `fix` writes, where it is told to.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from planner import __version__
from planner.diagnostics import Fault
from planner.outputs import renderer
from planner.outputs._screen import Screen, printable
from planner.server._brief import MOST_FINDINGS, fixes_in_text, numbered, summary, told
from planner.workbench import Checked

INSTRUCTIONS = """\
Plans neural networks from YAML model files without running them: exact shapes, parameters, MACs, what strides silently
lose, which input sizes work. Shapes are channels last without the batch (224x224x3 is [224, 224, 3]). A model file:

input: [32, 32, 3]
params: {classes: 10}
layers:
  - {name: conv1, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}   # torch's names and defaults
  - {type: double, width: 32}                                                    # a block of this file
  - {type: AdaptiveAvgPool2d, output_size: 1}
  - {type: Flatten}
  - {type: Linear, out_features: $classes}                                       # in_features follows
blocks:
  double:
    params: {width: }
    layers:
      - {name: a, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1, from: input}
      - {name: b, type: Conv2d, out_channels: $width, kernel_size: 1, from: input}
      - {type: Add, from: [a, b]}

`explain` has the page of every layer (Conv2d), finding (NSP321) and library of blocks (residual)."""

SCREEN = Screen(width=110)
MOST_LINES = 120
"""Lines of a table."""

ModelArgument = Annotated[
    str,
    Field(
        description="Path of a model file, of a YAML of Ultralytics, or of net.onnx, net.pt2, net.keras; or, with line "
        "breaks in it, the text of a model file itself."
    ),
]
InputArgument = Annotated[
    list[int] | dict[str, list[int]] | None,
    Field(description="Shape in place of the file's input, channels last: [320, 320, 3]; or shapes by input names."),
]
ParamsArgument = Annotated[dict[str, Any] | None, Field(description="Values in place of those of the file's `params`.")]

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)
RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)


def check(
    model: ModelArgument,
    input: InputArgument = None,
    params: ParamsArgument = None,
    infos: Annotated[bool, Field(description="Whether remarks, harmless in most networks, are told in full.")] = False,
    most: Annotated[int, Field(ge=1, description="Findings that are told in full.")] = MOST_FINDINGS,
) -> str:
    """Judge a model: what is wrong, where, with the numbers, and which fixes were tried and work.

    The first line has the output's shape, parameters and MACs. Findings and their fixes are numbered for `fix`.
    """
    return told(_report(model, input, params), infos=infos, most=most)


def plan(
    model: ModelArgument,
    input: InputArgument = None,
    params: ParamsArgument = None,
    depth: Annotated[int, Field(ge=0, description="Levels of blocks that are opened; 0 opens all.")] = 1,
    step: Annotated[str | None, Field(description="A step's full name, such as layer1.0.conv1: all about it.")] = None,
) -> str:
    """A model's steps with output shapes, parameters and MACs, folded to its outer blocks; or one step in full."""
    report = _report(model, input, params)
    if step is not None:
        return _step(report, step)
    if not any(report.plan.layers):
        return told(report)
    lines = renderer("plan", "table")(report, SCREEN, depth or None).splitlines()
    if len(lines) > MOST_LINES:
        left_out = len(lines) - MOST_LINES
        lines = [*lines[:MOST_LINES], f"… {left_out} more lines; ask for a smaller `depth`, or for a `step`"]
    return "\n".join([*lines, "", summary(report)])


def sizes(model: ModelArgument, params: ParamsArgument = None, input: InputArgument = None) -> str:
    """The input sizes with which a model works, loses no cell at an edge (lossless), leaves nothing over (exact).

    The answer holds for every size; it names the next good sizes and the layers that ask for them.
    """
    from planner.analyses.input_sizes import axes_of, input_sizes

    report = _report(model, input, params)
    if report.plan.model.diagnostics or (not report.builds and not axes_of(report.plan.model)):
        return told(report)
    text: str = renderer("sizes", "text")(list(input_sizes(report.plan.model)), SCREEN, 1, 0)
    return text.rstrip()


def fix(
    model: ModelArgument,
    finding: Annotated[int | None, Field(ge=1, description="The number of a finding, as `check` has it.")] = None,
    number: Annotated[int, Field(ge=1, description="Which of that finding's fixes.")] = 1,
    unsafe: Annotated[bool, Field(description="Without a finding: take fixes that are not safe, too.")] = False,
    write: Annotated[bool, Field(description="Whether to write the file; else what would change is shown.")] = False,
    input: InputArgument = None,
    params: ParamsArgument = None,
) -> str:
    """Mend a model: one fix of one finding or, without a number, the first safe fix of every error and warning.

    Answers with a diff; the file is written only where `write` is true. Safe fixes keep shapes, weights and content.
    """
    from planner.outputs.check._diff import diff

    report = _report(model, input, params)
    if report.source.format:
        raise ToolError(f"the file is {report.source.format}, and fixes are made in model files alone")
    if write and (report.source.file is None or not report.source.text):
        raise ToolError("only a model file can be written; without `write`, the answer shows what would change")
    if finding is None:
        mended = report.bench.mended(unsafe=unsafe)
        source, made = mended.report.source, mended.made
        if not made:
            return "no safe fix" + ("" if unsafe else "; `unsafe`, or the number of a finding, takes others")
    else:
        source, made = _with_one(report, finding, number)
    if write:
        _write(str(report.source.file), report.source.text, source.text)
    shown = diff(report.source, source, made, SCREEN, written=write)
    after = _report(str(report.source.file), input, params) if write else report.bench.judged(source)
    return f"{shown}afterwards: {summary(after)}"


def code(
    model: ModelArgument,
    input: InputArgument = None,
    params: ParamsArgument = None,
    asserts: Annotated[bool, Field(description="Whether the forward pass checks its shapes.")] = False,
) -> str:
    """A model as PyTorch code, an nn.Sequential or classes; names in its state_dict are those of the plan."""
    from planner import torch_code

    report = _report(model, input, params)
    if not report.builds:
        raise ToolError(f"there is no code for a model with errors\n{told(report)}")
    try:
        return torch_code(report, asserts=asserts)
    except Fault as fault:
        raise _said(fault) from None


def explain(
    name: Annotated[
        str | None,
        Field(description="NSP321, lost-cells, Conv2d, residual, bottleneck; without it, the list of all there is."),
    ] = None,
) -> str:
    """The manual's page on a finding, a layer with its arguments, a library of blocks or a block."""
    from planner import manual

    text = manual.contents(SCREEN) if name is None else manual.page(name, SCREEN)
    if text is None:
        near = manual.nearest(name or "") or "without a name, `explain` lists what there is"
        raise ToolError(f"there is no page on `{name}`; {near}")
    return text.rstrip()


def import_(
    network: Annotated[
        str,
        Field(description="net.py:Net or package.module:build, which RUNS that code; net.onnx, net.pt2 or net.keras."),
    ],
    input: InputArgument = None,
    arguments: Annotated[
        dict[str, Any] | None, Field(description="What the class or the function is called with.")
    ] = None,
) -> str:
    """The model file of a network of PyTorch, ONNX or Keras, as text: equal modules become blocks."""
    from planner.inputs import imported, is_source

    if not is_source(network):
        raise ToolError(f"`{network}` names no network to import; every tool takes a model file as it is")
    try:
        return imported(network, input=_shapes(input), arguments=arguments).rstrip()
    except Fault as fault:
        raise _said(fault) from None


def server() -> MCPServer:
    """The server with its tools; each is a function of this file."""
    found = MCPServer("shape-planner", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")
    kinds: tuple[tuple[ToolAnnotations, list[Callable[..., str]]], ...] = (
        (READS, [check, plan, sizes, explain, code]),
        (WRITES, [fix]),
        (RUNS, [import_]),
    )
    for does, tools in kinds:
        for tool in tools:
            name = tool.__name__.rstrip("_")
            found.add_tool(_answering(tool), name=name, annotations=does, structured_output=False)
    return found


# What tools share


def _answering(tool: Callable[..., str]) -> Callable[..., str]:
    """The tool, so that a failure of the planner itself is told as the command line tells it."""

    @wraps(tool)
    def answer(**given: Any) -> str:
        try:
            return tool(**given)
        except ToolError:
            raise
        except Exception as error:
            said = printable(f"{type(error).__name__}: {error}"[:500])
            raise ToolError(f"internal error: {said}; please report it with the model file") from error

    return answer


def _report(model: str, input: InputArgument, params: ParamsArgument) -> Checked:
    """The report on a model file, on its text, or on a network in a file of which nothing is run."""
    import planner
    from planner.inputs import FILES, is_source
    from planner.inputs.ultralytics import taken
    from planner.workbench import Workbench

    given = _shapes(input)
    if "\n" in model:
        return taken(Workbench.on_text(model, input=given, params=params)).report
    if is_source(model) and not model.endswith(tuple(FILES)):
        raise ToolError(f"`{model}` would be run; `import` does that, and gives the text of a model file")
    try:
        return planner.check(model, input=given, params=params)
    except Fault as fault:
        raise _said(fault) from None


def _shapes(input: InputArgument) -> Any:
    """Shapes as the planner takes them, tuples."""
    if isinstance(input, dict):
        return {name: tuple(shape) for name, shape in input.items()}
    return None if input is None else tuple(input)


def _said(fault: Fault) -> ToolError:
    return ToolError(f"{fault.headline}; {fault.help}" if fault.help else fault.headline)


def _step(report: Checked, name: str) -> str:
    """One step in plain values, on one line."""
    from planner.diagnostics import nearest
    from planner.outputs._dictionary import step_values

    number = report.plan.numbers.get(name)
    if number is None:
        names = [step.name for step in report.plan.steps]
        below = [each for each in names if each.startswith(f"{name}.")]
        near = below or nearest(name, names, most=3)
        listed = f"; there are {', '.join(near[:20])}{', …' if near[20:] else ''}" if near else ""
        raise ToolError(f"there is no step `{name}`{listed}")
    return json.dumps(step_values(report, number, report.plan.steps[number]), ensure_ascii=False)


def _with_one(report: Checked, finding: int, number: int) -> tuple[Any, tuple[Any, ...]]:
    """The source with one fix of one finding made, and both."""
    from planner.editing import rewritten

    findings = numbered(report)
    if finding > len(findings):
        raise ToolError(f"there is no finding {finding}; `check` numbers {len(findings)}")
    found = findings[finding - 1][0]
    fixes = fixes_in_text(report, found)
    if number > len(fixes):
        few = f"only {len(fixes)} fixes" if fixes else "no fix"
        help = f"; {found.help}" if found.help and not fixes else ""
        raise ToolError(f"finding {finding}, {found.headline}, has {few}{help}")
    return rewritten(report.source, fixes[number - 1].edits), ((found, fixes[number - 1]),)


def _write(file: str, old: str, new: str) -> None:
    from planner.writing import NotWritten, rewrite

    try:
        rewrite(file, old, new)
    except NotWritten as error:
        raise ToolError(f"{error}; {error.help}") from None
