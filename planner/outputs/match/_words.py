"""A match in words that all formats share: the head, the counts, signs of differences, and the advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.loading import Advice, Difference, WeightsMatch
from planner.outputs._screen import printable
from planner.words import counted, joined, share

MOST = 60
"""Differences that are shown; JSON has all."""
SIGNS: Mapping[str, str] = {
    "missing": "-", "tied": "-", "unexpected": "+", "shared": "+", "lora": "+",
    "prefix": "→", "renamed": "→", "joined": "→", "split": "→", "ambiguous": "?", "unknown": "?",
}  # fmt: skip
"""The sign of a kind of difference; `~` for other sizes."""


def sign(each: Difference) -> str:
    """Whether something is missing, in the checkpoint alone, has another name, or other sizes."""
    if each.kind in ("copies", "buffers"):
        return "+" if each.checkpoint else "-"
    return SIGNS.get(each.kind, "~")


def title(match: WeightsMatch) -> str:
    """The two files."""
    file = match.report.source.file or match.report.plan.model.name
    return f"{printable(file)} ← {printable(match.checkpoint.file)} ({match.checkpoint.format})"


def counts(match: WeightsMatch) -> str:
    """How many entries agree, and what becomes of the others, in a sentence."""
    found = match.entries
    if match.agrees:
        return f"all {counted(len(found.expected), 'entry')} of the `state_dict` agree in names and sizes"
    others = [
        f"{count:,} {what}"
        for count, what in (
            (len(found.resized), "with other sizes"),
            (len(found.renamed), "with other names"),
            (sum(len(each.file) for each in found.joints), "put together otherwise"),
            (len(found.missing), "missing"),
        )
        if count
    ]
    more = len(found.unexpected) + len(found.outside)
    rest = f": {joined(others)}" if others else ""
    alone = f"; {more:,} in the checkpoint alone" if more else ""
    once = ", once the prefix is changed" if found.affix else ""
    said = share(len(found.agreeing), len(found.expected), "entry")
    return f"{said} {'agrees' if len(found.agreeing) == 1 else 'agree'} in name and sizes{once}{rest}{alone}"


def advice(found: Advice, match: WeightsMatch) -> str:
    """What the options that were tried come to."""
    options = printable(" ".join(found.options))
    once = ["the names are changed"] * bool(match.entries.affix or match.entries.renamed)
    once += ["what stands in one is taken apart or put together"] * bool(match.entries.joints)
    renamed = f", once {joined(once)}" if once else ""
    if found.fits:
        return f"with `{options}` all {counted(found.of, 'entry')} agree{renamed}"
    return f"with `{options}` {share(found.after, found.of, 'entry')} agree in place of {found.before:,}{renamed}"


def recipe(match: WeightsMatch) -> str | None:
    """How what stands otherwise, in one or in parts is put right, for the first of it; None where there is nothing."""
    lines = [*(each.torch for each in match.entries.turns), *(each.torch for each in match.joints if each.fits)]
    if not lines:
        return None
    more = f", and {len(lines) - 1:,} more such lines, which `--format json` has" if len(lines) > 1 else ""
    return printable(f"no map of names says this, but `{lines[0]}`{more}")


def helps(match: WeightsMatch) -> list[str]:
    """What may help: a line of Python, and options that were tried."""
    found = [advice(match.advice, match)] if match.advice is not None else []
    return found if (line := recipe(match)) is None else [*found, line]


def where(match: WeightsMatch, each: Difference) -> str:
    """A place as editors take it: `net.yaml:12:5`; of a network that is imported, the layer or the block."""
    if each.place is None or each.at is None:
        return ""
    file = printable(match.report.file(each.place) or "model")
    return (
        f"{file}:{each.place.line}:{each.place.column}" if match.written else f"{file}, `{printable(each.at.module)}`"
    )


def shown(match: WeightsMatch) -> Iterator[Difference]:
    """The differences that are shown one by one."""
    yield from match.differences[:MOST]


def rest(match: WeightsMatch) -> str:
    more = len(match.differences) - MOST
    return f"and {counted(more, 'more difference')}: `--format json` has all" if more > 0 else ""
