"""Plans the shapes of neural networks from model files, and says what they silently lose.

import planner
report = planner.check("model.yaml")
report.ok, report.to_dict()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from planner.budget import DType
    from planner.loading import WeightsMatch
    from planner.outputs.code.torch.program import Style
    from planner.points import SweepRow
    from planner.report import Report
    from planner.sweeping import PointPlanner
    from planner.workbench import Checked

__version__ = "0.1.0"
__all__ = ["build", "check", "import_model", "match", "point_planner", "sweep", "torch_code"]


def check(
    source: str | PathLike[str] | Mapping[str, Any] | torch.nn.Module | torch.export.ExportedProgram,
    *,
    input: Any = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    scale: str | None = None,
    budget: Mapping[str, Any] | None = None,
    targets: Sequence[str] = (),
) -> Checked:
    """Plan and judge a model; a bad model file never raises, its report carries the faults.

    source  a path to a model file, or the parsed file as a mapping; or a network that `import_model` takes. Where no
            model file can be made of that, `planner.diagnostics.Fault` is raised
    input   replaces the file's input: a shape `(H, W, C)`, or shapes by the names of the inputs
    params  replaces parameters of the model by name
    batch, dtype  what memory is counted for
    scale   of an Ultralytics model file, which may stand in place of a model file: `n`; by default as its name says
    budget  replaces limits of the file's budget: `{"params": "5M"}`
    targets  replaces what the file is to run on: `["onnx-opset=17"]`
    """
    from planner.faults.not_imported import NotImported
    from planner.inputs import is_source
    from planner.inputs.ultralytics import taken
    from planner.workbench import Workbench

    source = fspath(source) if isinstance(source, PathLike) else source
    about: dict[str, Any] = {"batch": batch, "dtype": dtype, "budget": budget, "targets": targets}
    if not isinstance(source, Mapping) and (not isinstance(source, str) or is_source(source)):
        name = source if isinstance(source, str) else type(source).__name__
        if scale is not None:
            help = "leave it out: only a model file of Ultralytics has scales"
            raise NotImported(f"`{name}` has no scale `{scale}`", help=help)
        text = import_model(source, input=input)
        return Workbench.on_text(text, name, params=params, **about).report
    return taken(Workbench.on(source, input=input, params=params, **about), scale).report


def import_model(
    network: str | torch.nn.Module | torch.export.ExportedProgram,
    *,
    input: Any = None,
    example: Any = None,
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """The text of a model file for a network of PyTorch, ONNX or Keras. Raises `planner.diagnostics.Fault`, which says
    why, where there is none.

    network    a module; or `net.py:Net`, `package.module:build`: a class or function that gives one, which is run. Or
               a program of torch.export, or a file, `net.pt2`, `net.onnx` or `net.keras`, of which nothing is run
    input      the shape of what it reads, channels last and without the batch, as (224, 224, 3), which the module gets
               as (N, 3, 224, 224); several by the names of the parameters of `forward`
    example    tensors in place of a shape, of any layout and type, the batch first
    arguments  what the class or the function is called with
    """
    from planner.inputs import imported

    return imported(network, input=input, example=example, arguments=arguments)


def match(
    source: str | PathLike[str] | Mapping[str, Any] | torch.nn.Module | torch.export.ExportedProgram,
    weights: str | PathLike[str],
    *,
    key: str | None = None,
    input: Any = None,
    params: Mapping[str, Any] | None = None,
    scale: str | None = None,
) -> WeightsMatch:
    """A file of weights beside a model: `agrees`, and `differences` in sentences. Of the weights only names, sizes and
    types of numbers are read, and nothing in the file is run.

    source, input, params, scale  as for `check`
    weights  a file of safetensors or an index of several, of torch.save, NumPy or ONNX, or sizes by names in JSON.
             Raises `planner.diagnostics.Fault` where it cannot be read, or would run code
    key      the key by which the weights stand in the file, as `state_dict`; by default the one that agrees best
    """
    from planner.checkpoints import read
    from planner.inputs.matching import matched

    return matched(check(source, input=input, params=params, scale=scale), read(weights), key)


def torch_code(
    report: Report, *, style: Style = "auto", asserts: bool = False, init: bool = False, main: bool = False
) -> str:
    """A model as PyTorch code. Raises `planner.diagnostics.Fault`, which says why, where no code can be written.

    style    `sequential`: nothing but nn.Sequential; `module`: classes with a forward pass; `auto`: what is simplest
    asserts  the forward pass checks its shapes, and that no sum repeats an operand
    init     weights are initialized for ReLU
    main     run by itself, the code prints the model, its number of parameters and its output's shape
    """
    from planner.outputs.code.torch import render

    return render(report, style=style, asserts=asserts, init=init, main=main)


def build(
    source: str | PathLike[str] | Mapping[str, Any],
    *,
    input: Any = None,
    params: Mapping[str, Any] | None = None,
    style: Style = "auto",
    scale: str | None = None,
) -> Any:
    """A model as an nn.Module, constructed by its code in a module of its own. It needs torch.

    The arguments are those of `check`, and `style` that of `torch_code`. Raises `planner.diagnostics.Fault`, which says
    why, where there is no such module, or it would have a class that the file names.
    """
    from planner.outputs.code.torch import emitted
    from planner.outputs.code.torch.building import module_of, must_be_known

    report = check(source, input=input, params=params, scale=scale)
    found = emitted(report, style=style)
    must_be_known(report.plan)
    return getattr(module_of(found.text), found.name)()


def sweep(
    source: str | PathLike[str] | Mapping[str, Any] | torch.nn.Module,
    *,
    params: Mapping[str, Any] | None = None,
    input: Any = None,
    batch: int = 1,
    dtype: DType = "float32",
    scale: str | None = None,
    kept: bool = False,
    jobs: int | None = 1,
    dask: str | None = None,
    results: str | PathLike[str] | None = None,
) -> Iterator[SweepRow]:
    """A row for every combination of parameters and inputs, in order, each as it is planned; what cannot be planned is
    a row with an `error`.

    params   for each parameter a range, a list of values, or one value
    input    sizes for all spatial axes, as a range or a list, or a list of shapes; by the names of several inputs
    kept     whether rows say what training keeps for backward, which takes longer
    jobs     processes; None for one on each core
    dask     the address of a Dask cluster, whose workers plan instead
    results  a file that keeps the rows: the same sweep goes on there if it was stopped

    `source`, `batch`, `dtype` and `scale` are those of `check`. Raises `planner.diagnostics.Fault` for a file that
    cannot be read, and `planner.sweeping.Unasked` for a parameter or an input that the model does not have.
    """
    from planner.sweeping import question_of, swept

    question = question_of(source, params, input, batch=batch, dtype=dtype, scale=scale, kept=kept)
    return swept(question, jobs=jobs, dask=dask, results=results)


def point_planner(
    source: str | PathLike[str] | Mapping[str, Any],
    *,
    batch: int = 1,
    dtype: DType = "float32",
    scale: str | None = None,
    kept: bool = False,
) -> PointPlanner:
    """Plans a model at one point after another, `.at(params={"width": 64}, input=224)`, for a search that chooses them:
    each call gives a row of `sweep`, and shares with the calls before what has been worked out.
    """
    from planner.sweeping import PointPlanner, question_of

    return PointPlanner(question_of(source, batch=batch, dtype=dtype, scale=scale, kept=kept))
