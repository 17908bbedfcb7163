"""Runs of a module of PyTorch on tensors of several sizes, and on several numbers of samples.

The user's own code runs here, and may raise anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import torch

from planner.faults.not_imported import NotImported
from planner.inputs._following import Longer
from planner.inputs._given import BATCH, FARTHER, STILL_FARTHER, GivenRun, Inputs, longer_than
from planner.inputs._instead import OF_TYPES, with_channels_last, with_whole_numbers
from planner.inputs._naming import aside, said
from planner.inputs._open import OpenAxes, Outline, open_axes
from planner.inputs._recording import Recording, Recordings, TensorValue, each_of
from planner.inputs.torch_module import traced, without_values

LARGER = 400
"""How many cells longer axes are at most where values are worked out, too."""
OTHERWISE = 5
"""Samples in further runs, which tell the numbers that follow from how many there are."""


class Runner:
    """Runs a module: without values, or else with them."""

    def __init__(self, module: Any, inputs: Inputs) -> None:
        self.module, self.inputs = module, inputs
        self.whole: tuple[str, ...] = ()
        self.state: Mapping[str, torch.Tensor] = {}
        self.device = "meta"

    def recordings(self) -> Recordings:
        """What the module did in each run. The first must succeed; others may fail."""
        first = self.first
        first.varied = self._axes.varied
        return Recordings(
            traces=[first, *self._like_the_first(FARTHER[:1])],
            others=lambda: self._like_the_first(FARTHER[1:]),
            alone=lambda: [self.first, self._twin],
            elsewhere=self._elsewhere,
            computes_the_same=self._computes_the_same,
            apart_for_one=self._apart_for_one,
            at=self._at,
        )

    def run(self, sizes: GivenRun, samples: int = OTHERWISE) -> Recording:
        tensors = {
            name: torch.zeros(samples, *each[1:], dtype=dtype, device=self.device)
            for name, (each, dtype) in sizes.items()
        }
        with aside():
            return traced(self.module, tensors, self.state, by_name=self.inputs.by_name)

    @cached_property
    def first(self) -> Recording:
        """The run at the size that is meant."""
        meant = self.inputs.meant
        try:
            return self._first_of(meant)
        except (Exception, SystemExit) as error:
            for inputs, whole in with_whole_numbers(self.inputs, error):
                with suppress(Exception, SystemExit):
                    self._with_values(inputs.meant)  # without, PyTorch takes numbers of any type for some functions
                    found = self._first_of(inputs.meant)
                    self.inputs, self.whole = inputs, whole
                    return found
            shown = ", ".join(f"({', '.join(map(str, each))})" for each, _ in meant.values())
            message = f"`{type(self.module).__name__}` fails on {shown}"
            turned = with_channels_last(self.inputs)
            if turned is not None and self._outline_of(turned[0]) is not None:
                raise NotImported(message, said(error), f"write the channels last: `{turned[1]}`") from error
            raise NotImported(message, said(error), _help(error)) from error

    def _first_of(self, run: GivenRun) -> Recording:
        """What the module does in a run: without values, or else with them."""
        self.device, self.state = "meta", without_values(self.module)
        with suppress(Exception, SystemExit):
            return self.run(run, BATCH)
        return self._with_values(run)

    def _with_values(self, run: GivenRun) -> Recording:
        self.device = "cpu"
        self.state = {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}
        return self.run(run, BATCH)

    @cached_property
    def _axes(self) -> OpenAxes:
        """The axes of the inputs that have other sizes in further runs."""
        if self.inputs.varied is not None:
            return OpenAxes(self.inputs.varied)
        return open_axes(self.inputs.meant, self.first.outline, self._outline_of)

    def _outline_of(self, run: GivenRun) -> Outline | None:
        with suppress(Exception, SystemExit):
            return self.run(run).outline
        return None

    def notes(self) -> Iterator[str]:
        """What is said of the inputs: where they hold whole numbers, and where the module goes along them by steps."""
        if self.whole:
            yield f"It reads whole numbers: {', '.join(self.whole)}"
        for name, i in self._axes.unrolled:
            n = self.inputs.meant[name][0][i + 1]
            yield f"It goes step by step over dimension {i + 1} of `{name}`: this is what it does for {n:,} of them."

    def _farther(self, longer: Longer) -> GivenRun | None:
        """The run on larger inputs than those that are meant; none where no axis is open."""
        if not any(at is not None for own in self._axes.varied.values() for at in own) and self.inputs.varied is None:
            return None
        return longer_than(self.inputs.meant, self._axes.varied, self._axes.within(longer))

    @cached_property
    def _twin(self) -> Recording:
        """The recording for another number of samples. Raises NotImported where the module does something else then."""
        label, found = "", None
        try:
            found = self.run(self.inputs.meant)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            label = said(error)
        if found is None or found.outline != self.first.outline:
            message = f"`{type(self.module).__name__}` does something else for {OTHERWISE} samples than for {BATCH}"
            help = "it must do the same for each: without a loop over samples, or a condition on their number"
            raise NotImported(message, label or _apart(self.first, found), help)
        return found

    def _apart_for_one(self) -> bool:
        """Whether the module does something else for a single sample, fails for it, or gives tensors of another number
        of dimensions. It is not run where it neither looks at sizes nor leaves out dimensions of one cell.
        """
        if not (self.first.sized or any(each.name == "squeeze" for each in self.first.events)):
            return False
        try:
            found = self.run(self.inputs.meant, 1)
        except (Exception, SystemExit):  # noqa: BLE001
            return True
        ranks = [[len(value.sizes) for value in each_of(TensorValue, run.result)] for run in (self.first, found)]
        return found.outline != self.first.outline or ranks[0] != ranks[1]

    def _like_the_first(self, longer: Sequence[Longer]) -> Iterator[Recording]:
        """Those runs on larger inputs in which the module does the same as in the first."""
        for run in filter(None, map(self._farther, longer)):
            with suppress(Exception, SystemExit):
                found = self.run(run)
                if found.outline == self.first.outline:
                    yield found
                else:
                    self.first.elsewhere = True

    def _at(self, first: Recording, longer: Sequence[Longer]) -> Iterator[Recording]:
        """Runs on larger inputs than one has, or on smaller ones, in which the module does the same as there."""
        for each in longer:
            own = {name: (value.sizes, self.inputs.meant[name][1]) for name, value in first.inputs.items()}
            run = longer_than(own, self._axes.varied, each)
            if run and (self.device == "meta" or max(each) <= LARGER):
                with suppress(Exception, SystemExit):
                    found = self.run(run)
                    if found.outline == first.outline:
                        yield found
                    elif first is self.first:
                        first.elsewhere = True

    def _elsewhere(self) -> Iterator[Recording]:
        """The runs at all other sizes."""
        for i, run in enumerate(filter(None, map(self._farther, (*STILL_FARTHER, *FARTHER)))):
            with suppress(Exception, SystemExit):
                found = self.run(run, OTHERWISE if i % 2 else BATCH)
                found.varied = self._axes.varied
                yield found

    def _computes_the_same(self, text: str, recording: Recording) -> bool:
        from planner.inputs._comparing import computes_the_same

        try:
            return computes_the_same(self.module, text, recording, by_name=self.inputs.by_name)
        except (Exception, SystemExit):  # noqa: BLE001
            return False


def _help(error: BaseException) -> str:
    """What to do about an error in a module's forward pass."""
    if isinstance(error, NotImplementedError):
        return "correct the code: it must run in Python"
    if any(each in str(error) for each in OF_TYPES):
        return "give numbers of the type that it reads, in Python: example=torch.zeros(1, 128, dtype=torch.long)"
    return "give a shape that it reads, by `--input`"


def _apart(first: Recording, other: Recording | None) -> str:
    """Where two recordings part, in words."""
    outlines = [[] if each is None else each.outline for each in (first, other)]
    at = next((i for i, (a, b) in enumerate(zip(*outlines, strict=False)) if a != b), min(map(len, outlines)))
    names = [each[at][1] or f"torch's {each[at][0].strip('_')}" if at < len(each) else "nothing" for each in outlines]
    return f"its call {at + 1:,} is `{names[0]}`, and `{names[1]}` for {OTHERWISE}"
