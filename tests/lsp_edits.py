"""Edits as somebody types them: random ones, of which many leave a file half-typed."""

from __future__ import annotations

import re
from random import Random
from typing import Any

PIECES = (
    "\n", " ", "  - {type: Conv2d, out_channels: 4, kernel_size: 3}\n", "{", "}", "[", "]", ":", ",", "$", "$width",
    "- ", "type: ", "from: ", "name: ü", "🙂", "層", "'", '"', "#", "&a ", "*a", "<<: ", "3", "-1", "0", "stride: 2",
    "\t", "blocks:\n", "repeat: $index", "\r\n", "\r", "\u2028", "\x85", "use: [residual]\n", "allow: [lost-cells]",
)  # fmt: skip


def lines_of(text: str) -> list[str]:
    """The lines of a text as editors have them, each with its break."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text) + ([""] if not text or text[-1] in "\r\n" else [])


def random_change(random: Random, text: str) -> tuple[dict[str, Any], str]:
    """A change of a text as an editor sends it, in columns of UTF-16, and the text with it."""
    lines = lines_of(text)
    line = random.randrange(len(lines))
    bare = lines[line].rstrip("\r\n")
    before = sum(map(len, lines[:line]))
    start = random.randint(0, len(bare))
    end, new = start, random.choice(PIECES)
    kind = random.random()
    if kind > 0.5:
        end = min(start + random.randint(1, 9), len(bare))
        new = random.choice(("", "", new))
    if kind > 0.9:
        at = random.randrange(len(text) + 1)
        new = text[at : at + random.randint(1, 80)]
    change: dict[str, Any] = {"range": {"start": _at(line, bare[:start]), "end": _at(line, bare[:end])}, "text": new}
    if 0.8 < kind < 0.85 and line + 1 < len(lines):  # a line goes
        change["range"]["end"] = {"line": line + 1, "character": 0}
        return {**change, "text": ""}, text[: before + start] + text[before + len(lines[line]) :]
    return change, text[: before + start] + new + text[before + end :]


def _at(line: int, before: str) -> dict[str, int]:
    return {"line": line, "character": len(before.encode("utf-16-le")) // 2}
