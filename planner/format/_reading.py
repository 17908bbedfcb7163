"""Reading entries: what is wrong in one does not cost the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from planner.arithmetic import Expression, Template, has_arithmetic, is_expression, parse_expression, parse_template
from planner.diagnostics import Edit, Fault, Path, did_you_mean
from planner.faults.bad_arithmetic import BadArithmetic
from planner.faults.missing_key import MissingKey
from planner.faults.unknown_key import UnknownKey
from planner.faults.wrong_value import WrongValue
from planner.format._entries import Block, Entry, allowed_of, expressions, names_of, with_dollar
from planner.format._forms import RESERVED, EntryFormat
from planner.format._wording import faults_of

ReadT = TypeVar("ReadT")


class EntryReader:
    """Reads entries and collects the faults on the way. What is wrong in an entry does not cost the rest of it.

    names  parameters in sight of the entries
    """

    def __init__(self) -> None:
        self.faults: list[tuple[Path, Fault]] = []
        self.names: tuple[str, ...] = ()

    def entries(self, raw: object, path: Path) -> tuple[Entry, ...]:
        return tuple(self.entry(each, (*path, i)) for i, each in enumerate(raw)) if isinstance(raw, list) else ()

    def entry(self, raw: Any, path: Path) -> Entry:
        """An entry, with all of its parts that could be read."""
        draft = _EntryDraft(path)
        if not isinstance(raw, dict):
            is_type = isinstance(raw, str) and raw.isidentifier()
            help = f"write `- {{type: {raw}}}`" if is_type else ""
            self.faults.append((path, WrongValue("a layer", "a mapping such as {type: ReLU}", raw, help=help, key=())))
            draft.said += [f"`{{type: {raw}}}` for `{raw}`"] * is_type
            raw = {"type": raw} if is_type else {}
        elif raw.get("type") is None and raw.get("layers") is None:
            raw = self._with_type(raw, draft)
        read = self._read(raw, draft)
        if read.layers is not None or "layers" in draft.lost:
            return self._inline(read, draft)
        if read.type is None:
            draft.lost.add("type")
        return self._compiled(read, draft)

    def _with_type(self, raw: dict[Any, Any], draft: _EntryDraft) -> dict[Any, Any]:
        """An entry without `type`, with a misspelt key taken for it."""
        misspelt = next((key for key in raw if key not in RESERVED and did_you_mean(str(key), ["type"])), None)
        if misspelt is None:
            self.faults.append((draft.path, MissingKey("type", "a layer", "Conv2d")))
            return raw
        self.faults.append((draft.path, UnknownKey(misspelt, "a layer", ["type"])))
        draft.said.append(f"`type` for `{misspelt}`")
        return {"type" if key == misspelt else key: value for key, value in raw.items()}

    def _read(self, raw: dict[Any, Any], draft: _EntryDraft) -> EntryFormat:
        """An entry in its form, without the keys whose values are wrong."""
        try:
            return EntryFormat.model_validate(raw)
        except ValidationError as error:
            faults = list(faults_of(error, "a layer"))
        kept = {key: value for key, value in raw.items() if isinstance(key, str)}
        for fault in faults:
            key = str(fault.key[0]) if fault.key else ""
            value = kept.pop(key, None)
            marked = with_dollar(value, self.names) if key in ("repeat", "when") else None
            if marked is not None:
                say_dollar(fault, key, marked)
                draft.said.append(f"`{key}: {marked}`")
                kept[key] = marked
            else:
                draft.lost.add(key)
            self.faults.append((draft.path, fault))
        return EntryFormat.model_validate(kept)

    def _compiled(self, read: EntryFormat, draft: _EntryDraft) -> Entry:
        args = {key: value for key, value in (read.model_extra or {}).items() if not key.startswith("x-")}
        computed: list[tuple[Path, Expression]] = []
        for key, value in args.items() if has_arithmetic(args) else ():
            computed += self._sound(draft, key, partial(_expressions, key, value)) or ()
        entry = Entry(path=draft.path, type="", args=args, computed=tuple(computed))
        entry.type = self._maybe(draft, read.type, "type") or "?"
        entry.sources = None if read.sources is None else names_of(read.sources)
        entry.repeat = self._maybe(draft, read.repeat, "repeat")
        entry.when = self._maybe(draft, read.when, "when")
        entry.share = None if read.share is None else str(read.share)
        entry.tie = read.tie or {}
        entry.allow = allowed_of(read.allow)
        if is_expression(read.name):
            entry.name = self._sound(draft, "name", lambda: parse_template(str(read.name)))
        elif read.name is not None:
            entry.name = str(read.name)
        reads = set().union(*(expression.names for _, expression in computed))
        if isinstance(entry.type, Expression):
            reads |= entry.type.names
        entry.reads = tuple(sorted(reads))
        entry.lost, entry.said = frozenset(draft.lost), tuple(draft.said)
        return entry

    def _maybe(self, draft: _EntryDraft, value: Any, key: str) -> Any:
        """The value itself or, where it is arithmetic, the compiled expression; None where that does not compile."""

        def compiled() -> Expression:
            try:
                found = parse_expression(value)
                for size, at in found.sizes.items():
                    raise BadArithmetic.size(size, key, value, at)
                return found
            except Fault as fault:
                fault.key = (key,)
                raise

        return self._sound(draft, key, compiled) if is_expression(value) else value

    def _sound(self, draft: _EntryDraft, key: str, read: Callable[[], ReadT]) -> ReadT | None:
        """The result of `read`; None where a fault was raised, which is collected."""
        try:
            return read()
        except Fault as fault:
            self.faults.append((draft.path, fault))
            draft.lost.add(key)
            return None

    def _inline(self, read: EntryFormat, draft: _EntryDraft) -> Entry:
        extra = [key for key in read.model_extra or {} if not key.startswith("x-")]
        if read.type not in (None, "Sequential"):
            fault: Fault = WrongValue("type", "`Sequential`, or nothing, beside `layers`", read.type)
            self.faults.append((draft.path, fault))
            draft.said.append("`type: Sequential`")
        elif extra:
            self.faults.append((draft.path, UnknownKey(extra[0], "a list of layers", RESERVED)))
            draft.said.append(f"without `{extra[0]}`")
        entry = self._compiled(read.model_copy(update={"type": "Sequential"}), draft)
        entry.args, entry.computed, entry.reads = {}, (), ()
        path = (*draft.path, "layers")
        name = entry.name.text if isinstance(entry.name, Template) else entry.name
        entry.inner = Block(path, name or "layers", self.entries(read.layers or [], path))
        return entry


@dataclass(slots=True)
class _EntryDraft:
    """The findings about an entry while it is being read."""

    path: Path
    lost: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)


def say_dollar(fault: Fault, key: str, marked: str) -> None:
    """Make a fault say that a parameter lacks its `$`."""
    fault.help = f"arithmetic has a `$` before each parameter: `{key}: {marked}`"
    fault.mends = ((Edit((key,), marked),),)


def _expressions(key: str, value: Any) -> list[tuple[Path, Expression]]:
    return [*expressions(value, (key,))]
