"""A checkpoint beside a plan: which entries of its `state_dict` agree in names and sizes, and what differs.

First the entries are put beside each other:

    choosing   which mapping of the checkpoint is meant
    affixes    what the names in it begin with
    entries    what becomes of each entry
    fusing     which stand one above another in one of the other side
    renaming   which entries are the same by other names
    sequences  two sequences of modules beside each other, for renaming

Then what differs is said, each difference in a sentence with its place (`sentences`):

    naming     other names
    joints     what is one on one side and several on the other
    sizes      other sizes; by `roles`, what the axes of an entry are
    absent     what only one side has, with `parametrized`: what stands there in parts, `folded`: norms in layers, and
               `lora`: low-rank changes
    notes      what is no difference, and good to know
    advice     options with which more agrees; each has been tried

    names      names as a tree, and several of them in a sentence, for all of these
    plain      all of it in plain values

A new kind of difference is a file that says it, and its place in `WeightsMatch.differences`. Sentences may be improved;
the keys of `plain` are promises.

No number of a tensor is known here, so that what agrees may still be of another training, or of another network that
has the same names and sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from planner.checkpoints import Checkpoint
from planner.loading.absent import absences
from planner.loading.advice import Advice, Options, advised
from planner.loading.choosing import TakenSection, chosen
from planner.loading.entries import StateMatch, compared
from planner.loading.fusing import Joint
from planner.loading.joints import joinings
from planner.loading.naming import namings
from planner.loading.notes import notes
from planner.loading.plain import plain
from planner.loading.sentences import Difference
from planner.loading.sizes import resizings
from planner.plan import Plan
from planner.report import Report

__all__ = ["Advice", "Difference", "Joint", "Options", "StateMatch", "WeightsMatch"]


@dataclass(frozen=True)
class WeightsMatch:
    """A checkpoint beside a model. What is said in words has the place in the file that it is about.

    key     the key by which the weights stand, where one was given
    replan  plans the model with other options, for advice
    scales  the scales that a model file of Ultralytics has
    written  whether the model file is there to be read; the text of an imported network is nobody's
    """

    report: Report
    checkpoint: Checkpoint
    key: str | None = None
    replan: Callable[[Options], Plan | None] | None = None
    scales: Sequence[str] = ()
    written: bool = True

    @cached_property
    def chosen(self) -> TakenSection:
        """Which mapping of the checkpoint is compared. Raises UnreadableCheckpoint where there is none."""
        return chosen(self.checkpoint, StateMatch.sizes_in(self.report.plan), self.key)

    @cached_property
    def entries(self) -> StateMatch:
        """What becomes of each entry."""
        return compared(self.report.plan, self.chosen.section, self.chosen.affix, in_order=self.checkpoint.in_order)

    @property
    def agrees(self) -> bool:
        """Whether all names and sizes agree, so that `load_state_dict` takes the checkpoint as it is."""
        return self.entries.agree

    @cached_property
    def differences(self) -> list[Difference]:
        """What differs, in sentences."""
        found = self.report, self.entries
        return [*namings(*found), *joinings(*found), *resizings(*found), *absences(*found)]

    @cached_property
    def notes(self) -> list[str]:
        """What is no difference, and good to know, in sentences."""
        return list(notes(self.report, self.checkpoint, self.chosen, self.entries))

    @cached_property
    def advice(self) -> Advice | None:
        """Options with which more entries agree; None where none was found."""
        if self.replan is None or self.agrees:
            return None
        return advised(self.report, self.entries, self.replan, self.scales)

    def to_dict(self) -> dict[str, Any]:
        """The checkpoint beside the plan, in plain values."""
        return plain(self)

    @property
    def renaming(self) -> Mapping[str, str]:
        """The file's names by the checkpoint's, of all entries that are known to be the same."""
        return self.entries.renaming

    @property
    def joints(self) -> Sequence[Joint]:
        """The entries of one side that are several entries on the other, which no change of names can mend."""
        return self.entries.joints
