"""Wiring: which tensors the names in a `from` mean."""

from __future__ import annotations

from dataclasses import replace

from planner.diagnostics import Fault, Path
from planner.faults.no_such_output import NoSuchOutput
from planner.faults.source_below import SourceBelow
from planner.faults.unknown_source import UnknownSource
from planner.format import Entry
from planner.guesses import DOUBT, Slips, slip
from planner.model import Mention, Ref
from planner.sight import ALL, parted
from planner.unfolding._draft import Draft, Handed, Scope


class Wiring:
    """Finds the tensors that entries read."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def sources(self, entry: Entry, entries: tuple[Entry, ...], at: int, scope: Scope) -> tuple[Handed, ...]:
        """The tensors that an entry reads by its `from`; `at` is the entry's number in its list."""
        listed = len(entry.sources or ()) > 1
        found = []
        for i, name in enumerate(entry.sources or ()):
            key: Path = ("from", i) if listed else ("from",)
            try:
                all_copies = parted(name)[0]
                if all_copies.endswith(ALL) and all_copies not in scope.several and name not in scope.names:
                    raise self._no_copies(all_copies.removesuffix(ALL), entry, entries, at, scope, key)
                if all_copies not in scope.several and scope.find(name)[0] is None:
                    self._look_below(name, entry, entries[at + 1 :], key)
                handed = self._all(name, scope, key, entry.path)
            except Fault as fault:
                self.draft.report(fault, entry.path, scope.calls)
                handed = self._likely(fault, name, scope)
            found += handed
        return tuple(found)

    def _all(self, name: str, scope: Scope, key: Path, path: Path | None) -> list[Handed]:
        """The tensors that a name in a `from` means: one, or several for `stage.*` and `*rest`."""
        names = scope.meant(name)
        try:
            return [self.single(each, scope, key, path) for each in names]
        except NoSuchOutput as fault:
            if names != (name,):
                all_copies, output = parted(name)
                fault.help = fault.help if output else f'read one output of all copies: `from: "{all_copies}.0"`'
                fault.mends = ()
            raise

    def _no_copies(
        self, base: str, entry: Entry, entries: tuple[Entry, ...], at: int, scope: Scope, key: Path
    ) -> UnknownSource:
        """The fault of `stage.*` where `stage` is no repeated entry above, or has no copies."""
        if scope.find(base)[0] is None:
            self._look_below(base, entry, entries[at + 1 :], key)
            return UnknownSource.of_all(base, scope.several, key)
        left_out = any(each.name == base and each.repeats for each in entries[:at])
        return UnknownSource.of_all(base, scope.several, key, left_out=left_out, known=True)

    def _likely(self, fault: Fault, name: str, scope: Scope) -> list[Handed]:
        """The tensors that a wrong name most likely means; that of a wrong `stag.*` are several."""
        meant = str(fault.mends[0][0].value) if fault.mends else name
        if meant not in scope.several:
            return [self.likely(fault, name, scope)]
        try:
            found = self._all(meant, scope, (), None)
        except Fault:
            return [self.likely(fault, name, scope)]
        return [replace(each, slips=_meaning(meant, name)) for each in found]

    def _look_below(self, name: str, entry: Entry, later: tuple[Entry, ...], key: Path) -> None:
        below = next((each for each in later if each.name == name), None)
        if below is not None or name == entry.name:
            place = self.draft.source.place(below.path) if below else None
            own = entry.plain_name or str(entry.type).lower()
            raise SourceBelow(name, _cycle(own, name, later), place.line if place else None, key)

    def likely(self, fault: Fault, name: str, scope: Scope) -> Handed:
        """The tensor that a wrong name most likely means: the fault's proposal, or the tensor above."""
        if fault.mends:
            meant = str(fault.mends[0][0].value)
            try:
                return replace(self.single(meant, scope, (), None), slips=_meaning(meant, name))
            except Fault:
                pass
        return replace(scope.above, refs=scope.above.refs[:1], slips=scope.above.slips | DOUBT)

    def single(self, name: str, scope: Scope, key: Path, path: Path | None) -> Handed:
        """The single tensor that a name means. With a path, the place of an output's number in the file is noted."""
        handed, number = scope.find(name)
        if handed is None:
            raise UnknownSource(name, [*scope.names, *scope.several], key)
        if number is None:
            if len(handed.refs) != 1:
                raise NoSuchOutput(name, None, len(handed.refs), key, handed.names)
            return handed
        base = name.removesuffix(f".{number}")
        if not number.isdecimal():
            if handed.names:
                raise NoSuchOutput(base, number, len(handed.refs), key, handed.names)
            raise UnknownSource(name, scope.names, key)
        output = int(number[:6])
        if handed.is_layer:
            ref = Ref(handed.refs[0].step, output)
            if path is not None:
                self.draft.numbered.append(Mention(ref, path, key, scope.calls, base, handed.copies))
            return Handed((ref,), slips=handed.slips)
        if output >= len(handed.refs):
            raise NoSuchOutput(base, output, len(handed.refs), key, handed.names)
        return Handed((handed.refs[output],), slips=handed.slips)


def _meaning(meant: str, name: str) -> Slips:
    """The slip of one name for another; where only the output's own name or number is wrong, any may be meant."""
    slips = slip(f"`{meant}` for `{name}`")
    return slips._replace(doubtful=meant.rpartition(".")[0] == name.rpartition(".")[0] != "")


def _cycle(name: str, source: str, later: tuple[Entry, ...]) -> list[str]:
    """The names around the cycle that `name` closes by reading `source`; empty where there is no cycle."""
    import networkx

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_edge(source, name)
    above = name
    for entry in later:
        here = entry.name if isinstance(entry.name, str) else f"{entry.path[-1]}"
        graph.add_edges_from((each, here) for each in entry.sources or (above,))
        above = here
    if source == name:
        return [name, name]
    if not networkx.has_path(graph, name, source):
        return []
    return [*networkx.shortest_path(graph, name, source), name]
