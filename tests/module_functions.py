"""Small modules that mask, order, pick and place values, or use weights in more ways than one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class Tokens(nn.Module):
    """A map of tokens of 16 channels, for what comes after."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)

    def tokens(self, x: Tensor) -> Tensor:
        found: Tensor = self.patches(x)
        return found.flatten(2).transpose(1, 2)


class SingleNumbers(nn.Module):
    """Parameters and a buffer without an axis."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.gain, self.logit = nn.Parameter(torch.tensor(0.7)), nn.Parameter(torch.ones([]) * 2.6)
        self.register_buffer("scale", torch.tensor(2.5))

    def forward(self, x: Tensor) -> Any:
        return self.conv(x) * self.gain + x.mean(1, keepdim=True) * self.logit.exp() / self.scale


class HiddenByBuffer(Tokens):
    """Attention as in GPT: what a buffer has as 0 is hidden."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(16, 48)
        self.register_buffer("mask", torch.tril(torch.ones(24, 24)).view(1, 1, 24, 24))

    def forward(self, x: Tensor) -> Any:
        x = self.tokens(x)
        n, length, width = x.shape
        q, k, v = (each.view(n, length, 2, 8).transpose(1, 2) for each in self.qkv(x).split(width, dim=2))
        products = (q @ k.transpose(-2, -1)) / math.sqrt(8)
        products = products.masked_fill(self.mask[:, :, :length, :length] == 0, -torch.inf)
        return (products.softmax(-1) @ v).transpose(1, 2).reshape(n, length, width).transpose(1, 2)


class Triangles(Tokens):
    """Masks that are made in the forward pass: of truth values for one's own attention, for PyTorch's, and added."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(16, 16), nn.Linear(16, 16)
        self.first, self.second = (nn.MultiheadAttention(16, 2, batch_first=True) for _ in range(2))

    def forward(self, x: Tensor) -> Any:
        x = self.tokens(x)
        length = x.shape[1]
        ones = torch.ones(length, length, dtype=torch.bool, device=x.device)
        products = (self.q(x) @ self.k(x).transpose(1, 2)).masked_fill(ones.triu(2), -1e9)
        behind = torch.triu(torch.full((length, length), -torch.inf, device=x.device), diagonal=1).to(x.dtype)
        found = (
            products.softmax(-1) @ x,
            F.scaled_dot_product_attention(self.q(x), self.k(x), x, attn_mask=ones.tril()),
            F.scaled_dot_product_attention(self.q(x), self.k(x), x, attn_mask=ones.tril(1)),
            self.first(x, x, x, attn_mask=behind, need_weights=False)[0],
            self.second(x, x, x, attn_mask=ones.triu(2), need_weights=False)[0],
        )
        return tuple(each.transpose(1, 2) for each in found)


class Transformers(Tokens):
    """PyTorch's transformers with masks: one that hides what comes behind, another one, and both in a decoder."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.first, self.second = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), layer
        self.decoder = nn.TransformerDecoderLayer(16, 2, 32, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        x = self.tokens(x)
        behind = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device, dtype=x.dtype)
        y = self.second(self.first(x, mask=behind, is_causal=True), src_mask=torch.roll(behind, -1, 0))
        return self.decoder(y, x, tgt_mask=behind).mean(1)


class SharedHeads(Tokens):
    """Attention in which two heads of queries share one of keys."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(16, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Any:
        x = self.tokens(x)
        q, k = (each.unflatten(2, (-1, 4)).transpose(1, 2) for each in (self.q(x), self.k(x)))
        return F.scaled_dot_product_attention(q, k, k * 2, enable_gqa=True).transpose(1, 2).flatten(2)


class Ordering(Tokens):
    """Values in order, their places, the one in the middle, and what stands at the places."""

    def forward(self, x: Tensor) -> Any:
        x = self.tokens(x)
        best, places = x.mean(-1).topk(5, dim=1)
        picked = torch.gather(x, 1, places.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
        falling = x.sort(dim=-1, descending=True)
        maps = picked, falling.values, falling.indices, x.argsort(1)
        middle, low = x.median(1)[0], x.kthvalue(2, -1)[0]
        most = torch.take_along_dim(x, x.argmax(1, keepdim=True), 1)[:, 0]
        return *(each.transpose(1, 2) for each in maps), best, middle, low, most


class Experts(Tokens):
    """Parts that are weighed by the best of a few, and by the two best, put at their places."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(16, 4)
        self.experts = nn.ModuleList(nn.Linear(16, 16) for _ in range(4))

    def forward(self, x: Tensor) -> Any:
        x = self.tokens(x)
        gate = self.gate(x)
        best, places = gate.topk(2, -1)
        one = F.one_hot(gate.argmax(-1), 4).to(x.dtype) * gate
        two = torch.zeros_like(gate).scatter(-1, places, best.softmax(-1))
        added = gate.scatter_add(-1, places, best)
        every = torch.stack([each(x) for each in self.experts], -1)
        return tuple(every.mul(each.unsqueeze(-2)).sum(-1).transpose(1, 2) for each in (one, two, added))


