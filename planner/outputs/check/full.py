"""Findings with the lines of the file that they are about: for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from planner.diagnostics import Diagnostic, Kind, Path, Place, Severity
from planner.outputs import Format
from planner.outputs._findings import Tally, alike, called, path_text
from planner.outputs._screen import Screen, TextStyle, columns, excerpt, printable, wrapped
from planner.report import Report
from planner.words import named

FORMAT = Format("txt", for_people=True)

MOST_COPIES = 5
"""Other copies of a layer that are listed where the same is found in all of them."""
MOST_FIXES = 3
END_CALLS = 3
"""Calls of blocks that are shown at either end of a long chain."""
LOOKS: dict[Severity, TextStyle] = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def render(reports: Iterable[Report], screen: Screen) -> str:
    """Every finding with its place, and a line that sums up."""
    tally = Tally()
    parts = []
    for report in reports:
        tally.add(report)
        remarks = [each for each in report.diagnostics if each.severity is Severity.INFO]
        serious = [each for each in report.diagnostics if each.severity is not Severity.INFO]
        parts += [findings(report, screen, serious)] if serious else []
        parts += [_in_brief(remarks, screen)] if remarks else []
    return "\n".join([*parts, f"{tally}\n"])


def findings(report: Report, screen: Screen, chosen: Iterable[Diagnostic] | None = None) -> str:
    """The findings of one report, separated by empty lines; a finding in several copies of a layer is told once."""
    return "\n".join(
        "".join(f"{line}\n" for line in _finding(report, *copies, screen=screen))
        for copies in alike(report.diagnostics if chosen is None else chosen)
    )


def _in_brief(remarks: Sequence[Diagnostic], screen: Screen) -> str:
    """The remarks, which are harmless in most networks, on a line for each kind, and how to read them whole."""
    steps: dict[type[Kind], dict[str, None]] = {}
    for each in remarks:
        steps.setdefault(each.kind, {})[str(each.step)] = None
    text = ""
    for kind, names in steps.items():
        lead = f"info[{kind.code}]"
        first, *others = wrapped(printable(f"{lead}: {kind.name()} at {named(list(names))}"), screen.width)
        text += screen.paint(lead, "bold", LOOKS[Severity.INFO]) + first.removeprefix(lead) + "\n"
        text += "".join(f"  {line}\n" for line in others)
    more = "harmless in most networks: `--format concise` has the numbers, `planner explain NAME` the reasons"
    return text + "".join(f"  {screen.paint(line, 'dim')}\n" for line in wrapped(more, screen.width - 2))


def _finding(report: Report, each: Diagnostic, *others: Diagnostic, screen: Screen) -> Iterator[str]:
    place = report.place(each)
    calls = [(report.source.place(path), path) for path in each.calls if not report.source.format]
    numbers = [str(at.line) for at in (place, *(at for at, _ in calls)) if at is not None]
    page = _Page(report, screen, LOOKS[each.severity], max(map(len, numbers), default=1))
    title = page.paint(f"{each.severity}[{each.code}]", "bold", page.look)
    yield title + page.paint(f": {printable(each.message)}", "bold")
    yield page.arrow("-->", place, each.path)
    if place is not None and (place.file or report.source.text):
        yield page.gutter()
        yield from page.line(place, each.label)
    else:
        yield from page.note("note", each.label)
    for i, (at, path) in enumerate(calls):
        if END_CALLS <= i < len(calls) - END_CALLS:
            if i == END_CALLS:
                yield from page.note("note", f"{len(calls) - 2 * END_CALLS:,} more calls between")
            continue
        yield page.arrow(":::", at, path, f"{called(path)} from ")
        if at is not None:
            yield page.quoted(report.source.quoted(at), at)
    for path, _ in each.beside:  # what it has to do with the finding, the help says
        at = report.source.place(path)
        yield page.arrow(":::", at, path)
        if at is not None:
            yield page.quoted(report.source.quoted(at), at)
    if each.step and (calls or others):
        yield from page.note("step", each.step)
    for text in _also(each.label, [other for other in others if other.step]):
        yield from page.note("also", text)
    yield from page.note("help", each.help)
    for fix in report.fixes(each, MOST_FIXES):
        yield from page.note(fix.label, f"{fix.text} → {fix.effect}")


def _also(label: str, others: Sequence[Diagnostic]) -> Iterator[str]:
    """The steps of other copies: those with the same numbers together, others with their own."""
    alike = [str(each.step) for each in others if each.label == label]
    texts = [", ".join(_few(alike))] if alike else []
    texts += [f"{each.step}: {each.label}" for each in others if each.label != label]
    yield from _few(texts)


def _few(texts: list[str]) -> list[str]:
    more = len(texts) - MOST_COPIES
    return [*texts[:MOST_COPIES], f"and {more:,} more"] if more > 0 else texts


class _Page:
    """The lines of one finding, which share a gutter of one width."""

    def __init__(self, report: Report, screen: Screen, look: TextStyle, digits: int) -> None:
        self.report = report
        self.paint = screen.paint
        self.look = look
        self.digits = digits
        self.room = screen.width - digits - 3

    def gutter(self, number: str = "") -> str:
        return self.paint(f"{number:>{self.digits}} |", "blue")

    def arrow(self, sign: str, place: Place | None, path: Path, lead: str = "") -> str:
        """The line with the place of the finding: file, line and column, or the path in a model that is no file."""
        file = self.report.file(place)
        where = [printable(file)] if file else []
        where += [f"{place.line}", f"{place.column}"] if place else [path_text(path)] if path and not where else []
        return f"{' ' * self.digits}{self.paint(sign, 'blue')} {lead}{':'.join(where) or 'the model'}"

    def quoted(self, line: str, place: Place) -> str:
        shown = excerpt(line, place.column - 1, place.length, self.room)
        return f"{self.gutter(str(place.line))} {shown.text}"

    def line(self, place: Place, label: str) -> Iterator[str]:
        """The line of the file and, under it, the caret with the label."""
        source = self.report.source.quoted(place)
        label = printable(label)
        shown = excerpt(source, place.column - 1, place.length, self.room, behind=columns(label) + 1)
        yield f"{self.gutter(str(place.line))} {shown.text}"
        caret = f"{self.gutter()} {' ' * shown.start}{self.paint('^' * shown.length, 'bold', self.look)}"
        if shown.start + shown.length + 1 + columns(label) <= self.room:
            yield f"{caret} {self.paint(label, self.look)}".rstrip()
            return
        yield caret
        lines = wrapped(label, self.room)
        indent = min(shown.start, max(self.room - max(map(columns, lines)), 0))
        for each in lines:
            yield f"{self.gutter()} {' ' * indent}{self.paint(each, self.look)}"

    def note(self, title: str, text: str) -> Iterator[str]:
        """A `= help:` line, wrapped under itself; nothing where there is nothing to say."""
        if not text:
            return
        lead = f"{' ' * self.digits} = {title}: "
        first, *others = wrapped(printable(text), self.room + self.digits + 3 - len(lead))
        yield f"{' ' * self.digits} {self.paint('=', 'blue')} {self.paint(title, 'bold')}: {first}"
        for each in others:
            yield " " * len(lead) + each
