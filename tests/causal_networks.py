"""Networks that see nothing ahead, as parsed model files: small ones of each way in which people make them causal."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Entry = dict[str, Any]


def causal_network(random: Random) -> dict[str, Any]:
    """A network of one of the ways, drawn with its sizes."""
    return random.choice(WAYS)(random)


def _conv(name: str, kernel: int, dilation: int = 1, stride: int = 1, **more: Any) -> Entry:
    entry = {"name": name, "type": "Conv1d", "out_channels": 4, "kernel_size": kernel, **more}
    return {**entry, **({"dilation": dilation} if dilation > 1 else {}), **({"stride": stride} if stride > 1 else {})}


def _residual(random: Random) -> dict[str, Any]:
    """A temporal convolutional network (arXiv:1803.01271), with padding before."""
    layers: list[Entry] = []
    above = "input"
    for i in range(random.randint(1, 4)):
        kernel, dilation = random.choice([2, 3, 5]), 2**i
        layers.append(_conv(f"conv{i}", kernel, dilation, padding=[[(kernel - 1) * dilation, 0]]) | {"from": above})
        layers.append({"name": f"act{i}", "type": "ReLU"})
        layers.append({"name": f"add{i}", "type": "Add", "from": [f"act{i}", above]})
        above = f"add{i}"
    return {"input": [random.randint(12, 32), 4], "layers": layers}


def _chomped(random: Random) -> dict[str, Any]:
    """The same as its authors wrote it: padding on both sides, and what is too much at the end cut off."""
    layers: list[Entry] = []
    for i in range(random.randint(1, 3)):
        kernel, dilation = random.choice([2, 3]), 2**i
        padding = (kernel - 1) * dilation
        layers.append(_conv(f"conv{i}", kernel, dilation, padding=padding))
        layers.append({"name": f"chomp{i}", "type": "Crop", "amount": [[0, padding]]})
        layers.append({"name": f"act{i}", "type": "ReLU"})
    return {"input": [random.randint(12, 32), 4], "layers": layers}


def _padded(random: Random) -> dict[str, Any]:
    """A layer of its own that pads, before convolutions without padding."""
    layers: list[Entry] = []
    for i in range(random.randint(1, 3)):
        kernel = random.choice([2, 3, 4])
        layers.append({"name": f"pad{i}", "type": "ConstantPad1d", "padding": [kernel - 1, 0], "value": 0.0})
        layers.append(_conv(f"conv{i}", kernel))
        layers.append({"name": f"act{i}", "type": "SiLU"})
    return {"input": [random.randint(12, 32), 4], "layers": layers}


def _gated(random: Random) -> dict[str, Any]:
    """WaveNet's unit (arXiv:1609.03499) as a block that is repeated."""
    unit = [
        {**_conv("filter", 2, padding=[["$dilation", 0]]), "dilation": "$dilation", "from": "input"},
        {"name": "tanh", "type": "Tanh"},
        {**_conv("gate", 2, padding=[["$dilation", 0]]), "dilation": "$dilation", "from": "input"},
        {"name": "sigmoid", "type": "Sigmoid"},
        {"name": "z", "type": "Multiply", "from": ["tanh", "sigmoid"]},
        _conv("residual", 1),
        {"name": "out", "type": "Add", "from": ["residual", "input"]},
    ]
    calls = [{"name": f"unit{i}", "type": "unit", "dilation": 2**i} for i in range(random.randint(1, 4))]
    blocks = {"unit": {"params": {"dilation": None}, "layers": unit}}
    return {"input": [random.randint(16, 40), 4], "layers": calls, "blocks": blocks}


def _encoder(random: Random) -> dict[str, Any]:
    """The strided half of a causal codec, as in EnCodec (arXiv:2210.13438), with a recurrent layer behind it."""
    layers = [_conv("start", 3, padding=[[2, 0]])]
    total = 1
    for i in range(random.randint(1, 2)):
        stride = random.choice([2, 3])
        total *= stride
        layers.append(_conv(f"down{i}", 2 * stride, stride=stride, padding=[[stride, 0]]))
        layers.append({"name": f"act{i}", "type": "ELU"})
    if random.random() < 0.5:
        layers.append({"name": "rnn", "type": "LSTM", "hidden_size": 4})
    return {"input": [total * random.randint(4, 8), 4], "layers": layers}


def _masked(random: Random) -> dict[str, Any]:
    """Rows that see only the rows above, as in PixelCNN's vertical stack (arXiv:1606.05328)."""
    layers: list[Entry] = []
    for i in range(random.randint(1, 2)):
        layers.append(
            {
                "name": f"conv{i}",
                "type": "Conv2d",
                "out_channels": 4,
                "kernel_size": [2, 3],
                "padding": [[1, 0], [1, 1]],
            }
        )
        layers.append({"name": f"act{i}", "type": "ReLU"})
    layers.append({"name": "add", "type": "Add", "from": [layers[-1]["name"], layers[0]["name"]]})
    return {"input": [random.randint(6, 10), random.randint(6, 10), 4], "layers": layers}


def _generating(random: Random) -> dict[str, Any]:
    """Blocks of GPT-2: attention to what came before, and a network for each position, each with its residual."""
    block: list[Entry] = [
        {"name": "ln_1", "type": "LayerNorm"},
        {"name": "attn", "type": "MultiheadAttention", "num_heads": 2, "is_causal": True},
        {"name": "mid", "type": "Add", "from": ["attn", "input"]},
        {"name": "ln_2", "type": "LayerNorm"},
        {"name": "c_fc", "type": "Linear", "out_features": 8},
        {"name": "gelu", "type": "GELU"},
        {"name": "c_proj", "type": "Linear", "out_features": 4},
        {"name": "out", "type": "Add", "from": ["c_proj", "mid"]},
    ]
    length = random.randint(8, 16)
    layers: list[Entry] = [
        {"name": "wpe", "type": "Constant", "shape": [length, 4], "fill": "sinusoidal"},
        {"name": "embedded", "type": "Add", "from": ["input", "wpe"]},
        {"name": "h", "type": "block", "repeat": random.randint(1, 2)},
        {"name": "ln_f", "type": "LayerNorm"},
    ]
    return {"input": [length, 4], "layers": layers, "blocks": {"block": {"layers": block}}}


def _by_hand(random: Random) -> dict[str, Any]:
    """The same attention written with its projections, and a stack of layers that are made so."""
    layers: list[Entry] = [
        *({"name": name, "type": "Linear", "out_features": 4, "from": "input"} for name in ("q", "k", "v")),
        {"name": "attended", "type": "ScaledDotProductAttention", "from": ["q", "k", "v"], "is_causal": True},
        {"name": "add", "type": "Add", "from": ["attended", "input"]},
        {"name": "h", "type": "TransformerEncoder", "nhead": 2, "dim_feedforward": 8, "num_layers": 2}
        | {"is_causal": True, "norm_first": True},
    ]
    return {"input": [random.randint(8, 16), 4], "layers": layers}


Way = Callable[[Random], dict[str, Any]]
WITH_WINDOWS: tuple[Way, ...] = (_residual, _chomped, _padded, _gated, _encoder, _masked)
WAYS: tuple[Way, ...] = (*WITH_WINDOWS, _generating, _by_hand)
