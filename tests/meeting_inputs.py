"""Random networks of two inputs that meet behind different strides, and go on through layers that may lose cells."""

from __future__ import annotations

from random import Random
from typing import Any

Entry = dict[str, Any]
CHANNELS = 4
INPUTS = "a", "b"


def network(random: Random, rank: int = 1) -> dict[str, Any]:
    """The layers of a network: a branch from each input, the step where they meet, and what follows; now and then a
    second branch of the second input meets what follows.
    """
    layers: list[Entry] = []
    ends = [
        _chain(random, rank, layers, each, random.randint(low, 2)) for each, low in zip(INPUTS, (1, 0), strict=True)
    ]
    kind = random.choice(["Add", "Add", "Multiply", "Concat"])
    layers.append({"name": "join", "type": kind, "from": random.sample(ends, 2)})
    end = _chain(random, rank, layers, "join", random.randint(1, 3))
    if not random.randint(0, 4):
        skip = _chain(random, rank, layers, "b", random.randint(1, 2))
        layers.append({"name": "again", "type": "Concat", "from": [end, skip]})
        end = _chain(random, rank, layers, "again", random.randint(0, 1))
    return {"layers": layers, "outputs": [end]}


def at(network: dict[str, Any], *sizes: tuple[int, ...]) -> dict[str, Any]:
    """A model file of the network with these sizes of its inputs."""
    return {"input": {name: [*each, CHANNELS] for name, each in zip(INPUTS, sizes, strict=True)}, **network}


def _chain(random: Random, rank: int, layers: list[Entry], start: str, count: int) -> str:
    """Add layers one after the other behind a tensor, and give the name of the last."""
    for _ in range(count):
        layers.append({"name": f"l{len(layers)}", "from": start, **random.choice(KINDS)(random, rank)})
        start = layers[-1]["name"]
    return start


def _each(random: Random, rank: int, *numbers: int) -> int | list[int]:
    """An argument: one for all axes, or one for each."""
    return random.choice(numbers) if random.randint(0, 1) else [random.choice(numbers) for _ in range(rank)]


def _conv(random: Random, rank: int) -> Entry:
    return {
        "type": f"Conv{rank}d",
        "out_channels": CHANNELS,
        "kernel_size": _each(random, rank, 1, 2, 3, 5),
        "stride": _each(random, rank, 1, 2, 2, 3),
        "padding": _each(random, rank, 0, 1, 2),
        "dilation": _each(random, rank, 1, 1, 2),
    }


def _pool(random: Random, rank: int) -> Entry:
    kernel, stride, padding, ceil = random.choice(
        [(2, 2, 0, 0), (2, 2, 0, 1), (3, 2, 1, 0), (3, 2, 1, 1), (3, 3, 0, 0)]
    )
    return {
        "type": f"{random.choice(['Max', 'Avg'])}Pool{rank}d",
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "ceil_mode": bool(ceil),
    }


def _transposed(random: Random, rank: int) -> Entry:
    kernel, stride, padding = random.choice([(2, 2, 0), (3, 2, 1), (4, 2, 1), (3, 3, 0), (3, 1, 0)])
    more = {
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "output_padding": int(stride == 2 == kernel - 1),
    }
    return {"type": f"ConvTranspose{rank}d", "out_channels": CHANNELS, **more}


def _pad(random: Random, rank: int) -> Entry:
    return {"type": f"ZeroPad{rank}d", "padding": [random.randint(-1, 2) for _ in range(2 * rank)]}


def _crop(random: Random, rank: int) -> Entry:
    return {"type": "Crop", "amount": [[random.randint(0, 2), random.randint(0, 2)] for _ in range(rank)]}


KINDS = (_conv, _conv, _pool, _pool, _transposed, _pad, _crop)
