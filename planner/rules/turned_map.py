from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import KEEP
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.plan import Plan, Step
    from planner.report import Report


class TurnedMap(Rule):
    """An `Embedding` looks up a map whose rows and columns a layer before it has exchanged: of the places H×W that an
    `ArgMin` over the channels finds, it makes W×H×C.

    Shapes have the channels last. Where a layer takes the channels away, the first spatial axis takes their place: the
    map of H×W×C becomes W×H, as PyTorch has N×H×W, where H stands second. An `Embedding` takes all axes as they stand
    in the shape.

    Why it matters: what follows sees every image turned over its diagonal. On a square map all sizes agree, and nothing
    fails: the decoder of a VQ-VAE learns a picture that is turned, and its loss compares it with one that is not.

    When to ignore it: when the map is meant to be turned.

    How to fix it: keep the axis of the channels, and take it away by its place in the shape: `keepdim: true`, and
    {type: Rearrange, pattern: "h w 1 -> h w"} behind it.
    """

    code = "NSP246"
    bad = """
        input: [32, 32, 64]
        layers:
          - {name: codes, type: ArgMin, dim: 1}
          - {type: Embedding, num_embeddings: 64, embedding_dim: 16}  # NSP246
        """
    good = """
        input: [32, 32, 64]
        layers:
          - {name: codes, type: ArgMin, dim: 1, keepdim: true}
          - {type: Rearrange, pattern: "h w 1 -> h w"}
          - {type: Embedding, num_embeddings: 64, embedding_dim: 16}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.layers:
            if step.layer is None or not step.weights or 0 not in step.layer.indices:
                continue
            turned = _turned_by(report.plan, step)
            if turned is not None:
                x = turned.inputs[0]
                letters = "h w" if len(x.spatial) == 2 else "d h w"
                yield cls.at(
                    step,
                    f"{step.type} looks up a map that is turned: its first axis has become the last",
                    label=f"`{turned.name}` takes the channels of {x} away and makes {turned.outputs[0]} of it",
                    help="keep the channels there as one cell (`keepdim: true`, or a Slice), and remove that axis "
                    f'after this layer: {{type: Rearrange, pattern: "{letters} 1 -> {letters}"}}',
                    key="type",
                )


def _turned_by(plan: Plan, step: Step) -> Step | None:
    """The step before, behind others that leave every cell where it is, that takes the channels of a map away, so that
    the map's first axis takes their place; None where there is none.
    """
    while True:
        ref = step.sources[0]
        step = plan.steps[ref.step]
        if step.is_input or not step.sources or ref.output:
            return None
        link, x, out = step.links[0][0], step.inputs[0], step.outputs[0]
        lands = (None, *range(len(x.spatial) - 1))
        if len(x.spatial) > 1 and link.landing == lands and link.channels != KEEP and out == x[:-1][1:] + x[:1]:
            return step
        if len(step.sources) != 1 or not link.keeps:
            return None
