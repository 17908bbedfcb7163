"""What a module has under which name: parts, and for names with dots further modules, which have these.

A part of the name `head.conv` is the module `conv` of the module `head`. Where no part is called `head`, that is a
module that only has others: a list or a dictionary of them where their names are numbers, and else an `nn.Module`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from planner.classes.expressions import quoted
from planner.classes.names import TAKEN, is_attribute
from planner.classes.parts import Part


@dataclass
class Member:
    """What a module has under one name.

    code   finds it
    place  is where something else can be put in its stead
    part   has this name itself; None where the module is there for its members alone
    """

    code: str
    place: str
    part: Part | None = None
    members: dict[str, Member] = field(default_factory=dict)

    @cached_property
    def container(self) -> str:
        """The class of a module that is there for its members alone."""
        parts = [each.part for each in self.members.values()]
        odd = any(part is not None and (part.when or part.count or part.is_constant) for part in parts)
        kinds = {kind_of(part) for part in parts}
        if odd or len(kinds) > 1 or not all(label.isdecimal() for label in self.members):
            return "nn.Module"
        numbered = set(self.members) == set(map(str, range(len(self.members))))
        if kinds == {"module"}:
            return "nn.ModuleList" if numbered else "nn.ModuleDict"
        return "nn.ParameterList" if numbered and kinds == {"parameter"} else "nn.Module"

    @property
    def is_list(self) -> bool:
        """Whether it is a list of its members, which numbers them."""
        return self.part is None and self.container.endswith("List")

    @property
    def in_order(self) -> list[tuple[str, Member]]:
        """Its members by their names, in the order in which they are made."""
        return sorted(self.members.items(), key=lambda each: int(each[0])) if self.is_list else [*self.members.items()]

    def all(self) -> Iterator[Member]:
        """The member, and all within it."""
        yield self
        for each in self.members.values():
            yield from each.all()


def members_of(labels: Iterable[tuple[Part, str]]) -> dict[str, Member]:
    """What a class has under the names of its parts."""
    root = Member("self", "self")
    for part, label in labels:
        found = root
        for piece in label.split("."):
            found = found.members.setdefault(piece, Member("", ""))
        found.part = part
    for label, each in root.members.items():
        _find(each, root.code, label)
    return root.members


def _find(member: Member, owner: str, label: str, kind: str = "nn.Module") -> None:
    """Note how a member of an owner of this kind is found, and its own members."""
    if kind != "nn.Module":
        member.code = member.place = f"{owner}[{quoted(label) if kind == 'nn.ModuleDict' else label}]"
    elif is_attribute(label):
        member.code = member.place = f"{owner}.{label}"
    else:
        own = kind_of(member.part)
        member.place = f"{owner}._{own}s[{quoted(label)}]"
        getter = "get_submodule" if own == "module" else f"get_{own}"
        member.code = member.place if is_hidden(label) else f"{owner}.{getter}({quoted(label)})"
    for each, inner in member.members.items():
        _find(inner, member.code, each, member.container if member.part is None else "nn.Module")


def member_named(members: Mapping[str, Member], label: str) -> Member:
    """The member of a name with dots."""
    first, *others = label.split(".")
    member = members[first]
    for each in others:
        member = member.members[each]
    return member


def is_hidden(label: str) -> bool:
    """Whether a module or its containers have something else under this name, which hides a member and which
    `add_module` refuses to replace.
    """
    return label in TAKEN or label.startswith("_")


def kind_of(part: Part | None) -> str:
    """What PyTorch calls a member: a `module`, a `parameter`, or a `buffer`."""
    return part.calls[-1].target.removeprefix("nn.").lower() if part is not None and part.is_tensor else "module"
