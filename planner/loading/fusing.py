"""Which entries of one side stand one above another in an entry of the other: `q_proj`, `k_proj`, `v_proj` in `qkv`.

Names say what is meant, sizes whether it can be so. What stands in parts is put together under the name that the other
side has for the whole, so that names and order are looked at as if it had been so; `StateMatch` takes it apart again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from planner.checkpoints import SavedTensor
from planner.comparison.state import StateEntry
from planner.layers._layer import Sizes

QKV, KV, GATE_UP, W12, W13 = ("q", "k", "v"), ("k", "v"), ("gate", "up"), ("w1", "w2"), ("w1", "w3")
WHOLES = {"qkv": QKV, "Wqkv": QKV, "c_attn": QKV, "kv": KV, "gate_up": GATE_UP, "w12": W12, "w13": W13}
"""Names of layers that hold several, with what they hold in that order. `query_key_value` is not among them: networks
with it keep the three head by head."""
HEAD_BY_HEAD = "query_key_value"
IN_PROJ = "in_proj"
"""What nn.MultiheadAttention calls its weight and its bias for all three: `in_proj_weight`."""
PARTS = {
    "q": "q", "query": "q", "wq": "q", "k": "k", "key": "k", "wk": "k", "v": "v", "value": "v", "wv": "v",
    "gate": "gate", "up": "up", "w1": "w1", "w2": "w2", "w3": "w3",
}  # fmt: skip
"""Words in the names of layers that hold one of these."""
BESIDE = frozenset({"to", "proj", "projection", "lin", "linear", "fc", "layer", "dense", "w"})
"""Words that may stand beside them."""
ENTRY = re.compile(r"(?:(.+)\.)?([^.]+)([._])(weight|bias)")


class WholeName(NamedTuple):
    """How a whole is called: `qkv` with a dot before `weight`, `in_proj` with an underscore."""

    token: str
    mark: str

    def name(self, module: str, own: str) -> str:
        return f"{module}.{self.token}{self.mark}{own}".removeprefix(".")


class Fusing(NamedTuple):
    """The sizes of both sides by names, put together alike; and by such names, the names that they are for."""

    ours: dict[str, Sizes]
    theirs: dict[str, Sizes]
    our_parts: dict[str, list[str]]
    their_parts: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Joint:
    """One entry of one side, and those of the other that stand in it one above another.

    name  the name of the whole, as the file would have it
    """

    name: str
    file: tuple[StateEntry, ...]
    checkpoint: tuple[SavedTensor, ...]

    @property
    def splits(self) -> bool:
        """Whether it is the file that has the parts."""
        return len(self.file) > 1

    @property
    def ours(self) -> Sizes:
        return stacked([each.sizes for each in self.file])

    @property
    def theirs(self) -> Sizes:
        return stacked([each.sizes for each in self.checkpoint])

    @property
    def fits(self) -> bool:
        return self.ours == self.theirs

    @property
    def torch(self) -> str:
        """The line of Python that puts it right in a `state` with PyTorch's tensors."""
        names = [f"state.pop({each.name!r})" for each in self.checkpoint]
        if not self.splits:
            return f"state[{self.name!r}] = torch.cat([{', '.join(names)}])"
        left = ", ".join(f"state[{each.name!r}]" for each in self.file)
        return f"{left} = {names[0]}.split({[each.sizes[0] for each in self.file]})"


def stacked(sizes: Sequence[Sizes]) -> Sizes:
    """The sizes of what stands one above another."""
    return (sum(each[0] for each in sizes), *sizes[0][1:])


def fused(ours: Mapping[str, Sizes], theirs: Mapping[str, Sizes]) -> Fusing:
    """The entries of both sides, where what one has in one and the other in parts is put together."""
    mine, other = _FusableSide(ours, theirs), _FusableSide(theirs, ours)
    our_parts, their_parts = mine.together(other), other.together(mine) | other.called(mine)
    return Fusing(_put(ours, our_parts), _put(theirs, their_parts), our_parts, their_parts)


def _put(sizes: Mapping[str, Sizes], parts: Mapping[str, list[str]]) -> dict[str, Sizes]:
    """Sizes by names, where a whole stands in the place of the first of its parts."""
    first = {some[0]: whole for whole, some in parts.items()}
    inside = {name for some in parts.values() for name in some}
    found: dict[str, Sizes] = {}
    for name, each in sizes.items():
        if name in first:
            found[first[name]] = stacked([sizes[part] for part in parts[first[name]]])
        elif name not in inside:
            found[name] = each
    return found


