"""Common mistakes in YAML, in our words: what was meant is read off the text around the place of the error."""

from __future__ import annotations

import re
from collections.abc import Callable

from planner.faults._in_text import shown
from planner.faults.not_yaml import NotYaml
from planner.source.stopped import Stopped


def reworded(problem: str, text: str, at: int, opened: int) -> NotYaml:
    """The YAML parser's message `problem` in our words. The parser stopped at `at`, in a value that began at `opened`.

    The words looked for are those of libyaml and of PyYAML's own parser.
    """
    slip = Stopped(text, min(at, len(text)), min(opened, len(text)))
    for words, wording in _WORDINGS:
        if words in problem:
            return wording(slip)
    return slip.says(
        "this is not YAML",
        label="reading stopped here",
        help="compare this line and the one above with the lines around them",
    )


def _forbidden_start(slip: Stopped) -> NotYaml:
    if slip.character == "\t":
        return _tab(slip)
    word = re.split(r"[,\]}\s]", slip.rest(slip.at), maxsplit=1)[0]
    return slip.says(
        "a value cannot start with " + ("a backtick" if slip.character == "`" else f"`{shown(slip.character)}`"),
        label="YAML keeps this character for itself",
        help=f'put it in quotes: "{shown(word.rstrip(":"))}"',
    )


def _tab(slip: Stopped) -> NotYaml:
    tabs = re.compile(r"\t+").match(slip.text, slip.at)
    return slip.says(
        "a tab where YAML takes only spaces",
        label="a tab",
        help="indent with spaces; editors can turn tabs into spaces",
        end=tabs.end() if tabs else None,
    )


def _value_not_allowed(slip: Stopped) -> NotYaml:
    """A `:` where no key can be."""
    before = slip.before(slip.at)
    start = slip.at - len(before.lstrip(" "))
    if inner := re.search(r":\s", before):
        value = slip.rest(slip.at - len(before) + inner.end()).strip()
        return slip.says(
            "a second `:` in one entry",
            label="a value cannot have a value of its own",
            help="begin a new line for it" + ("" if '"' in value else f', or put quotes: "{shown(value)}"'),
        )
    above = slip.line_above()
    line_above = "" if above is None else slip.rest(above)
    if above is not None and ": " not in line_above and line_above[-1] not in ":\"'":
        return _no_colon(slip, above)
    return slip.says(
        "this line is indented deeper than the entry it follows",
        label=_indents(slip),
        help=f"indent `{shown(slip.text[start : slip.at].lstrip('- '))}` like the key above it",
        start=start,
        end=slip.at,
    )


def _indents(slip: Stopped) -> str:
    """The indentation of the line and that of the line above it, for dashes up to the dash, for keys up to the key."""
    above = slip.line_above()
    if above is None:
        return f"indented by {slip.indent(slip.at)}"
    other = slip.indent(above) if slip.character == "-" else above - slip.line_start(above)
    return f"indented by {slip.indent(slip.at)}; in the line above it is {other}"


def _missing_colon(slip: Stopped) -> NotYaml:
    return _no_colon(slip, slip.opened)


def _no_colon(slip: Stopped, start: int) -> NotYaml:
    """A line of a mapping that is not `key: value`."""
    line = slip.rest(start)
    end = start + len(line)
    if len(line) > 1024:
        return slip.says("a key has more than 1,024 characters", help="shorten it, or look for a `:`", start=start)
    if joined := re.fullmatch(r"([^\s:]+):(\S.*)", line):
        return NotYaml.joined(joined[0], start)
    if dash := re.fullmatch(r"-([^-\s].*)", line):
        return slip.says("a space is missing after `-`", help=f"write `- {shown(dash[1])}`", start=start, end=end)
    pair = re.fullmatch(r"(\S+?)\s*=\s*(.+)", line) or re.fullmatch(r"(\S+)\s+(.+)", line)
    return slip.says(
        "a `:` is missing",
        label="a line of a mapping is `key: value`",
        help=f"write `{shown(pair[1])}: {shown(pair[2])}`" if pair else f"write `{shown(line)}:` and a value",
        start=start,
        end=end,
    )


_CLOSES = {"[": "]", "{": "}"}


def _in_brackets(slip: Stopped) -> NotYaml:
    """A list or mapping in brackets whose next item is not preceded by a comma, or that has no closing bracket."""
    bracket = slip.text[slip.opened : slip.opened + 1]
    close = _CLOSES.get(bracket, "]")
    if slip.character == "{" and slip.text[slip.at - 1 : slip.at] == "$":
        return _bare_template(slip)
    if slip.character and slip.character in "]}":
        return slip.says(
            f"`{bracket}` is closed by `{slip.character}`",
            label=f"the `{bracket}` opened {_where(slip)} ends with `{close}`",
            help=f"put `{close}` before it, or in its place",
        )
    same_line = slip.line_start(slip.at) == slip.line_start(slip.opened)
    if slip.at_end or (not same_line and slip.indent(slip.at) <= slip.indent(slip.opened)):
        return _never_closed(slip, slip.opened)
    return _missing_comma(slip, bracket)


