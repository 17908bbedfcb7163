"""The largest batch that fits, and the blocks worth checkpointing, for the terminal."""

from __future__ import annotations

from planner.outputs import Format
from planner.outputs._columns import GAP, Column, lines_of, widths_in
from planner.outputs._screen import Screen, printable, wrapped
from planner.outputs.plan.table import amount, memory
from planner.outputs.train.table import totals_said
from planner.training.fitting import LARGEST, Saving
from planner.training.memory import Training

FORMAT = Format("txt", for_people=True)


def render(training: Training, batch: int, limit: int, savings: list[Saving], screen: Screen) -> str:
    """A sentence on the batch, the peak there, and a table of blocks."""
    what = f"batch {batch:,} fits" if batch else "not even a batch of 1 fits"
    more = ", and perhaps a larger one, which is not tried" if batch == LARGEST else ""
    lines = [*wrapped(f"{what} into {memory(limit)}{more}", screen.width), ""]
    for text in totals_said(training):
        lines += [GAP + line for line in wrapped(text, screen.width - len(GAP))]
    worth = [each for each in savings if each.saved > 0]
    if worth:
        lines += ["", GAP + f"what checkpointing a block would do at batch {training.batch:,}:", ""]
        table = [
            Column("block", [printable(each.group.name) for each in worth], least=8),
            Column("type", [printable(each.group.type) for each in worth], least=6),
            Column("saved", [memory(each.saved) for each in worth], right=True),
            Column("MACs again", [amount(each.macs, True) for each in worth], right=True),
        ]
        widths = widths_in(table, screen.width - len(GAP))
        texts = [[column.title for column in table], *zip(*(column.texts for column in table), strict=True)]
        for i, row in enumerate(texts):
            for cells in lines_of(row, table, widths):
                line = GAP + GAP.join(cells).rstrip()
                lines.append(screen.paint(line, "dim") if not i else line)
    return "".join(f"{line}\n" for line in lines)