class _FusableSide:
    """What one side has, and the other has not by these names: wholes and parts, module by module.

    wholes  by what they hold, by the module around them: their forms, with the names of their entries
    parts   by the module around them, by the words beside and the entry: the names by what they are
    """

    def __init__(self, sizes: Mapping[str, Sizes], against: Mapping[str, Sizes]) -> None:
        self.sizes = sizes
        self.wholes: dict[tuple[str, ...], dict[str, dict[WholeName, dict[str, str]]]] = {}
        self.parts: defaultdict[str, defaultdict[tuple[str, ...], dict[str, dict[str, str]]]]
        self.parts = defaultdict(lambda: defaultdict(dict))
        for name, each in sizes.items():
            found = ENTRY.fullmatch(name) if each and name not in against else None
            if found is None:
                continue
            module, token, mark, own = found[1] or "", *found.groups()[1:]
            if roles := _whole(token, mark):
                at = self.wholes.setdefault(roles, {}).setdefault(module, {})
                at.setdefault(WholeName(token, mark), {})[own] = name
            elif part := _part(token):
                role, beside = part
                self.parts[module][(*beside, mark)].setdefault(own, {})[role] = name

    def form(self, module: str, roles: tuple[str, ...]) -> WholeName | None:
        """What a whole in a module is called, here or, where there is none, everywhere."""
        at = self.wholes.get(roles, {})
        forms = {*at[module]} if module in at else {form for each in at.values() for form in each}
        return forms.pop() if len(forms) == 1 else None

    def roles(self, module: str) -> tuple[str, ...] | None:
        """What a whole in a module holds, here or, where there is none, everywhere."""
        found = [roles for roles, at in self.wholes.items() if module in at] or [*self.wholes]
        return found[0] if len(found) == 1 else None

    def together(self, other: _FusableSide) -> dict[str, list[str]]:
        """What stands in parts here and in one on the other side: the names of the parts by that of the whole."""
        found: dict[str, list[str]] = {}
        for module, groups in self.parts.items():
            roles = other.roles(module)
            form = other.form(module, roles) if roles else None
            if roles is None or form is None:
                continue
            whole = [by_own for by_own in groups.values() if any({*roles} <= {*each} for each in by_own.values())]
            for own, by_role in whole[0].items() if len(whole) == 1 else ():
                names = [by_role[role] for role in roles if role in by_role]
                name = form.name(module, own)
                alike = len({self.sizes[each][1:] for each in names}) == 1
                if len(names) == len(roles) and alike and name not in self.sizes:
                    found[name] = names
        return found

    def called(self, other: _FusableSide) -> dict[str, list[str]]:
        """What stands in one on both sides and is called otherwise on the other: the name here by the one there."""
        found: dict[str, list[str]] = {}
        for roles, modules in self.wholes.items():
            for module, forms in modules.items():
                form = other.form(module, roles)
                if form is None or len(forms) > 1 or form in forms:
                    continue
                for entries in forms.values():
                    names = {form.name(module, own): [name] for own, name in entries.items()}
                    found |= {name: each for name, each in names.items() if name not in self.sizes}
        return found


def _whole(token: str, mark: str) -> tuple[str, ...] | None:
    """What a layer of this name holds one above another; None where it is no such name."""
    if mark == "_":
        return QKV if token == IN_PROJ else None
    for key, roles in WHOLES.items():
        before, found, behind = f"_{token}_".partition(f"_{key}_")
        if found and {*before.split("_"), *behind.split("_")} <= BESIDE | {""}:
            return roles
    return None


def _part(token: str) -> tuple[str, tuple[str, ...]] | None:
    """Which part a layer of this name is, and the words beside, with nothing where the part's own stands."""
    words = token.lower().split("_")
    roles = [PARTS[word] for word in words if word in PARTS]
    beside = tuple("" if word in PARTS else word for word in words)
    return (roles[0], beside) if len(roles) == 1 and {*beside} <= BESIDE | {""} else None


def block_of(name: str) -> str:
    """The block around the layer that has an entry: `attn` for `attn.qkv.weight` and for `attn.in_proj_weight`."""
    found = ENTRY.fullmatch(name)
    return (found[1] or "") if found else ""


def rows_text(sizes: Sequence[Sizes]) -> str:
    """The sizes of parts that stand one above another: `3·192×192`, `(2,048 + 512 + 512)×2,048`."""
    rows = [each[0] for each in sizes]
    runs = [(row, len([*some])) for row, some in groupby(rows)]
    text = " + ".join(f"{count}·{row}" if count > 1 else f"{row}" for row, count in runs)
    return "×".join([f"({text})" if len(runs) > 1 and len(sizes[0]) > 1 else text, *map(str, sizes[0][1:])])
