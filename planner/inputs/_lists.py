"""Lists of entries: what the calls of modules in a graph become before any of them is a block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from planner.inputs._following import Following, sizes_of
from planner.inputs._graph import Graph, GraphNode, ModuleCall, NotFollowing, NotSayable, Output
from planner.inputs._telling import Telling
from planner.layers import all_layers

EntryData = dict[str, Any]


@dataclass(eq=False)
class FoldedBlock:
    """A block of the file: its name, its parameters with the values that all calls share, its entries."""

    name: str
    params: dict[str, Any]
    inputs: list[str] | None
    outputs: list[str] | None
    entries: list[EntryData]


@dataclass(eq=False)
class Item:
    """One entry of a list that is being written: a step, or a call of a module with its list.

    name     the name that the network gives it; None for one that is only a function
    reads    what comes in, in order
    gives    what goes out, in order
    shares   the earlier item that is the same module
    """

    name: str | None
    reads: list[Output]
    gives: list[Output]
    step: GraphNode | None = None
    body: Body | None = None
    called: str | None = None
    shares: Item | None = None

    @property
    def gives_one(self) -> bool:
        """Whether there is one tensor that it gives where nothing says which."""
        return len(self.gives) == 1 or (self.step is not None and not self.gives[0].numbered)


@dataclass(eq=False)
class Body:
    """A list of entries that is being written.

    kind     the class of the module
    known    how the list calls what comes in, where it has other names for that than its place
    telling  what numbers follow from
    """

    kind: str
    path: str
    items: list[Item]
    reads: list[Output]
    gives: list[Output]
    known: dict[Output, str] = field(default_factory=dict)
    block: FoldedBlock | None = None
    values: dict[str, Any] = field(default_factory=dict)
    entries: list[EntryData] = field(default_factory=list)
    telling: Telling | None = None

    @property
    def gives_its_last(self) -> bool:
        """Whether what the list gives is what its last item gives."""
        last = self.items[-1]
        return not self.gives or (last.gives_one and self.gives == last.gives[:1])

    @cached_property
    def givers(self) -> dict[Output, Item]:
        """The first item that gives each tensor."""
        return {output: item for item in reversed(self.items) for output in item.gives}

    @property
    def inner(self) -> list[Body]:
        """The lists within the list."""
        return [item.body for item in self.items if item.body is not None]


def listed(graph: Graph) -> Body:
    """The outermost list of a graph, with all lists within it; every item has its name."""
    body = _body(graph.top, graph.outputs, graph.opened)
    alone = len(graph.inputs) == 1
    body.known = {Output(step): "input" if alone else name for name, step in graph.inputs.items()}
    telling = Telling(graph.inputs, graph.varied)
    graph.doubts = telling.doubts
    _name_all(body)
    _tell_all(body, telling)
    return body


def _tell_all(body: Body, telling: Telling) -> None:
    body.telling = telling
    for each in body.inner:
        _tell_all(each, telling)


# Lists


def _body(scope: ModuleCall, needed: Sequence[Output], opened: Collection[str]) -> Body:
    """The list of a call, with the lists within it."""
    steps = _steps(scope)
    inside = set(steps)
    made = [*dict.fromkeys(each for each in needed if each.step in inside)]
    reads = [*dict.fromkeys(each for step in steps for each in step.sources if each.step not in inside)]
    items: list[Item] = []
    first: dict[str, Item] = {}

    def add(item: Item) -> None:
        """Add an item; of a module that is called again, one that shares the weights of the first."""
        items.append(item)
        if item.name is not None:
            item.shares = first.get(item.name)
            if first.setdefault(item.name, item) is not item:
                item.name = None

    for member in _dissolved(scope, opened):
        if isinstance(member, GraphNode):
            add(_item(member, scope))
        elif own := _steps(member):
            place = {step: i for i, step in enumerate(own)}
            outside = [each for step in steps if step not in place for each in step.sources] + list(needed)
            read = {each for each in outside if each.step in place}
            child = _body(member, sorted(read, key=lambda each: (place[each.step], each.number)), opened)
            add(Item(_relative(member.path, scope.path), child.reads, child.gives, body=child))
    return Body(scope.kind, scope.path, _grouped(items, scope, made, opened), reads, made)


def _steps(scope: ModuleCall) -> list[GraphNode]:
    found: list[GraphNode] = []
    for member in scope.members:
        found += _steps(member) if isinstance(member, ModuleCall) else [member]
    return found


def _item(step: GraphNode, scope: ModuleCall) -> Item:
    name = _relative(step.path, scope.path) if step.path is not None else None
    several = len(step.shapes[0]) > 1
    extras = all_layers()[step.type].extras
    gives = [Output(step, i, several and not (extras and not i)) for i in range(len(step.shapes[0]))]
    return Item(name, list(step.sources), gives, step)


def _relative(path: str, base: str) -> str:
    return path[len(base) + 1 :] if base else path


def _dissolved(scope: ModuleCall, opened: Collection[str]) -> Iterator[GraphNode | ModuleCall]:
    """The members of a call. Those of a call without weights are put in its place, and those of a call that is opened
    or has weights of its own, since a block has none.
    """
    for member in scope.members:
        if isinstance(member, ModuleCall) and (
            member.path in opened
            or not any(each.path is not None for each in _steps(member))
            or any(isinstance(each, GraphNode) and each.path == member.path for each in member.members)
        ):
            yield from _dissolved(member, opened)
        else:
            yield member


def _grouped(items: list[Item], scope: ModuleCall, made: Sequence[Output], opened: Collection[str]) -> list[Item]:
    """Items with dotted names, `blocks.0` and `blocks.1`, in a list of the name `blocks`, where nothing else that has
    weights stands between them.
    """

    def head_of(item: Item) -> str:
        """The name of the list in which an item stands; nothing for one that stands in none."""
        named = item.shares or item
        head, dot, _ = (named.name or "").partition(".")
        return head if dot else ""

    for head in dict.fromkeys(map(head_of, items)):
        at = [i for i, item in enumerate(items) if head_of(item) == head]
        between = items[at[0] : at[-1] + 1]
        if head in ("", "input") or any((item.shares or item).name and head_of(item) != head for item in between):
            continue
        path = f"{scope.path}.{head}" if scope.path else head
        if path in opened or any(not owner.startswith(f"{path}.") for item in between for owner in _owners(item)):
            continue
        for item in between:
            item.name = item.name and item.name.partition(".")[2]
        own = [each for item in between for each in item.gives]
        reads = [*dict.fromkeys(each for item in between for each in item.reads if each not in own)]
        outside = {*made, *(each for item in (*items[: at[0]], *items[at[-1] + 1 :]) for each in item.reads)}
        gives = [each for each in own if each in outside]
        within = _grouped(between, ModuleCall(path, "ModuleList"), gives, opened)
        inner = Body("ModuleList", path, within, reads, gives)
        items = [*items[: at[0]], Item(head, reads, gives, body=inner), *items[at[-1] + 1 :]]
    return items


def _owners(item: Item) -> Iterator[str]:
    """The names of the weights that layers in an item are tied to."""
    if item.step is not None:
        yield from item.step.ties.values()
    for each in item.body.items if item.body is not None else ():
        yield from _owners(each)


# Names


def _name_all(body: Body) -> None:
    """Say how the list calls every item, and do so for the lists within: by its own name, by its number, or by one
    that is made of its type.
    """
    numbered = is_numbered(body)
    taken = {item.name for item in body.items if item.name} | {"input", *inputs_of(body), *body.known.values()}
    tried: Counter[str] = Counter()
    for i, item in enumerate(body.items):
        item.called = str(i) if numbered else item.name or _unused(item, taken, tried)
        taken.add(item.called)
        if item.body is not None:
            _name_all(item.body)


def _unused(item: Item, taken: Collection[str], tried: Counter[str]) -> str:
    """A name that no other item has: the type in lower case, or that of the module that is called again. `tried` has
    the number at which the search for each goes on.
    """
    kind = item.step.type.lower() if item.step is not None else "part"
    base = str(item.shares.called).replace(".", "_") if item.shares is not None else kind
    while (name := f"{base}_{tried[base]}" if tried[base] else base) in taken:
        tried[base] += 1
    return name


def is_numbered(body: Body) -> bool:
    """Whether the names of a list are the positions of its items."""
    names = [item.name for item in body.items]
    if any(item.shares for item in body.items):
        return False
    return any(names) and all(name is None or name == str(i) for i, name in enumerate(names))


def inputs_of(body: Body) -> list[str]:
    return ["input"] if len(body.reads) == 1 else [f"x{i}" for i in range(len(body.reads))]


def called(body: Body, output: Output) -> str:
    """How a list calls what one of its items gives, or what comes in."""
    item = _giver(body, output)
    if item is None:
        return body.known.get(output) or inputs_of(body)[body.reads.index(output)]
    number = item.gives.index(output)
    several = item.gives[number].numbered if item.step is not None else len(item.gives) > 1
    return f"{item.called}.{number}" if several else str(item.called)


def _giver(body: Body, output: Output) -> Item | None:
    """The item of a list that gives a tensor; None for one that comes in."""
    return body.givers.get(output)


# Entries


def entries_of(body: Body) -> list[EntryData]:
    """The entries of a list as the file has them; an item that nothing names but its own list has a name only where it
    is read from elsewhere than below it.
    """
    numbered = is_numbered(body)
    found: list[EntryData] = []
    named = set() if body.gives_its_last else {_giver(body, each) for each in body.gives}
    flow = [called(body, body.reads[0])] if body.reads and (len(body.reads) == 1 or body.path) else []
    for item in body.items:
        entry: EntryData = {"name": item.called, **_said(body, item)}
        sources = [called(body, each) for each in item.reads]
        if sources and sources != flow:
            entry["from"] = sources if len(sources) > 1 else sources[0]
            named |= {_giver(body, each) for each in item.reads}
        named.add(item.shares)
        if item.body is not None and item.body.block is None:
            entry["layers"] = plain(item.body.entries)
        found.append(entry)
        flow = [called(body, item.gives[0])] if item.gives_one else []
    for item, entry in zip(body.items, found, strict=True):
        if numbered or (item.name is None and item not in named and item.body is None):
            del entry["name"]
    return _repeated(found) if numbered else found


def _said(body: Body, item: Item) -> EntryData:
    """What an entry is, and with which arguments."""
    entry: EntryData = {}
    if item.step is not None:
        entry = {"type": item.step.type, **{key: _stated(each, body) for key, each in item.step.arguments.items()}}
    elif item.body is not None and item.body.block is not None:
        entry = {"type": item.body.block.name, **item.body.values}
    if item.shares is not None:
        entry["share"] = item.shares.called
    elif item.step is not None and item.step.ties:
        entry["tie"] = {name: _tied(first, body.path) for name, first in item.step.ties.items()}
    return entry


def _stated(value: Any, body: Body) -> Any:
    """An argument as a list has it: numbers that follow from the sizes of what comes into the list are arithmetic."""
    if isinstance(value, list):
        return [_stated(each, body) for each in value]
    if not isinstance(value, Following):
        return value
    sizes: dict[str, tuple[int, ...]] = {}
    for output in body.reads:
        shapes = [each[output.number] for each in output.step.shapes]
        sizes |= sizes_of(called(body, output), shapes)
    assert body.telling is not None
    text = body.telling.arithmetic(value.values, sizes)
    if text is None:
        raise NotFollowing(body.path)
    return text


def _tied(name: str, path: str) -> str:
    """The name of a weight as a list has it in which another layer uses that weight."""
    if path and not name.startswith(f"{path}."):
        raise NotSayable(f"weights that are tied to `{name}`, which stands outside of `{path}`")
    return _relative(name, path)


def _repeated(entries: list[EntryData]) -> list[EntryData]:
    """Equal entries in a row as one that is repeated."""
    found: list[EntryData] = []
    counts: list[int] = []
    for entry in entries:
        if found and entry == found[-1] and "from" not in entry:
            counts[-1] += 1
        else:
            found.append(entry)
            counts.append(1)
    return [entry | ({"repeat": times} if times > 1 else {}) for entry, times in zip(found, counts, strict=True)]


@cache
def defaults(type_: str | None) -> Mapping[str, Any]:
    """The arguments of a layer that an entry may leave out, and what they then are."""
    if type_ is None or type_ not in all_layers():
        return {}
    fields = all_layers()[type_].model_fields.items()
    return {name: each.default for name, each in fields if isinstance(each.default, bool | int | float | str)}


def plain(entries: list[EntryData]) -> list[EntryData]:
    """Entries without the arguments that a layer has anyway."""
    found = []
    for entry in entries:
        own = defaults(entry.get("type"))
        kept = {key: value for key, value in entry.items() if key not in own or not same(own[key], value)}
        if (type_ := str(entry.get("type"))) in all_layers():
            order = ["name", "type", *all_layers()[type_].model_fields]
            kept = dict(sorted(kept.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order)))
        found.append({**kept, "layers": plain(kept["layers"])} if "layers" in kept else kept)
    return found


def same(a: Any, b: Any) -> bool:
    return bool(a == b) and type(a) is type(b)