def _never_closed(slip: Stopped, start: int) -> NotYaml:
    bracket = slip.text[start]
    return slip.says(
        f"`{bracket}` is never closed", label="opened here", help=f"end it with `{_CLOSES[bracket]}`", start=start
    )


def _where(slip: Stopped) -> str:
    """The place where the bracket was opened, in words, as seen from where reading stopped."""
    if slip.line_start(slip.at) == slip.line_start(slip.opened):
        return f"in column {len(slip.before(slip.opened)) + 1}"
    lines = len(slip.text[slip.opened : slip.at].splitlines()) - 1
    return f"{lines} line{'s' if lines > 1 else ''} above"


def _bare_template(slip: Stopped) -> NotYaml:
    before = re.search(r"[^\s,:\[\]{}]*\$$", slip.text[max(slip.at - 200, 0) : slip.at])
    start = slip.at - len(before[0]) if before else slip.at
    value = re.compile(r"[^{]*\{[^}\r\n]*\}?[^\s,\]}]*").match(slip.text, start)
    written = value[0] if value else "$"
    return slip.says(
        "`${…}` needs quotes inside brackets",
        label="YAML takes the `{` for the start of a mapping",
        help=f'write "{shown(written)}"',
        start=start,
        end=start + len(written),
    )


def _missing_comma(slip: Stopped, bracket: str) -> NotYaml:
    inside = f"in the `{bracket}` opened {_where(slip)}"
    if slip.character != ":":
        return slip.says("a `,` is missing before this", label=inside, help="add the comma")
    words = re.split(r"[,\[{]|:\s", slip.text[max(slip.opened, slip.at - 1000) : slip.at])[-1].split()
    if len(words) < 2:
        return slip.says(
            "a second `:` in one entry",
            label="a value cannot have a value of its own",
            help="put the value in quotes, or a `,` between two entries",
        )
    start = slip.text.rindex(words[-1], 0, slip.at)
    return slip.says(
        f"a `,` is missing before `{shown(words[-1])}`",
        label=inside,
        help=f"write `{shown(words[-2])}, {shown(words[-1])}:`",
        start=start,
        end=start + len(words[-1]),
    )


def _missing_value(slip: Stopped) -> NotYaml:
    """A comma or closing bracket where a value belongs."""
    opening = _innermost_bracket(slip.text[: slip.at])
    if opening is not None:
        later = slip.line_start(slip.at) > opening and slip.indent(slip.at) <= slip.indent(opening)
        if slip.at_end or (later and slip.character not in (",", _CLOSES[slip.text[opening]])):
            return _never_closed(slip, opening)
        if slip.character == "-":
            return slip.says("a `-` inside brackets", help="inside `[…]` there are commas between entries, no dashes")
    if slip.character and slip.character in "]}":
        return slip.says(f"`{slip.character}` closes nothing", help="remove it, or put it in quotes if it is text")
    return slip.says(
        f"a value is missing before `{shown(slip.character)}`", help="write it, or put the whole text in quotes"
    )


def _innermost_bracket(text: str) -> int | None:
    """The last bracket in the text that is still open; brackets in quotes are counted too."""
    closed = 0
    for match in reversed(list(re.finditer(r"[\[\]{}]", text[-10_000:]))):
        closed += 1 if match[0] in "]}" else -1
        if closed < 0:
            return match.start() + max(len(text) - 10_000, 0)
    return None


def _key_expected(slip: Stopped) -> NotYaml:
    """Something in a block mapping that is no key: a line with another indentation, or text after a value."""
    if not slip.first_in_line():
        return _behind_value(slip)
    if slip.character == ":":
        return slip.says("a key is missing before `:`", label="a line of a mapping is `key: value`", help="write it")
    if slip.character == "-" and len(slip.before(slip.at)) == len(slip.before(slip.opened)):
        return slip.says(
            "a `-` among the keys of a mapping",
            label="this column has keys",
            help="a list stands below its key, all dashes in one column: `layers:` and then `  - …`",
        )
    return _indented_between(slip)


def _behind_value(slip: Stopped) -> NotYaml:
    if slip.character in ("]", "}"):
        return slip.says(f"a `{slip.character}` too many", label="nothing is open here", help="remove it")
    before = slip.before(slip.at).rstrip()
    quote = before[-1:]
    if quote == "'":
        help = "inside '…' write a quote twice: 'it''s'; or use \"…\""
    elif quote == '"':
        help = 'inside "…" write a quote as \\"; or put the whole value in quotes'
    else:
        help = "put the whole value in quotes, or begin a new line"
    return slip.says(
        "something stands behind the end of a value",
        label="the value ends before this",
        help=help,
        end=slip.at + len(slip.rest(slip.at)),
    )


