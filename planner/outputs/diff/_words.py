"""A comparison in words that all formats share: totals, names, findings, and what still loads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from planner.comparison import BeforeAfter, Comparison, Port
from planner.comparison.state import StateEntry
from planner.diagnostics import Diagnostic, Severity
from planner.outputs._screen import printable
from planner.outputs.diff._rows import CopyNames, DiffRow, edited
from planner.outputs.plan.table import line_text, memory
from planner.report import Report
from planner.words import counted, more_percent, named, pattern, starred

MOST = 100
"""Rows of steps, or lines about other things, that are shown; JSON has all."""
MOST_NAMES = 2
"""Entries of a `state_dict` that are named one by one."""


class Total(NamedTuple):
    """A line of the table of totals."""

    title: str
    before: str
    after: str
    difference: str
    differs: bool


def count_text(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def more_text(value: int | None) -> str:
    """How many more or less: `+1,024`, `-3`; nothing where there are as many."""
    return "?" if value is None else f"{value:+,}" if value else ""


def more_memory(value: int | None) -> str:
    """How many bytes more or less: `+1.5 MiB`; nothing where there are as many."""
    return "?" if value is None else f"{'+' if value > 0 else '-'}{memory(abs(value))}" if value else ""


def _memory(value: int | None) -> str:
    return "?" if value is None else memory(value)


def _size(value: Sequence[int | None] | None) -> str:
    return "?" if not value else "×".join("?" if each is None else f"{each}" for each in value)


_TOTALS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("parameters", "params", count_text),
    ("MACs", "macs", count_text),
    ("activations", "activation_bytes", _memory),
    ("peak memory", "peak_bytes", _memory),
    ("kept for backward", "kept_bytes", _memory),
    ("steps", "steps", count_text),
    ("receptive field", "receptive_field", _size),
    ("cells never read", "unread_cells", count_text),
    ("MACs never read", "wasted_macs", count_text),
)


def totals(both: Comparison) -> Iterator[Total]:
    """Inputs and outputs, then sums: those that differ, and parameters and multiply-adds in any case."""
    kinds = Counter(each.kind for each in both.ports)
    for port in both.ports:
        note = "another step" if port.moved and None not in port.names else ""
        yield Total(_title(port, kinds[port.kind] == 1), *_shapes(port), note, port.differs)
    for title, name, text in _TOTALS:
        change = both.totals[name]
        if change.differs or name in ("params", "macs"):
            yield Total(title, text(change.before), text(change.after), _difference(name, change), change.differs)


def _title(port: Port, alone: bool) -> str:
    """`input`, `output`; with names where there are several, or where the file gives an input one."""
    names = [printable(name) for name in dict.fromkeys(filter(None, port.names))]
    return port.kind if alone and (port.kind == "output" or names == ["input"]) else f"{port.kind} {' → '.join(names)}"


def _shapes(port: Port) -> tuple[str, str]:
    was, now = (
        "–" if name is None else "not planned" if shape is None else str(shape)
        for name, shape in zip(port.names, port.shapes, strict=True)
    )
    return was, now


def _difference(name: str, change: BeforeAfter) -> str:
    was, now = change
    if isinstance(was, tuple) or was is None or now is None or was == now:
        return ""
    if name.endswith("bytes"):
        return f"{more_memory(now - was)}{more_percent(was, now)}"
    return f"{now - was:+,}{more_percent(was, now) if name in ('params', 'macs') else ''}"


def titles(both: Comparison) -> tuple[str, str]:
    """What the two models are called: by their files, with the names of the models where these differ alone."""
    found = [printable(report.source.file or report.plan.model.name) for report in both.sides]
    return found[0], found[1]


def incomplete(both: Comparison) -> Iterator[str]:
    """What could not be planned."""
    for report, which in zip(both.sides, ("before", "after"), strict=True):
        missing = sum(step.facts is None for step in report.plan.layers)
        if missing:
            yield f"{which}: {counted(missing, 'step')} of {sum(1 for _ in report.plan.layers):,} could not be planned"


def numbers(both: Comparison, rows: Sequence[DiffRow]) -> dict[str, list[str]]:
    """The columns of numbers by their titles: how much more or less each row has; what is kept for backward only where
    it is known of both models, and differs.
    """
    found = {"params": [more_text(row.params) for row in rows], "MACs": [more_text(row.macs) for row in rows]}
    kept = [more_memory(row.kept) for row in rows] if all(report.trained for report in both.sides) else []
    return found | ({"kept": kept} if any(kept) else {})


# Names


def renamings(both: Comparison) -> Iterator[tuple[str, str, int]]:
    """Steps that are the same by other names: the names before and after, and how many steps have them; those of which
    a part of the name is another, or counted otherwise, together.
    """
    found: dict[tuple[object, ...], list[_Renamed]] = {}
    for each in both.steps:
        if each.renamed and each.before and each.after:
            renamed = _renamed(each.before.name, each.after.name)
            found.setdefault(renamed.key, []).append(renamed)
    for names in found.values():
        yield _shown([each.was for each in names]), _shown([each.now for each in names]), len(names)


class _Renamed(NamedTuple):
    """A step by another name: the part that is another, and what follows on it; and what it has in common with others
    that were renamed alike.
    """

    was: tuple[str, str]
    now: tuple[str, str]
    key: tuple[object, ...]


def _renamed(was: str, now: str) -> _Renamed:
    ours, theirs = was.split("."), now.split(".")
    rest: list[str] = []
    while len(ours) > 1 and len(theirs) > 1 and ours[-1] == theirs[-1]:
        rest.insert(0, ours.pop())
        theirs.pop()
    heads, key = (".".join(ours), ".".join(theirs)), None
    ends = [re.fullmatch(r"(.*?)(\d*)", each[-1]) for each in (ours, theirs)]
    if ours[:-1] == theirs[:-1] and ends[0] and ends[1] and ends[0][1] == ends[1][1]:
        shift = int(ends[1][2] or 0) - int(ends[0][2] or 0)
        key = ("number", *ours[:-1], ends[0][1], shift)
    tail = ".".join(rest)
    return _Renamed((heads[0], tail), (heads[1], tail), key or heads)


def _shown(names: Sequence[tuple[str, str]]) -> str:
    """The names of steps as one: `stem`, `body.*`, `features.4 … features.30`."""
    heads = [*dict.fromkeys(head for head, _ in names)]
    tails = {tail for _, tail in names}
    text = heads[0] if len(heads) == 1 else f"{heads[0]} … {heads[-1]}"
    return printable(text + (f".{tails.pop()}" if len(tails) == 1 else ".*") if tails != {""} else text)


# Findings


class FindingText(NamedTuple):
    """Findings of a kind in copies of a step, in a line."""

    sign: str
    severity: Severity
    code: str
    text: str


def findings(both: Comparison) -> Iterator[FindingText]:
    """What is newly wrong, then what has other numbers, then what is mended; errors first, remarks in brief."""
    found = both.findings
    yield from _told("+", both.after, found.gained)
    changed = [now for _, now in found.changed if now.severity is not Severity.INFO]
    was = {id(now): was for was, now in found.changed}
    for each in changed:
        text = f"{_text(both.after, [each])}; was: {printable(was[id(each)].label or was[id(each)].headline)}"
        yield FindingText("~", each.severity, each.code, text)
    yield from _told("-", both.before, found.mended)


def _told(sign: str, report: Report, found: Iterable[Diagnostic]) -> Iterator[FindingText]:
    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    for each in found:
        remark = each.severity is Severity.INFO
        groups.setdefault((each.kind, None if remark else (each.path, each.message, each.label)), []).append(each)
    order = [*Severity]
    for alike in sorted(groups.values(), key=lambda each: order.index(each[0].severity)):
        first = alike[0]
        steps = [printable(each.step) for each in alike if each.step]
        if first.severity is Severity.INFO:
            text = f"{first.kind.name()} at {named([*dict.fromkeys(steps)])}" if steps else first.kind.name()
        else:
            text = _text(report, alike)
        yield FindingText(sign, first.severity, first.code, text)


def _text(report: Report, alike: Sequence[Diagnostic]) -> str:
    first = alike[0]
    place = report.place(first)
    steps = [*dict.fromkeys(printable(each.step) for each in alike if each.step)]
    at = f"line {line_text(place)}" if place is not None else ""
    where = ", ".join(filter(None, [named(steps), at]))
    return printable(first.headline) + (f" ({where})" if where else "")


# What still loads


def loads(both: Comparison) -> str:
    """How much of a `state_dict` of the model before loads; nothing where neither model has weights."""
    found = both.state
    if not found.before and not found.after:
        return ""
    whole = len(found.after)
    if found.unknown:
        return f"{found.fitting:,} entries load from an earlier state_dict; of steps not planned, this is not known"
    if found.fitting == whole:
        more = f", which has {len(found.gone):,} more" if found.gone else ""
        return f"all {counted(whole, 'entry')} load from an earlier state_dict{more}"
    renamed = f", {len(found.renaming):,} more once they are renamed" if found.renaming else ""
    return f"{found.fitting:,} of {counted(whole, 'entry')} load from an earlier state_dict{renamed}"


def loading(both: Comparison) -> Iterator[tuple[str, str]]:
    """What does not load as it is, each with a sign and in words; entries of copies together."""
    found = both.state
    resized = found.resized + [(was, now) for was, now in found.renamed if was.sizes != now.sizes]
    copies = CopyNames(both)
    for names, (said, count) in _alike(((now, _resized(was, now)) for was, now in resized), copies):
        yield "~", f"{names} {'is' if count == 1 else 'are'} {said}"
    if found.mistaken:
        names_ = named([printable(now.name) for _, now in found.mistaken], 3)
        yield "!", f"{names_} would load weights of other steps, which are of the same size: rename first"
    rows = {id(each.step): row for row in edited(both) for each in row.changes if row.sign != "~"}
    for sign, entries, said in (("+", found.new, "new"), ("-", found.gone, "gone")):
        for names, (_, count) in _in_rows(entries, rows, copies):
            yield sign, f"{names} {'is' if count == 1 else 'are'} {said}"


def _resized(was: StateEntry, now: StateEntry) -> str:
    named_ = f" as `{printable(was.name)}`" if was.name != now.name else ""
    return f"{_sizes(now.sizes)}, was {_sizes(was.sizes)}{named_}"


def _in_rows(
    entries: Iterable[StateEntry], rows: Mapping[int, DiffRow], copies: CopyNames
) -> Iterator[tuple[str, tuple[str, int]]]:
    """Entries that come or go with whole rows of steps by the names of these; others by their own."""
    found: dict[int, list[StateEntry]] = {}
    others = []
    for each in entries:
        row = rows.get(id(each.step))
        if row is None:
            others.append((each, ""))
        else:
            found.setdefault(id(row), []).append(each)
    by_id = {id(row): row for row in rows.values()}
    for at, some in found.items():
        yield _named_entries(by_id[at].name, some), ("", len(some))
    yield from _alike(others, copies)


def _alike(said: Iterable[tuple[StateEntry, str]], copies: CopyNames) -> Iterator[tuple[str, tuple[str, int]]]:
    """Entries of which the same is said, as one where they are of one step, or of copies of it."""
    found: dict[tuple[str, str], list[tuple[StateEntry, str]]] = {}
    for each, text in said:
        found.setdefault((pattern(each.step.name), pattern(text)), []).append((each, text))
    for alike in found.values():
        entries = [each for each, _ in alike]
        steps = [*dict.fromkeys(printable(each.step.name) for each in entries)]
        yield _named_entries(copies.named(steps), entries), (starred([text for _, text in alike]), len(entries))


def _named_entries(step: str, entries: Sequence[StateEntry]) -> str:
    """Entries of a step, of copies, or of a block, in a few words: their names, or how many they are."""
    if len(entries) <= MOST_NAMES:
        return named([printable(each.name) for each in entries])
    own = {each.name.removeprefix(each.step.name) for each in entries}
    name = f"{step}{printable(own.pop())}" if len(own) == 1 else f"{step}.*"
    return f"`{name}` ({counted(len(entries), 'entry')})"


def _sizes(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes)) or "a number"
