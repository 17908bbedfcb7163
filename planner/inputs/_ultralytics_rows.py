"""The rows of an Ultralytics model file as entries of ours, each with its place in their file.

A row is [from, repeats, module, arguments]. `scales` widen and deepen the network: channels are multiplied and rounded
up to a multiple of eight, repeats are multiplied and rounded.

Source: https://docs.ultralytics.com/guides/model-yaml-config/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from planner.diagnostics import Fault, Path, nearest
from planner.faults.missing_key import MissingKey
from planner.faults.unknown_type import UnknownType
from planner.faults.wrong_value import WrongValue
from planner.inputs import _ultralytics_modules as modules
from planner.inputs._ultralytics_scales import NAME, Scale, is_positive, scale_in
from planner.layers import all_layers
from planner.layers._fields import is_whole
from planner.source import Source, Translated
from planner.words import joined

FORMAT = "an Ultralytics model file"
SIDE, SIDE_OF_CLASSIFIERS = 640, 224
"""Height and width of the image where none is given, as Ultralytics has them."""
MANY_CLASSES = 80
MANY_CHANNELS = 64
"""What is taken for the number of classes, or of channels, after it was told that none is given."""
ROWS: Path = ("blocks", "yolo", "layers")
IMAGE, WORDS = "image", "words"
"""What a network that reads words calls its inputs."""
Argument = tuple[Any, Path]
"""What a row says, or the file around it, and where."""


@dataclass(frozen=True, slots=True)
class _ModuleRow:
    """A row of `backbone` or `head`: its number among both, and its path in the file.

    kind  the layer or block that stands for the module
    """

    number: int
    path: Path
    sources: Any
    repeats: int
    module: str
    kind: str
    args: Sequence[Any]


class Translation:
    """Makes a model file of a model file of Ultralytics, and collects what is wrong in it."""

    def __init__(self, original: Source, scale: str | None) -> None:
        self.original = original
        self.data = original.data
        self.faults: list[Fault] = []
        self.origins: dict[Path, Path] = {}
        self.modern = False
        """Whether a module above is one of `MODERN`."""
        self.image = "input"
        """What stands for the image in the rows."""
        self.words: int | str = WORDS
        """What the row above makes of the words, or where they are."""
        self.activations: dict[str, Any] = {}
        """Blocks for activations with arguments."""
        self.scale = self._scale(scale)
        self.act = self._activation(self.data.get("activation"), ("activation",))
        """What stands in place of SiLU, if anything does."""

    def source(self, input: Sequence[int] | None = None) -> Translated:
        """The model file that is meant."""
        params = {"nc": self._classes()}
        rows = list(self._rows())
        with_words = any(row.module in modules.WITH_WORDS for row in rows)
        self.image = IMAGE if with_words else self.image
        entries = [self._entry(row, (*ROWS, row.number)) for row in rows]
        last = rows[-1] if rows else None
        outputs = self._outputs(last)
        yolo: dict[str, Any] = {"inputs": [IMAGE, WORDS]} if with_words else {}
        yolo |= {"outputs": outputs} if outputs else {}
        data: dict[str, Any] = {"name": name} if (name := self._name()) else {}
        data |= {"use": [modules.LIBRARY], "input": self._input(input, last), "params": params}
        data |= {"outputs": [f"model.{i}" for i in range(len(outputs))]} if outputs else {}
        data["layers"] = [{"name": "model", "type": "yolo" if rows else "Identity"}]
        if with_words:
            shape = ["$nc", modules.WORD]
            embedded = {"name": WORDS, "type": "Buffer", "shape": shape, "channels_last": True, "persistent": False}
            data["layers"] = [embedded, {**data["layers"][0], "from": ["input", WORDS]}]
        data |= {"blocks": {"yolo": {**yolo, "layers": entries}, **self.activations}} if rows else {}
        found = Translated(data, self.original, self.origins, FORMAT)
        found.faults = (*self.original.faults, *self.faults)
        return found

    def say(self, fault: Fault, path: Path) -> None:
        """Record what is wrong at a path of the file."""
        fault.key, fault.mends = path, ()
        self.origins[path] = path
        self.faults.append(fault)

    # What stands beside the rows

    def _classes(self) -> int:
        count = self.data.get("nc")
        self.origins["params", "nc"] = ("nc",)
        if is_whole(count) and count > 0:
            return count
        if "nc" in self.data:
            self.say(WrongValue("nc", "a whole number from 1", count), ("nc",))
        else:
            self.say(MissingKey("nc", FORMAT, str(MANY_CLASSES)), ())
        return MANY_CLASSES

    def _name(self) -> str:
        """The file's name, with the scale behind the version as Ultralytics writes it."""
        stem = (self.original.file or "").rpartition("/")[2].rpartition(".")[0]
        if not re.fullmatch(r"[A-Za-z][\w-]*", stem):
            return ""
        return re.sub(NAME, rf"\g<1>{self.scale.name}", stem, count=1) if self.scale.name else stem

    def _scale(self, wanted: str | None) -> Scale:
        scales = self.data.get("scales")
        if not isinstance(scales, dict) or not scales:
            if wanted is not None:
                self.say(
                    WrongValue("scale", "a file with `scales`, and this has none", wanted, help="leave it out"), ()
                )
            key = next((key for key in ("depth_multiple", "width_multiple") if key in self.data), "nc")
            numbers = [self.data.get("depth_multiple", 1), self.data.get("width_multiple", 1)]
            return self._numbers("", numbers, (key,))
        own = scale_in(self.original.file or "")
        name = wanted or (own if own in scales else next(iter(scales)))
        if name not in scales:
            listed = ", ".join(scales)
            help = f"give one of them: `--scale {next(iter(scales))}`"
            self.say(WrongValue("scale", f"one of {listed}", name, help=help), ("scales",))
            name = next(iter(scales))
        return self._numbers(name, scales[name], ("scales", name))

    def _numbers(self, name: str, values: Any, path: Path) -> Scale:
        if isinstance(values, list) and 2 <= len(values) <= 3 and all(map(is_positive, values)):
            return Scale(name, *(Fraction(str(each)) for each in values))
        help = "write it as [0.33, 0.25, 1024]"
        self.say(WrongValue("a scale", "three numbers: [depth, width, most channels]", values, help=help), path)
        return Scale(name)

    def _activation(self, said: Any, path: Path) -> str | None:
        """`ReLU` for `torch.nn.ReLU()`; the name of a block of its own for one with arguments, `nn.LeakyReLU(0.1)`."""
        if said is None:
            return None
        found = modules.constructed(str(said).strip())
        if found is None:
            help = "write it as nn.ReLU()"
            self.say(WrongValue("activation", "a class, and numbers as its arguments", said, help=help), path)
            return None
        if len(found) == 1:
            return str(found["type"])
        block = {"layers": [found]}
        name = next((name for name, known in self.activations.items() if known == block), None)
        if name is None:
            name = f"activation{len(self.activations) or ''}"
            self.activations[name] = block
            for key in found:
                self.origins["blocks", name, "layers", 0, key] = path
        return name

    def _input(self, given: Sequence[int] | None, last: _ModuleRow | None) -> list[int]:
        channels = next((self.data[key] for key in ("channels", "ch") if is_whole(self.data.get(key))), 3)
        side = SIDE_OF_CLASSIFIERS if last is not None and last.kind == "Classify" else SIDE
        return [side, side, channels] if given is None else list(given)

    def _outputs(self, last: _ModuleRow | None) -> list[str]:
        """What the network gives out, where the last block gives out several tensors."""
        outputs = modules.blocks().get(last.kind, {}).get("outputs", ()) if last is not None else ()
        return [f"{last.number}.{i}" for i in range(len(outputs))] if last is not None else []

    # Rows

    def _rows(self) -> Iterator[_ModuleRow]:
        number = 0
        for part in ("backbone", "head"):
            rows = self.data.get(part)
            if part not in self.data:
                fault: Fault = MissingKey(part, FORMAT, "[…]")
                near = nearest(part, [key for key, value in self.data.items() if isinstance(value, list)])
                fault.help = f"call `{near[0]}` so" if near else fault.help
                self.say(fault, ())
            elif not isinstance(rows, list):
                fault = WrongValue(part, "a list of rows", rows, help=f"write `{part}:` with a row on each line")
                fault.at_key = True
                self.say(fault, (part,))
            for i, row in enumerate(rows if isinstance(rows, list) else ()):
                self.origins[*ROWS, number] = (part, i)
                yield self._row(number, (part, i), row)
                number += 1

    def _row(self, number: int, path: Path, row: Any) -> _ModuleRow:
        if not (isinstance(row, list) and len(row) == 4 and isinstance(row[2], str)):
            said = "four values: [from, repeats, module, arguments]"
            self.say(WrongValue("a row", said, row, help="write it as [-1, 1, Conv, [64, 3, 2]]"), path)
            return _ModuleRow(number, path, number - 1 if number else -1, 1, "nn.Identity", "Identity", ())
        sources, repeats, module, args = row
        if not is_whole(repeats) or repeats < 1:
            self.say(WrongValue("repeats", "a whole number from 1", repeats, help="write 1"), (*path, 1))
            repeats = 1
        if not isinstance(args, list):
            self.say(WrongValue("arguments", "a list", args, help="write them in brackets"), (*path, 3))
            args = []
        self.modern |= module in modules.MODERN
        kind = self._kind(module, (*path, 2))
        return _ModuleRow(number, path, sources, self.scale.repeats(repeats), module, kind, args)

    def _kind(self, module: str, path: Path) -> str:
        """The layer or block that stands for a module. One that nobody knows is told where blocks are called."""
        bare = re.sub(r"^(torch\.)?nn\.", "", module)
        both = self.data.get("end2end") is True
        if bare in modules.blocks():
            if both and bare in modules.WITH_TWO_HEADS:
                return modules.WITH_TWO_HEADS[bare]
            heads = "legacy" in modules.parameters(bare) or bare in modules.ALWAYS_TWO_HEADS
            if heads and both != (bare in modules.ALWAYS_TWO_HEADS):
                said = f"{'false' if both else 'true'} with `{bare}`, which the planner knows so alone"
                self.say(WrongValue("end2end", said, self.data.get("end2end")), ("end2end",) if both else path)
        elif bare == module and bare != "Concat" and bare in all_layers():
            fault = UnknownType(module, (), format=FORMAT)
            fault.help = f"write it as `nn.{bare}`"
            self.say(fault, path)
        return bare

    def _entry(self, row: _ModuleRow, at: Path) -> dict[str, Any]:
        """The entry that a row becomes, which stands at the path `at` of the model file."""
        given = self._arguments(row) | self._beside(row)
        as_argument = modules.takes_repeats(row.module)
        if as_argument:
            given["n"] = (row.repeats, (*row.path, 1))
        in_place = row.repeats > 1 and not as_argument
        within: Path = (*at, "layers", 0) if in_place else at
        self.origins[*within, "type"] = (*row.path, 2)
        entry: dict[str, Any] = {"type": row.kind}
        order = list(modules.parameters(row.module))
        for name in sorted(given, key=lambda name: order.index(name) if name in order else 0):
            value, self.origins[*within, name] = given[name]
            if value != modules.default(row.module, row.kind, name):
                entry[name] = value
        if in_place:
            self.origins[*within, "repeat"] = (*row.path, 1)
            entry = {"layers": [{**entry, "repeat": row.repeats}]}
        sources = self._sources(row)
        if row.module in modules.WITH_WORDS:
            sources = self._with_words(row, sources)
        self.origins[*at, "from"] = (*row.path, 0)
        return entry if sources is None else {**entry, "from": sources}

    # Arguments

    def _arguments(self, row: _ModuleRow) -> dict[str, Argument]:
        """The arguments of a row by their names."""
        names = modules.arguments(row.module, row.kind)
        if names is None or row.kind in ("BatchNorm2d", "CBFuse"):
            return {}
        if len(row.args) > len(names):
            takes = f"at most {len(names)} arguments: {', '.join(names)}" if names else "no arguments"
            fault = WrongValue(f"a row with `{row.module}`", takes, len(row.args), help="leave out the others")
            self.say(fault, (*row.path, 3, len(names)))
        found = {}
        for i, (name, raw) in enumerate(zip(names, row.args, strict=False)):
            path: Path = (*row.path, 3, i)
            first = i == 0 and name in ("c2", "out_channels") and row.module not in modules.UNSCALED
            if row.module == "C2fAttn" and name in ("ec", "nh") and is_whole(raw):
                value = self.scale.likened(raw) if name == "ec" else self.scale.heads(raw)
            else:
                value = self._widened(name, raw, path) if first or name == "npr" else self._argument(name, raw, path)
            if value is not None:
                found[name] = (value, path)
        return self._of_torchvision(found) if row.module == "TorchVision" else found

    def _of_torchvision(self, given: dict[str, Argument]) -> dict[str, Argument]:
        """The arguments of a network of torchvision that our block has; it is told what others say besides."""
        known = {"model": modules.TORCHVISION, "unwrap": (True,), "split": (False,)}
        for name, values in known.items():
            value, path = given.get(name, (values[0], ()))
            if value not in values:
                choices = joined([str(each).lower() for each in values], "or")
                said = f"{choices} with `TorchVision`, which the planner knows so alone"
                self.say(WrongValue(name, said, value), path)
                given[name] = (values[0], path)
        return {name: each for name, each in given.items() if name in modules.parameters("TorchVision")}

    def _argument(self, name: str, raw: Any, path: Path) -> Any:
        """An argument as a model file says it; None where it says no more than its default."""
        if name == "act" and isinstance(raw, bool):
            return None if raw else "Identity"
        if name in ("k", "s") and isinstance(raw, list) and raw and all(each == raw[0] for each in raw):
            return raw[0]  # one for each axis
        if not isinstance(raw, str):
            return raw
        if raw in ("None", "nc"):
            return "$nc" if raw == "nc" else None
        if name == "act":
            return self._activation(raw, path)
        return raw if isinstance(self.data.get(raw), dict | None) else self.data[raw]

    def _widened(self, name: str, raw: Any, path: Path) -> int:
        count = self.data.get(raw) if isinstance(raw, str) else raw
        if is_whole(count) and count > 0:
            return self.scale.channels(count)
        self.say(WrongValue(name, "a whole number from 1", raw, help="give the number of channels"), path)
        return self.scale.channels(MANY_CHANNELS)

    def _beside(self, row: _ModuleRow) -> dict[str, Argument]:
        """The arguments that a module has from elsewhere: from the file, the scale, or the rows above."""
        params, found = modules.parameters(row.kind), dict[str, Argument]()
        if "reg_max" in params and "reg_max" in self.data:
            found["reg_max"] = (self.data["reg_max"], ("reg_max",))
        if "legacy" in params and not self.modern:
            found["legacy"] = (True, row.path)
        if "maps" in params:
            count = max(len(row.sources), 1) if isinstance(row.sources, list) else 1
            known = row.kind == "CBFuse" or 2 <= count <= modules.MOST_MAPS
            found["maps"] = (count if known else modules.MAPS, (*row.path, 0))
        if self._follows_activation(row):
            found["act"] = (self.act, ("activation",))
        if row.module == "C3k2" and self.scale.name in ("m", "l", "x"):
            found["c3k"] = (True, ("scales", self.scale.name))
        if row.module == "A2C2f" and self.scale.name in ("l", "x"):
            found |= {"residual": (True, ("scales", self.scale.name)), "mlp_ratio": (1.2, ("scales", self.scale.name))}
        if row.module == "SPPF" and len(row.args) > 2:
            found["bare"] = (True, (*row.path, 3, 2))
        if row.module == "CBLinear" and row.args and isinstance(row.args[0], list):
            found["c2"] = (sum(filter(is_whole, row.args[0])), (*row.path, 3, 0))
        return found

    def _said(self, row: _ModuleRow) -> list[str]:
        """The names of the arguments that a row gives."""
        return (modules.arguments(row.module, row.kind) or [])[: len(row.args)]

    def _follows_activation(self, row: _ModuleRow) -> bool:
        """Whether the file's activation is an argument of a module; it is told where one has SiLU alone."""
        params = modules.parameters(row.kind)
        if self.act in (None, "SiLU") or not params or row.module in modules.OWN_ACTIVATION:
            return False
        if "act" not in params:
            said = f"SiLU with `{row.module}`, which the planner knows with that alone"
            self.say(WrongValue("activation", said, self.data.get("activation")), (*row.path, 2))
        return "act" in params and "act" not in self._said(row)

    # Sources

    def _sources(self, row: _ModuleRow) -> Any:
        """What an entry reads, by the numbers of entries; None where it is the entry above."""
        is_head = "branches" in modules.parameters(row.kind)
        if row.sources == []:
            self.say(WrongValue("from", "one row or more", [], help="write -1 for the row above"), (*row.path, 0))
            above = row.number - 1 if row.number else self.image
            return [above] * modules.MAPS if is_head else above
        if not isinstance(row.sources, list):
            found = self._source(row, row.sources, (*row.path, 0))
            if is_head or row.kind in modules.WITH_SEVERAL:
                said = f"a list of rows for `{row.module}`"
                self.say(WrongValue("from", said, row.sources, help="write it as [-1, 6]"), (*row.path, 0))
            return [found] * modules.MAPS if is_head else None if found in (row.number - 1, "input") else found
        several = [self._source(row, each, (*row.path, 0, i)) for i, each in enumerate(row.sources)]
        if is_head and not 2 <= len(several) <= modules.MOST_MAPS:
            said, help = f"two to {modules.MOST_MAPS} rows for `{row.module}`", "list a row for each map"
            self.say(WrongValue("from", said, len(several), help=help), (*row.path, 0))
            return several[:1] * modules.MAPS
        if row.kind == "CBFuse" and row.args and isinstance(row.args[0], list):
            parts = [f"{each}.{part}" for each, part in zip(several[:-1], row.args[0], strict=False)]
            return [several[-1], *parts]
        return several

    def _with_words(self, row: _ModuleRow, sources: Any) -> list[Any]:
        """What a module that reads words does: a head as they come in, another as the rows above have changed them."""
        above = row.number - 1 if row.number else self.image
        maps = sources if isinstance(sources, list) else [above if sources is None else sources]
        words = WORDS if "reg_max" in modules.parameters(row.kind) else self.words
        if row.module == "ImagePoolingAttn":
            self.words = row.number
        return [words, *maps]

    def _source(self, row: _ModuleRow, raw: Any, path: Path) -> int | str:
        """The entry that a number means: from 0 on, or from the row itself back."""
        if row.number == 0:
            if raw != -1:
                self.say(WrongValue("from", "-1 in the first row, for the image", raw, help="write -1"), path)
            return self.image
        number = raw + row.number if is_whole(raw) and raw < 0 else raw
        if is_whole(number) and 0 <= number < row.number:
            return number
        said = f"the number of a row above, from 0 to {row.number - 1}, or from -1 back to -{row.number}"
        self.say(WrongValue("from", said, raw, help="write -1 for the row above"), path)
        return row.number - 1
