import math
import re
from collections.abc import Sequence

from planner.diagnostics import Edit, Fault, Path


class WrongValue(Fault):
    """A value of the wrong kind or out of its range: text where a number belongs, `true` for 1, a stride of 0.

    Why it matters: the layer cannot be built. Nothing is converted silently: `"8"` is text, `true` is not 1.

    When to ignore it: never.

    How to fix it: the message says what belongs there and what was given.
    """

    code = "NSP112"
    slip = "word"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: "8", kernel_size: 3}  # NSP112
        """
    fixed = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3}
        """
    good = fixed

    def __init__(
        self,
        name: str,
        wanted: str,
        received: object,
        *,
        help: str = "",
        key: Path | None = None,
        instead: Sequence[object] = (),
    ) -> None:
        """`instead` are values that may have been meant."""
        meant = [*instead, *_meant(received)]
        example = _shown(meant[0]) if meant else _example(wanted, received)
        known = f"write `{name}: {example}`" if example else f"give {name} {wanted}"
        super().__init__(
            f"{name if ' ' in name else f'`{name}`'} takes {wanted}",
            label=f"received {_shown(received)}",
            help=help or known,
            key=(name,) if key is None else key,
            mends=[(Edit((), each),) for each in meant],
        )


def _example(wanted: str, received: object) -> str:
    """The value of the wanted kind that is nearest; "" for lists, and where no number or truth value is wanted."""
    if isinstance(received, list | tuple):
        return ""
    if wanted.startswith("a whole number"):
        least = int(found[1]) if (found := re.match(r"a whole number from (\d+)", wanted)) else 1
        return str(max(int(received), least) if isinstance(received, float) and math.isfinite(received) else least)
    return "true" if wanted == "true or false" and received else "false" if wanted == "true or false" else ""


def _meant(received: object) -> list[object]:
    """The number, or the truth value, that a text in quotes looks like."""
    if isinstance(received, str) and received.lstrip("-").isdecimal() and len(received) < 20:
        return [int(received)]
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return [words[received.lower()]] if isinstance(received, str) and received.lower() in words else []


def _shown(value: object) -> str:
    """A value as a model file would write it, with its kind where that is what is wrong; long ones are cut."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value[:40]}{"…" if len(value) > 40 else ""}"'
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        parts = [f'"{each}"' if isinstance(each, str) else _shown(each) for each in value[:30]]
        return _cut(f"[{', '.join(parts)}{', …' if len(value) > len(parts) else ''}]")
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
