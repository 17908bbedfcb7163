"""Checkpoints in several files, of which an index says which name stands where: `model.safetensors.index.json`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from planner.checkpoints._checkpoint import Checkpoint, Refusing, SavedTensor, Section, cut
from planner.checkpoints._json import parsed
from planner.words import counted

ORDER = -1
MOST_BYTES = 64 << 20
MOST_FILES = 10_000


def recognises(path: Path, head: bytes) -> bool:
    return path.name.endswith(".index.json")


def read(path: Path) -> Checkpoint:
    from planner.checkpoints import read as read_shard

    refusing = Refusing(str(path))
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise refusing.broken(f"has more than {MOST_BYTES >> 20} MB", "no index needs that")
    named = parsed(data, refusing, "the index").get("weight_map")
    if not isinstance(named, dict) or not named:
        raise refusing.broken("is no index of a checkpoint: it has no `weight_map`", "name the file with the weights")
    names = list(dict.fromkeys(_beside(refusing, each) for each in named.values()))
    if len(names) > MOST_FILES:
        raise refusing.broken(f"names {len(names):,} files", f"no checkpoint needs more than {MOST_FILES:,}")
    found: dict[str, SavedTensor] = {}
    homes: dict[str, str] = {}
    shards = []
    for name in names:
        shard = read_shard(path.with_name(name))
        shards.append(shard)
        for tensor in shard.sections[0].tensors:
            if tensor.name in found and tensor.sizes != found[tensor.name].sizes:
                home = homes[tensor.name]
                raise refusing.broken(f"has `{cut(tensor.name)}` twice: in `{cut(home)}` and in `{cut(name)}`")
            place = None if tensor.place is None else (name, tensor.place)
            found[tensor.name] = replace(tensor, place=place)
            homes[tensor.name] = name
        refusing.too_many(len(found))
    for entry, name in named.items():
        if entry not in found:
            raise refusing.broken(f"says that `{cut(entry)}` is in `{cut(name)}`, which does not have it")
    others = tuple(dict.fromkeys(name for shard in shards for name in shard.sections[0].others))
    odd = {name: what for shard in shards for name, what in shard.sections[0].odd.items()}
    part = Section((), tuple(found.values()), others, odd)
    in_order = all(each.in_order for each in shards)
    return Checkpoint(str(path), f"{shards[0].format}, {counted(len(names), 'file')}", (part,), in_order)


def _beside(refusing: Refusing, name: object) -> str:
    """The name of a file beside the index, which is no index itself."""
    plain = isinstance(name, str) and PurePosixPath(name).name == name == PureWindowsPath(name).name
    if not isinstance(name, str) or not plain or name in ("", ".", "..") or "\0" in name:
        raise refusing.broken(f"names `{cut(str(name))}`, which is no file beside it")
    if recognises(Path(name), b""):
        raise refusing.broken(f"names `{cut(name)}`, which is an index too")
    return name
