"""What the planner says when something is wrong: kinds of trouble, and one finding of a kind.

A stage that cannot go on raises a `Fault`; a rule that judges a finished plan yields one. Either becomes a
`Diagnostic`: the finding together with where in the model file it was made. Both are values; nothing here prints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cache
from typing import ClassVar, Literal, NamedTuple

Path = tuple[str | int, ...]
"""Where a value stands in a model file: `("layers", 3, "kernel_size")`. In a library that the file uses, the library's
key comes first: `("use", "residual", "blocks", "basic", "layers", 0)`.
"""

SOURCE = "{source}"
"""In the label of a fault: the step, or the steps, that the numbers came from. Filled in by whoever catches the
fault."""


RemedyName = Literal[
    "broadcast",
    "ceil_mode",
    "channel_shuffle",
    "corners_on_corners",
    "crop_like",
    "even_bins",
    "even_kernel",
    "filled_tiles",
    "fitted_window",
    "group_norm",
    "input_size",
    "joined_axis",
    "kernel_size",
    "less_padding",
    "losing_layers",
    "mixed_dilation",
    "output_padding",
    "pad_like",
    "padding",
    "padding_at_end",
    "parameter_shape",
    "pooled_first",
    "projection",
    "same_channels",
    "shifted_padding",
    "size_before_folding",
    "size_from_skip",
    "skipping_kernel",
    "smaller_dilation",
    "stride_moved",
    "strided_padding",
    "swapped_sources",
]
"""The functions in `remedies/`. Kinds name them and cannot hold them: they work on reports, which are made of kinds."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Kind:
    """One kind of trouble. The docstring is the manual page on this kind; the examples are whole model files.

    bad        a model that has this trouble; the guilty line carries a comment with the code
    fixed      what the first fix makes of `bad`, without the comment; empty where no fix is offered
    good       a model without this trouble, about which nothing is said; it may be `fixed`
    mended_by  the remedies that may mend such a finding, the likeliest first
    slip       what the edits that a finding proposes itself may correct: a misspelt `word`, or a stated `size` that is
               worked out anyway

    A kind that no model file can show (a file that cannot be read) leaves the examples empty and says in `shown_by`
    how the tests make it happen.
    """

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    mended_by: ClassVar[tuple[RemedyName, ...]] = ()
    slip: ClassVar[Literal["", "word", "size"]] = ""
    bad: ClassVar[str] = ""
    fixed: ClassVar[str] = ""
    good: ClassVar[str] = ""

    @classmethod
    @cache
    def name(cls) -> str:
        """The kind's name in `allow:` and in the manual: the class's name in kebab-case, so `LostCells` is
        `lost-cells`.
        """
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()


class Place(NamedTuple):
    """A stretch of one line of a file: line and column count from 1, in characters.

    file  the library that the line is in; None for the model file itself
    """

    line: int
    column: int
    length: int = 1
    file: str | None = None


class Beside(NamedTuple):
    """A place that has to do with a finding, and how."""

    path: Path
    text: str


class Edit(NamedTuple):
    """A change to a model file at `path`.

    set     the key, or the entry of a list, gets `value`; a key that is not there is added
    remove  the key goes, with its value, or the entry of a list
    rename  the key is called `value`
    insert  `value` comes into the list, before the entry that has had this number

    A fault gives paths below that of its layer; () is the place of the fault itself.
    """

    path: Path
    value: object = None
    action: Literal["set", "remove", "rename", "insert"] = "set"


def puts(key: str, *values: object) -> Iterator[tuple[Edit, ...]]:
    """One edit after the other, each of which gives a key one of the values."""
    return ((Edit((key,), value),) for value in values)


class Fix(NamedTuple):
    """What would mend a finding: the edits, one after the other, in words, and what the model is like with them.

    safe  whether nobody needs to look at it: it corrects a slip, or keeps all shapes, weights and content
    """

    edits: tuple[Edit, ...]
    text: str
    effect: str
    safe: bool = False

    @property
    def label(self) -> str:
        return "safe fix" if self.safe else "unsafe fix"


