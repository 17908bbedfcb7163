"""The page `docs/zoo.md`: what the networks lose, made of what was measured and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from textwrap import fill
from typing import Any

from planner.words import counted, joined, percent
from zoo.networks import ALL, networks
from zoo.runs import kept

PAGE = Path(__file__).parents[1] / "docs" / "zoo.md"
WORTH_TELLING = 100
"""Multiply-adds for nothing are told from one in so many on."""

Found = dict[str, Any]


def write() -> None:
    PAGE.write_text(text(kept()), encoding="utf-8")


def text(results: dict[str, Found]) -> str:
    """The page for what is known of the networks."""
    known = [results[each.key] for each in networks() if each.key in results]
    losing = sorted(filter(_loses, known), key=_loss, reverse=True)
    parts = [
        "# What well-known networks lose",
        _summary(known),
        ABOUT,
        _table(LOSING, map(_losing_row, losing)),
        WORDS,
        *_packages(known),
        "## How it was measured",
        HOW,
        f"Packages: {_versions(known)}.",
    ]
    return "\n\n".join(parts) + "\n"


SUMMARY = """\
Of {networks}, **{unread} never read some pixels of their own input**, {dropping} have layers that drop cells which
nothing else reads, and **{wasting} spend at least one multiply-add in a hundred on results that nothing reads**.
PyTorch says nothing of it. {exact} of the networks were imported exactly; of the {ran} that run on a larger input too,
{same} have the same shapes there."""

ABOUT = """\
Those that lose most come first; [all of them](#all-networks) stand below. The figures hold for the network's own input,
which stands beside it. `make zoo` measures everything anew and writes this page, `make zoo ONLY=torchvision:alexnet`
measures one network."""

WORDS = """\
*Never read* are pixels on which no output depends, whatever the weights; *for nothing* are multiply-adds whose results
no output depends on. A layer *drops cells* where its stride passes over them or does not reach the edge, and nothing
else reads them. The layers that are named leave out pixels, or at least one multiply-add in a hundred; some take a part
on purpose, as where a network goes on with its class token alone. *All is read at* names the next larger and the next
smaller input at which every pixel is read, within 64 pixels.

## All networks"""

HOW = """\
Every network is made with random weights, and imported as `planner import` does it. *Exact* means that the model file
agrees with the network in the names and sizes of all weights, in the multiply-adds that PyTorch counts, in the number
of values that each layer gives, and in the outputs: the code of the file, with the network's weights, gives the same in
float64 up to one part in 10⁹. Weights that a network does not use in evaluation are left out; the file says which.

*Larger* is an input that is 64 cells higher and 96 wider. *same*: the file, planned at that size, has the shapes that
the network gives when it runs there; *fixed*: neither takes that size; *refused*: only the file does not."""

LOSING = (
    "network",
    "input",
    "pixels never read",
    "layers that drop cells",
    "multiply-adds for nothing",
    "left out by",
    "all is read at",
)
ALL_OF_THEM = ("network", "input", "parameters", "multiply-adds", "import", "larger", "never read", "for nothing")
LARGER = {
    "same": "same",
    "both refuse": "fixed",
    "the file refuses": "refused",
    "the network refuses": "only the file",
    "different": "**other shapes**",
}


# What stands first


def _summary(known: list[Found]) -> str:
    """The counts in a few sentences."""
    unread = [each for each in known if each.get("unread")]
    wasting = [each for each in known if _is_wasting(each)]
    exact = [each for each in known if _is_exact(each)]
    ran = [each for each in known if each.get("larger") in ("same", "the file refuses", "different")]
    same = [each for each in ran if each["larger"] == "same"]
    said = SUMMARY.format(
        networks=counted(len(known), "well-known network"),
        unread=len(unread),
        dropping=sum(bool(each.get("dropping")) for each in known),
        wasting=len(wasting),
        exact=len(exact),
        ran=len(ran),
        same=len(same),
    )
    return fill(said, 120)


def _loses(found: Found) -> bool:
    return bool(found.get("unread") or found.get("dropping")) or _is_wasting(found)


def _is_wasting(found: Found) -> bool:
    return bool(found.get("wasted", 0) * WORTH_TELLING >= max(found.get("macs", 0), 1))


def _is_exact(found: Found) -> bool:
    return found.get("why_not") == ""


def _loss(found: Found) -> tuple[float, float]:
    """How much is lost: the larger of both shares, and their sum."""
    shares = found.get("unread", 0) / _cells(found), found.get("wasted", 0) / max(found.get("macs", 0), 1)
    return max(shares), sum(shares)


def _losing_row(found: Found) -> tuple[str, ...]:
    by = [*found["unread_by"], *(name for name, macs in found["wasted_by"] if macs * WORTH_TELLING >= found["macs"])]
    shown = [f"`{each}`" for each in dict.fromkeys(by)]
    more = f" and {len(shown) - 2} more" if len(shown) > 2 else ""
    return (
        found["network"].partition(":")[2],
        _shape(found["input"]),
        _share(found["unread"], _cells(found)),
        f"{found.get('dropping', 0)}",
        _share(found["wasted"], found["macs"]),
        ", ".join(shown[:2]) + more or "–",
        " or ".join(map(_shape, found["read_at"])) or "–",
    )


# All of them


def _packages(known: list[Found]) -> Iterator[str]:
    """A table for each package."""
    for package in ALL:
        own = [each for each in known if each["network"].startswith(f"{package}:")]
        if own:
            exact = sum(map(_is_exact, own))
            yield f"### {package}"
            yield f"{exact} of {len(own)} exact."
            yield _table(ALL_OF_THEM, map(_row, sorted(own, key=lambda each: each["network"].lower())))


def _row(found: Found) -> tuple[str, ...]:
    exact, judged = _is_exact(found), "unread" in found
    least = "" if exact else "≥ "
    return (
        found["network"].partition(":")[2],
        _shape(found["input"]),
        f"{found['params']:,}" if "params" in found else "",
        f"{found['macs']:,}" if "macs" in found else "",
        "exact" if exact else _escaped(found.get("failed") or found["why_not"]),
        LARGER[found["larger"]] if "larger" in found else "",
        least + _share(found["unread"], _cells(found)) if judged else "",
        least + _share(found["wasted"], found["macs"]) if judged else "",
    )


def _cells(found: Found) -> int:
    return prod(found["input"][:-1])


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({percent(part, whole)})" if part else "0"


def _shape(sizes: Iterable[int]) -> str:
    return "×".join(map(str, sizes))


def _escaped(reason: str) -> str:
    """A reason as a cell of a table has it: its first line, shortened."""
    line = reason.partition("\n")[0].replace("|", "\\|")
    return line if len(line) <= 120 else f"{line[:119]}…"


def _versions(known: list[Found]) -> str:
    versions = {each["network"].partition(":")[0]: each["version"] for each in known}
    return joined([f"{name} {version}" for name, version in versions.items()])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
