"""Norms that a checkpoint has folded into the layers before them, as a network for inference is stored."""

from __future__ import annotations

from collections.abc import Iterator

from planner.checkpoints import SavedTensor
from planner.comparison.state import entries_of
from planner.loading.entries import StateMatch
from planner.loading.names import entries, said
from planner.loading.sentences import Difference, place_of_step
from planner.plan import Step
from planner.report import Report
from planner.words import counted, named


def folded(report: Report, found: StateMatch) -> Iterator[Difference]:
    """Norms with statistics that are missing as a whole, where the layer before has a bias in the checkpoint alone."""
    missing = {each.name for each in found.missing}
    pairs: list[tuple[Step, SavedTensor]] = []
    for step in report.plan.steps:
        if "running_mean" in step.state and all(each.name in missing for each in entries_of(step).values()):
            before = report.plan.steps[step.sources[0].step]
            bias = found.unexpected.get(f"{before.name}.bias")
            if bias is not None and bias.sizes == step.state["running_mean"]:
                pairs.append((step, bias))
    if pairs:
        norms = [step.name for step, _ in pairs]
        gone = [each.name for step, _ in pairs for each in entries_of(step).values()]
        who = f"{named(norms)} is" if len(norms) == 1 else f"{counted(len(norms), 'norm')} ({said(norms)}) are"
        where = "the layer before it, which has" if len(norms) == 1 else "the layers before them, which have"
        which = "this norm and with this bias" if len(norms) == 1 else "these norms and with these biases"
        text = f"{who} folded into {where} a `bias` in the checkpoint: {entries(len(gone))} are missing"
        text = f"{text}; a network without {which} takes it, for inference"
        yield Difference(
            "folded", text, tuple(gone), tuple(bias.name for _, bias in pairs), place_of_step(report, pairs[0][0])
        )