class OnceMore(nn.Module):
    """Weights that a layer has, and a function reads the other way round; and a table of codes with the nearest one."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 8), nn.Linear(8, 3)
        self.codes = nn.Embedding(5, 8)

    def forward(self, x: Tensor) -> Any:
        z = self.encoder(x.permute(0, 2, 3, 1))
        flat = z.reshape(-1, 8)
        codes = self.codes.weight
        apart = flat.pow(2).sum(1, keepdim=True) + codes.pow(2).sum(1) - 2 * flat @ codes.t()
        nearest = self.codes(apart.argmin(1)).view(z.shape)
        y = F.linear(nearest, self.encoder.weight.t(), self.decoder.bias) + self.decoder(z)
        return y.permute(0, 3, 1, 2)


class Named(nn.Module):
    """Modules of the name that a list has for what comes in."""

    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.input, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)

        def forward(self, x: Tensor) -> Any:
            return x + self.norm(self.input(x))

    def __init__(self) -> None:
        super().__init__()
        self.input, self.inner = nn.Conv2d(3, 8, 1), nn.ModuleDict({"input": self.Part(), "output": self.Part()})

    def forward(self, x: Tensor) -> Any:
        x = self.input(x)
        return self.inner["output"](self.inner["input"](x) + x)


class PartOf(nn.Module):
    """A buffer of a part, read by the whole."""

    class Inner(nn.Module):
        mean: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.register_buffer("mean", torch.rand(1, 3, 1, 1))

        def forward(self, x: Tensor) -> Any:
            return self.conv(x - self.mean)

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.out = self.Inner(), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Any:
        return self.out(self.inner(x) + self.inner.mean)


class Spectral(nn.Module):
    """Weights divided by their largest singular value, in both ways that PyTorch has."""

    def __init__(self) -> None:
        super().__init__()
        self.old = nn.utils.spectral_norm(nn.Conv2d(3, 8, 3))
        self.new = nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 3))

    def forward(self, x: Tensor) -> Any:
        return self.new(F.relu(self.old(x)))


class Letters(Tokens):
    """Sums of products with dots, and without a result."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 2, 5))
        self.turned, self.shift = nn.Parameter(torch.randn(16, 5)), nn.Parameter(torch.randn(5))

    def forward(self, x: Tensor) -> Any:
        x = self.tokens(x)
        rows = torch.addmm(self.shift, x.reshape(-1, 16), self.turned).view(*x.shape[:2], 5)
        return torch.einsum("...d,dhk->...hk", x, self.weight), torch.einsum("b l d, d k", x, self.turned), rows


class Whole(nn.Module):
    """Layer normalization over a whole map, as a layer and as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)
        self.norm = nn.LayerNorm((4, 15, 15))
        nn.init.uniform_(self.norm.weight)

    def forward(self, x: Tensor) -> Any:
        x = self.norm(self.conv(x))
        return F.layer_norm(x, x.shape[1:]), F.local_response_norm(x, 3), F.lp_pool2d(x.abs(), 2, 2)


class ByValue(nn.Module):
    """Functions that work value by value."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x)
        shrunk = F.threshold(y, 0.1, 0.0) + F.hardshrink(y) + F.softshrink(y, 0.3) + F.celu(y, 0.7) + F.rrelu(y)
        return shrunk + y.fmod(2) + torch.frac(y) + y.exp2() + torch.addcdiv(y, y, y.exp()), y.diff(dim=2)


class Within(nn.Module):
    """Parts that are written to in place, by themselves, and biases of which a part is set to 0."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bias = nn.Conv2d(3, 12, 3), nn.Parameter(torch.randn(12))

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x)
        bias = self.bias.clone()
        bias[4:8].zero_()
        y[..., 5].zero_()
        y[:, 1, :, ::2] *= 2
        part = y[:, 2:6]
        part[:, 1:].add_(1)
        y[:, 0].fill_(1)
        y[:, -1].copy_(y[:, 3])
        return F.linear(y.mean((2, 3)), self.bias.outer(bias), bias), y * 2


class Looked(nn.Module):
    """Rows of tables picked by products with whole numbers that became others, as Gemma's positions do it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 4, 8, 8), nn.Parameter(torch.randn(2, 10, 6))
        self.out = nn.Linear(10, 6)

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x).flatten(2).transpose(1, 2)
        row = torch.arange(y.shape[1], device=x.device)
        places = torch.stack([row // 4, row % 4], -1).clamp(min=0).expand(x.shape[0], -1, -1)
        picked = F.one_hot(places, num_classes=10)
        found = picked.permute(0, 2, 1, 3).to(self.table) @ self.table
        return found.sum(1) + y.mean(-1, keepdim=True), self.out(F.one_hot(row % 10, 10).to(x)) + y[..., :1]


FUNCTIONS: list[Callable[[], nn.Module]] = [
    SingleNumbers, HiddenByBuffer, Triangles, Transformers, SharedHeads, Ordering, Experts, OnceMore, Named, PartOf,
    Spectral, Letters, Whole, ByValue, Within, Looked,
]  # fmt: skip
