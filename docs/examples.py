"""The examples in the pages of this folder and in the README: what the tool prints stands there as it prints it.

    python docs/examples.py    write all outputs, tables and pictures anew

A block of kind `console` has commands after `$ `, each followed by its output at 80 columns. A line `[…]` stands for
lines that are left out; such an output is not written anew, but it is compared all the same. A block of kind `pycon` is
a session in Python. A block of kind `yaml` or `python` that begins with `# docs/models/` is the file of that name.
Between `<!-- table: … -->` and `<!-- end -->` stands a table that is made of what the planner says about itself.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import chdir
from inspect import getdoc
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner
from pydantic import BaseModel

from planner import arithmetic, source, unfolding
from planner.cli import main
from planner.format import BlockFormat, EntryFormat, FileFormat
from planner.format.budget import BudgetFormat
from planner.manual import all_kinds, blocks_of, summary
from planner.remedies import all_remedies
from planner.rules import all_rules
from planner.targets import all_targets, names

FOLDER = Path(__file__).parent
CUT = "[…]"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_SESSION = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MODEL = re.compile(r"^```(yaml|python)\n(# (docs/models/\S+)\n.*?)^```$", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"^(<!-- table: (\w+) -->\n)(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A command of a page and what the page shows of its output, which stands at `start` of the page."""

    command: str
    shown: str
    start: int


def pages() -> list[Path]:
    return [FOLDER.parent / "README.md", *sorted(FOLDER.glob("*.md"))]


def examples(page: str) -> Iterator[Example]:
    """The examples in the text of a page."""
    for block in _BLOCK.finditer(page):
        for found in _COMMAND.finditer(page, block.start(1), block.end(1)):
            yield Example(found[1], found[2], found.start(2))


def session(page: str) -> str:
    """All that a page does in Python, as one session."""
    return "\n".join(_SESSION.findall(page))


def output(command: str) -> str:
    """What a command prints, on 80 columns and without colours."""
    name, *words = shlex.split(command)
    assert name == "planner", command
    with chdir(FOLDER.parent):
        return CliRunner(env={"COLUMNS": "80"}).invoke(main, words, catch_exceptions=False).output


def agrees(shown: str, printed: str) -> bool:
    """Whether an output is shown as it was printed, but for what was cut."""
    parts = map(re.escape, shown.split(f"{CUT}\n"))
    return re.fullmatch(r"(?:.*\n)+?".join(parts), printed) is not None


def with_models(page: str) -> str:
    """The page with the model files that it shows as they are now."""
    return _MODEL.sub(lambda found: f"```{found[1]}\n{(FOLDER.parent / found[3]).read_text(encoding='utf-8')}```", page)


def with_tables(page: str) -> str:
    """The page with its tables made anew."""
    return _TABLE.sub(lambda found: "\n".join([found[1].rstrip(), *TABLES[found[2]](), "<!-- end -->"]), page)


def table(*rows: tuple[str, ...]) -> list[str]:
    """A Markdown table; the first row is its head."""
    head, *others = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return ["", head, "|" + "---|" * len(rows[0]), *others, ""]


def findings() -> list[str]:
    """All kinds of findings, stage by stage."""
    lines: list[str] = []
    for stage, title in STAGES.items():
        kinds = {code: kind for code, kind in all_kinds().items() if code[3] == stage}
        rows = [(code, f"`{kind.name()}`", str(kind.severity), summary(kind)) for code, kind in kinds.items()]
        lines += ["", f"## {title}", *table(("code", "name", "", "what it is"), *rows)] if rows else []
    return lines


def fixes() -> list[str]:
    """What may mend each kind of finding, in the order in which it is tried; of a rule that proposes edits itself, what
    its page says.
    """
    remedies = {name: " ".join((getdoc(remedy) or "").split()) for name, remedy in all_remedies().items()}
    rows = []
    for kind in all_kinds().values():
        own = kind.fixed and kind in all_rules() and not kind.mended_by
        said = [(getdoc(kind) or "").partition("How to fix it: ")[2]] if own else [remedies[r] for r in kind.mended_by]
        if said:
            rows.append((f"`{kind.name()}`", "<br>".join(" ".join(each.split()) for each in said)))
    return table(("finding", "what may mend it"), *rows)


def keys(form: type[BaseModel]) -> list[str]:
    """The keys of a part of the model file."""
    fields = form.model_fields.items()
    rows = [(f"`{each.alias or name}`", each.description or "") for name, each in fields]
    return table(("key", ""), *rows)


def libraries() -> list[str]:
    """The blocks that come with the planner, with the first sentence that each says of itself."""
    rows = []
    for name in source.shipped():
        blocks = source.library(name).data["blocks"]
        for i, block in enumerate(blocks_of(name)):
            said = " ".join(blocks[block]["description"].split())
            rows.append((f"`{name}`" if not i else "", f"`{block}`", re.split(r"(?<=\.) (?=[A-Z])", said)[0]))
    return table(("library", "block", ""), *rows)


def targets() -> list[str]:
    """The targets, with how they are named."""
    named = zip(names(), all_targets().values(), strict=True)
    return table(
        ("target", "", "rules"), *((f"`{name}`", each.about, str(len(each.rules) or "")) for name, each in named)
    )


def limits() -> list[str]:
    """What is refused for its size."""
    return table(
        ("limit", ""),
        ("size of the file", f"{source.MOST_BYTES >> 20} MiB, {source.MOST_VALUES:,} values"),
        ("lists and mappings in one another", f"{source.DEEPEST} deep"),
        ("blocks that call one another", f"{unfolding.DEEPEST} deep"),
        ("steps, all copies counted", f"{unfolding.MOST_STEPS:,}"),
        ("numbers", "from −2⁶³ to 2⁶³"),
        ("an expression", f"{arithmetic.LONGEST:,} characters, {arithmetic.DEEPEST} brackets in one another"),
    )


STAGES = {
    "1": "NSP1…: the file",
    "2": "NSP2…: shapes and wiring",
    "3": "NSP3…: what is lost, and where branches look",
    "4": "NSP4…: cost and training",
    "5": "NSP5…: code",
}
TABLES: dict[str, Callable[[], list[str]]] = {
    "findings": findings,
    "fixes": fixes,
    "file": lambda: keys(FileFormat),
    "entry": lambda: keys(EntryFormat),
    "block": lambda: keys(BlockFormat),
    "budget": lambda: keys(BudgetFormat),
    "targets": targets,
    "libraries": libraries,
    "limits": limits,
}


def renewed(page: str) -> str:
    """The page with all models, tables and whole outputs as they are now."""
    page = with_tables(with_models(page))
    for each in reversed(list(examples(page))):
        if CUT not in each.shown:
            page = page[: each.start] + output(each.command) + page[each.start + len(each.shown) :]
    return page


if __name__ == "__main__":
    from pictures import PICTURES

    for path in pages():
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