def _dash_expected(slip: Stopped) -> NotYaml:
    """A line in a block list that has no dash."""
    dashes = len(slip.before(slip.opened))
    if slip.first_in_line() and len(slip.before(slip.at)) != dashes:
        return _indented_between(slip)
    line = slip.rest(slip.at)
    return slip.says(
        "a line of a list that does not start with `-`",
        label=f"the dashes of the list stand in column {dashes + 1}",
        help=f"write `- {shown(line)}`; or indent it by {dashes + 2} to belong to the entry above",
        end=slip.at + len(line),
    )


def _indented_between(slip: Stopped) -> NotYaml:
    return slip.says(
        "the indentation of this line fits no line above it",
        label=_indents(slip),
        help="give the keys of one mapping, and the dashes of one list, the same indentation",
        end=slip.at + len(slip.rest(slip.at)),
    )


def _block_expected(slip: Stopped) -> NotYaml:
    """PyYAML's own parser has the same message for mappings and lists; the text tells which was meant."""
    return _dash_expected(slip) if slip.text[slip.opened : slip.opened + 1] == "-" else _key_expected(slip)


def _open_quote(slip: Stopped) -> NotYaml:
    quote = slip.text[slip.opened : slip.opened + 1]
    help = f"end the text with {quote}"
    return slip.says(f"`{quote}` is never closed", label="opened here", help=help, start=slip.opened)


def _list_not_allowed(slip: Stopped) -> NotYaml:
    return slip.says(
        "a list with dashes cannot begin on the line of its key",
        label="the first `-`",
        help="begin it on the next line, or write it in brackets: [1, 2]",
    )


def _key_not_allowed(slip: Stopped) -> NotYaml:
    return NotYaml.lone_question(slip.at)


def _nameless(slip: Stopped) -> NotYaml:
    sign = slip.text[slip.opened : slip.opened + 1]
    return slip.says(
        f"a name is missing after `{sign}`",
        label="`&name` names a value, `*name` repeats it",
        help=f'if it is text, put it in quotes: "{sign}"',
        start=slip.opened,
    )


def _block_text(slip: Stopped) -> NotYaml:
    sign = slip.text[slip.opened : slip.opened + 1]
    if sign == "%":
        return _directive(slip)
    return slip.says(
        f"a text after `{sign}` begins on the next line",
        help=f'if `{sign}` belongs to the text, put it in quotes: "{sign} …"',
        start=slip.opened,
    )


def _directive(slip: Stopped) -> NotYaml:
    start = slip.line_start(slip.at)
    line = slip.rest(start)
    return slip.says(
        "model files have no directives",
        label="YAML takes a line that starts with `%` for one",
        help="remove the line",
        start=start,
        end=start + len(line),
    )


_DIGITS = {"x": 2, "u": 4, "U": 8}


def _escape(slip: Stopped) -> NotYaml:
    slash = slip.text.rfind("\\", slip.opened, slip.at + 1)
    escape = slip.text[slash : slash + 2]
    digits = _DIGITS.get(escape[1:])
    if digits:
        message = f"`{escape}` takes {digits} hexadecimal digits that stand for a character"
    else:
        message = f"`{shown(escape)}` is no escape that YAML knows"
    return slip.says(
        message,
        label="in double quotes `\\` begins an escape",
        help="write \\\\ for a backslash, or put the text in single quotes",
        start=slash,
        end=slash + 2,
    )


def _second_top(slip: Stopped) -> NotYaml:
    return slip.says(
        "something stands behind the end of the model",
        label="the mapping above is complete",
        help="write the whole file as one mapping: one `key: value` a line",
    )


# What the parser says, and how we say it; the first that is found counts.
_WORDINGS: tuple[tuple[str, Callable[[Stopped], NotYaml]], ...] = (
    ("that cannot start any token", _forbidden_start),
    ("a tab character", _tab),
    ("mapping values are not allowed", _value_not_allowed),
    ("could not find expected ':'", _missing_colon),
    ("expected ',' or", _in_brackets),
    ("node content", _missing_value),
    ("did not find expected key", _key_expected),
    ("did not find expected '-' indicator", _dash_expected),
    ("<block end>", _block_expected),
    ("unexpected end of stream", _open_quote),
    ("unexpected document", _open_quote),
    ("sequence entries are not allowed", _list_not_allowed),
    ("mapping keys are not allowed", _key_not_allowed),
    ("alphabetic or numeric character", _nameless),
    ("indentation indicator", _block_text),
    ("expected comment or line break", _block_text),
    ("escape", _escape),
    ("hexdecimal", _escape),
    ("directive", _directive),
    ("incompatible YAML document", _directive),
    ("<document start>", _second_top),
)