class Fault(Kind, Exception):
    """Something that stops a stage at one place of the file; subclasses stand one to a file in `faults/`.

    message  the headline: what is wrong, one clause, lower case
    label    the numbers, for beside the caret; may hold SOURCE
    help     what to do, if possible to paste
             Both may be functions that give the text: most faults that a search meets are told to nobody.
    key      the place: a path into the file or, inside a layer, below the layer's own path
    at_key   the key itself is at fault, not its value
    place    given only where no path exists, as in a file that does not parse
    mends    edits that would mend it, the best first; their paths start where that of `key` does
    offset, length  where in the value the trouble stands, in characters, as in an expression; length 0 is all of it
    """

    offset = 0
    length = 0

    def __init__(
        self,
        message: str,
        *,
        label: str | Callable[[], str] = "",
        help: str | Callable[[], str] = "",
        key: Path | str = (),
        at_key: bool = False,
        place: Place | None = None,
        mends: Iterable[tuple[Edit, ...]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self._label = label
        self._help = help
        self.key: Path = (key,) if isinstance(key, str) else key
        self.at_key = at_key
        self.place = place
        self.mends = tuple(mends)

    @property
    def label(self) -> str:
        self._label = self._label if isinstance(self._label, str) else self._label()
        return self._label

    @property
    def help(self) -> str:
        self._help = self._help if isinstance(self._help, str) else self._help()
        return self._help

    @help.setter
    def help(self, text: str) -> None:
        self._help = text

    @property
    def headline(self) -> str:
        """The message, with its numbers where it has any."""
        return f"{self.message}: {self.label}" if self.label else self.message


class Diagnostic(NamedTuple):
    """One finding of a kind, with its place in the model file.

    calls  the places of the block calls that led to the place, innermost first
    beside  other places of the file that have to do with it
    part   the offset and length, in characters, of the guilty part of the value; None for the whole
    mends  edits that the fault or the rule itself proposes, the best first
    supposed  whether it is found after another fault, with what was most likely meant there
    """

    kind: type[Kind]
    message: str
    label: str = ""
    help: str = ""
    path: Path = ()
    at_key: bool = False
    step: str | None = None
    calls: tuple[Path, ...] = ()
    place: Place | None = None
    part: tuple[int, int] | None = None
    mends: tuple[tuple[Edit, ...], ...] = ()
    supposed: bool = False
    beside: tuple[Beside, ...] = ()

    @classmethod
    def of(
        cls,
        fault: Fault,
        base: Path = (),
        *,
        step: str | None = None,
        calls: tuple[Path, ...] = (),
        sources: str = "",
    ) -> Diagnostic:
        """The finding that `fault` is, at `base` plus the fault's own key."""
        return cls(
            kind=type(fault),
            message=fault.message,
            label=fault.label.replace(SOURCE, sources),
            help=fault.help.replace(SOURCE, sources),
            path=base + fault.key,
            at_key=fault.at_key,
            step=step,
            calls=calls,
            place=fault.place,
            part=(fault.offset, fault.length) if fault.length else None,
            mends=tuple(
                tuple(edit._replace(path=base + (edit.path or fault.key)) for edit in edits) for edits in fault.mends
            ),
        )

    @property
    def headline(self) -> str:
        """The message, with its numbers where it has any; not escaped for a screen."""
        return f"{self.message}: {self.label}" if self.label else self.message

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def severity(self) -> Severity:
        return self.kind.severity


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean `kernel_size`?`, or "" where nothing known is close to `word`."""
    close = nearest(word, known)
    return f"did you mean `{close[0]}`?" if close else ""


def nearest(word: str, known: Iterable[str], most: int = 1) -> list[str]:
    """The known words that are close to a word, the closest first."""
    from difflib import get_close_matches

    lowered = {each.lower(): each for each in sorted(known)}
    return [lowered[each] for each in get_close_matches(word.lower(), list(lowered), n=most, cutoff=0.6)]
