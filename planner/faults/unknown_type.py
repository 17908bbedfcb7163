from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from planner.diagnostics import Edit, Fault, did_you_mean, nearest
from planner.faults._written_elsewhere import CONSUMED, Meaning, meanings, plain, synonyms

RawEntry = Mapping[str, Any]
"""An entry of the file: its type, and its arguments."""
ALIKE = 0.75
"""How alike a name must be to be taken for a misspelling, where 1 is equal: with less, Max would be Softmax."""


class UnknownType(Fault):
    """`type` names neither a layer that the planner knows nor a block of the model file.

    Why it matters: without its shape rule, nothing after the layer can be planned.

    When to ignore it: never.

    How to fix it: types are PyTorch's class names, with their capitals (`Conv2d`, `BatchNorm2d`); functions have names
    like classes (`Add`, `Concat`). A block's name is written as under `blocks:`. Names and arguments of Keras,
    TensorFlow and PyTorch's functions are answered with the layer that they mean, where there is one.
    """

    code = "NSP113"
    slip = "word"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: conv2, out_channels: 8, kernel_size: 3}  # NSP113
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
        known: Iterable[str],
        *,
        given: Mapping[str, Any] = {},
        library: str = "",
        format: str = "",
        sizes: Sequence[int] | None = None,
        sources: int = 1,
        fits: Callable[[RawEntry], bool] | None = None,
        takes: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        """Propose what may be meant and fits the place.

        given    the arguments of the entry
        library  the library that has a block of this name
        format   what the file is where it is no model file, in which no block can be defined
        sizes    of what it reads, channels last; None where that is not known
        sources  how many tensors it reads
        fits     whether an entry would be planned there
        takes    the arguments that a type takes
        """
        known = set(known)
        meant = _meant(name, known, given, sizes, sources, takes)
        fitting = [entry for entry in meant if fits is None or fits(entry)]
        self.proposed = fitting or [entry for entry in meant if set(entry) == {"type"} | set(given)][:1]
        label, help = "not a layer type, nor a block of this file", ""
        without = next((each.without for each in meanings(name, given, sizes, sources) if each.without), "")
        if format:
            label, help = "nothing here stands for this module", did_you_mean(name, known)
        super().__init__(
            f"there is no layer or block `{name}`",
            label=label,
            help=help
            if format
            else f"it is a block of a library: `use: [{library}]`"
            if library and not self.proposed
            else _help(name, given, self.proposed, without),
            key="type",
            mends=[_edits(entry, given, takes) for entry in fitting[:2]],
        )


def _meant(
    name: str,
    known: set[str],
    given: Mapping[str, Any],
    sizes: Sequence[int] | None,
    sources: int,
    takes: Callable[[str], Sequence[str]] | None,
) -> list[RawEntry]:
    """Entries that may be meant: layers that are called so elsewhere, then those with a name that is alike."""
    same = [Meaning(each) for each in sorted(known) if plain(each) == plain(name)]
    elsewhere = meanings(name, given, sizes, sources)
    found = [*same, *(each for each in elsewhere if each.type in known)]
    if not elsewhere:
        rank = len(sizes) - 1 if sizes else 2
        close = [each for each in nearest(name, known, 6) if _alike(name, each) >= ALIKE]
        close.sort(key=lambda each: (-round(_alike(name, each), 1), not each.endswith(f"{rank}d")))
        found += map(Meaning, close)
    return [_entry(each, given, takes) for each in found]


def _alike(a: str, b: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, a.lower(), b.lower()).ratio()


def _entry(meaning: Meaning, given: Mapping[str, Any], takes: Callable[[str], Sequence[str]] | None) -> RawEntry:
    """The entry that is meant, with the arguments that are given under the names that the layer has for them."""
    known = list(takes(meaning.type)) if takes is not None else []
    consumed = CONSUMED.get(meaning.type, ()) if meaning.args or meaning.type == "Flatten" else ()
    args = {}
    for key, value in given.items():
        if key in consumed and key not in meaning.args and (key not in known or meaning.args):
            continue
        near = synonyms(key, known) if key not in known else []
        args[near[0] if near and near[0] not in given else key] = value
    return {"type": meaning.type, **args, **meaning.args}


def _edits(entry: RawEntry, given: Mapping[str, Any], takes: Callable[[str], Sequence[str]] | None) -> tuple[Edit, ...]:
    """What makes the entry what is meant."""
    known = list(takes(entry["type"])) if takes is not None else []
    renamed = {
        key: near[0] for key in given if key not in entry and (near := synonyms(key, known)) and near[0] in entry
    }
    removed = [Edit((key,), action="remove") for key in given if key not in entry and key not in renamed]
    added = [
        Edit((key,), value)
        for key, value in entry.items()
        if key != "type" and key not in renamed.values() and (key not in given or given[key] != value)
    ]
    moved = [Edit((key,), near, "rename") for key, near in renamed.items()]
    return (Edit(("type",), entry["type"]), *moved, *removed, *added)


def _help(name: str, given: Mapping[str, Any], proposed: Sequence[RawEntry], without: str) -> str:
    if proposed:
        entry = proposed[0]
        if set(entry) == {"type"} | set(given):
            return f"did you mean `{entry['type']}`?"
        said = ", ".join(f"{key}: {_written(value)}" for key, value in entry.items())
        return f"write it as {{{said}}}"
    return without or f"define it under `blocks:`, as `{name}: {{layers: […]}}`"


def _written(value: object) -> str:
    return (
        {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)
    )
