"""What `planner check --fix` has changed in a file, as a unified diff."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from planner.diagnostics import Diagnostic, Fix
from planner.outputs._screen import Screen, TextStyle, printable, wrapped
from planner.source import Source

_LOOKS: dict[str, tuple[TextStyle, ...]] = {
    "---": ("bold",),
    "+++": ("bold",),
    "@@": ("cyan",),
    "-": ("red",),
    "+": ("green",),
}


def diff(old: Source, new: Source, made: tuple[tuple[Diagnostic, Fix], ...], screen: Screen, *, written: bool) -> str:
    """The lines that differ, and for each fix what it mends and what it does."""
    name = printable(old.file or "model")
    lines = [*_lines(old.text, new.text, name, screen)]
    for found, fix in made:
        label = f"{fix.label}[{found.code}]:"
        first, *others = wrapped(f"{label} {printable(f'{fix.text} → {fix.effect}')}", screen.width - 4)
        lines.append(screen.paint(label, "bold", "green") + first.removeprefix(label))
        lines += [f"    {each}" for each in others]
    count = f"{len(made)} {'fix' if len(made) == 1 else 'fixes'}"
    lines.append(f"{count} written to {name}" if written else f"{count} for {name}, not written")
    return "".join(f"{line}\n" for line in lines)


def _lines(old: str, new: str, name: str, screen: Screen) -> Iterator[str]:
    compared = unified_diff(old.splitlines(), new.splitlines(), name, name, n=2, lineterm="")
    for line in compared:
        looks = next((looks for start, looks in _LOOKS.items() if line.startswith(start)), ())
        yield screen.paint(printable(line.replace("\t", "    ")), *looks)
