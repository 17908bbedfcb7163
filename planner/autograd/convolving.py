"""How PyTorch goes about a convolution on a CPU, and what memory it takes for itself meanwhile.

Most are left to oneDNN, whose kernels for AVX-512 lay channels out in blocks: what has its channels first is copied
into blocks and back, what has them last is worked on as it is. Weights are copied in either case, and by far the most
those of a depthwise convolution with channels last and windows wider than 3: its gradients are made by the kernel for
groups, which fills up one channel of each to a block of 16 by 16, 256 times the weights.

Which kernels oneDNN takes, and in which layouts, it prints with `ONEDNN_VERBOSE=1`:
https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, NamedTuple

from planner.autograd.tensors import WIDTHS, Strided

BLOCK = 16
"""Channels that oneDNN lays out together where it can."""

WIDEST = 14
"""The widest windows of which a kernel in blocks makes gradients of weights."""

Way = Literal["there", "back", "weights"]
"""What oneDNN has kernels for: from source to target, back, and to the gradients of weights."""


@dataclass(frozen=True, slots=True)
class Convolving:
    """How a convolution goes about its windows."""

    transposed: bool = False
    groups: int = 1
    stride: Sequence[int] = (1,)
    dilation: Sequence[int] = (1,)
    output_padding: Sequence[int] = (0,)

    def by_onednn(self, x: Strided, weight: Strided) -> bool:
        """Whether PyTorch leaves it to oneDNN on one thread (`use_mkldnn` in ATen's `Convolution.cpp`)."""
        if self.transposed and any(more >= step for more, step in zip(self.output_padding, self.stride, strict=True)):
            return False
        if x.dtype != "float32":
            return x.dtype != "float64"
        rows = weight.sizes[-2] if weight.dim > 3 else 1
        moves = max(*self.stride, *self.dilation) > 1
        large = moves or x.sizes[0] >= 16 or weight.sizes[-1] != 1 or rows != 1
        return large and (
            self.groups > 1 or min(weight.sizes[-1], rows) > 3 or x.sizes[0] > 1 or prod(x.sizes[:4]) > 20480
        )

    def aside(self, x: Strided, weight: Strided, bias: Strided | None, y: Strided) -> tuple[int, int]:
        """Bytes that it takes for itself, forward beside its output and backward beside the gradients."""
        last = x.is_channels_last and not x.is_contiguous
        copied = 0 if last or x.is_contiguous else _bytes(x)
        kernels = _Kernels(self, x, weight, y, last=last) if self.by_onednn(x, weight) else _Unfolded(x, weight, y)
        forward, backward = kernels.forward(), kernels.weights(_bytes(bias) if bias else 0)
        if x.grad:
            backward = max(kernels.data(), _bytes(x) + backward)
        gradients = sum(_bytes(each) for each in (x, weight, bias) if each is not None and each.grad)
        return copied + forward - _bytes(y), copied + max(backward - gradients, 0)


class _Unfolded(NamedTuple):
    """PyTorch's own kernels, which lay the windows of the input side by side, unless these are the input itself; going
    back, those for volumes do it even then.
    """

    x: Strided
    weight: Strided
    y: Strided

    def forward(self) -> int:
        return _bytes(self.y) + (0 if self._is_product else self._columns)

    def data(self) -> int:
        return _bytes(self.x) + (0 if self._is_product and self.x.dim < 5 else self._columns)

    def weights(self, bias: int) -> int:
        return _bytes(self.weight) + bias + (0 if self._is_product else self._columns)

    @property
    def _is_product(self) -> bool:
        return prod(self.weight.sizes[2:]) == 1 and self.x.sizes[2:] == self.y.sizes[2:]

    @property
    def _columns(self) -> int:
        x, y = self.x, self.y
        return WIDTHS[x.dtype] * y.sizes[0] * x.sizes[1] * prod(self.weight.sizes[2:]) * prod(y.sizes[2:])


class _Kernels:
    """OneDNN's kernels for a convolution from a `source` to a `target`, for the way back, and for the gradients of
    weights; a transposed convolution goes the way back of another one.

    last       whether channels are last
    ins, outs  channels of a group
    """

    def __init__(self, how: Convolving, x: Strided, weight: Strided, y: Strided, *, last: bool) -> None:
        self.how, self.weight, self.last = how, weight, last
        self.source, self.target = (y, x) if how.transposed else (x, y)
        self.ins, self.outs = weight.sizes[1], weight.sizes[0] // how.groups

    def forward(self) -> int:
        """Bytes in use while it makes its output, this with it."""
        return self._back() if self.how.transposed else self._there()

    def data(self) -> int:
        """Bytes in use while it makes the gradient of its input, this with it."""
        return self._there() if self.how.transposed else self._back()

    def weights(self, bias: int) -> int:
        """Bytes in use while it makes the gradients of weights and of a bias of so many bytes, these with them.

        Where it multiplies matrices, it sets aside a stretch for sums of the weights, and counts their bytes as numbers
        of 4 bytes (`key_conv_wei_reduction` in oneDNN's `src/cpu/gemm_convolution_utils.cpp`).
        """
        own, laid = _bytes(self.weight), self._laid_weights("weights")
        if self.last:
            return self._turned + laid + max(2 * (own + bias), self._sums(laid))
        if not self._block("weights"):
            return 5 * own + self._columns + bias
        tensors = self._laid(self.source, "weights") + self._laid(self.target, "weights")
        return laid + max(tensors + self._sums(laid), own) + bias

    def _sums(self, laid: int) -> int:
        """Bytes of the sums in full precision of weights that have less and take so many in blocks, and of one image of
        source and target, which are turned for that.
        """
        if WIDTHS[self.weight.dtype] > 2:
            return 0
        return 2 * laid + (_bytes(self.source) + _bytes(self.target)) // self.source.sizes[0]

    def _there(self) -> int:
        return self._made(self.target, self.source, "there")

    def _back(self) -> int:
        """With steps, oneDNN wants channels last, which PyTorch copies twice to have them first."""
        own = _bytes(self.source)
        moves = max(self.how.stride) > 1 and self._block("back") == BLOCK and (self._is_dense or self.ins > BLOCK)
        if moves and not self.last:
            return max(_bytes(self.target) + self._laid_weights("back") + own, 3 * own)
        return self._made(self.source, self.target, "back")

    def _made(self, made: Strided, of: Strided, way: Way) -> int:
        """Bytes in use while a tensor is made of another one: in blocks first, or as it is, with a copy to hand on."""
        if self.last:
            return self._turned + self._laid_weights(way) + _bytes(made)
        if not self._block(way):
            return 2 * _bytes(made)
        return self._laid(made, way) + max(self._laid(of, way) + self._laid_weights(way), _bytes(made))

    def _block(self, way: Way) -> int:
        """How many channels lie together; 0 where oneDNN multiplies matrices and takes tensors as they are."""
        if self._is_depthwise:
            moves, large = max(self.how.dilation) > 1, max(self.weight.sizes[2:]) > 3
            return 0 if (moves and way != "there") or (large and way == "weights") else BLOCK
        if not self._is_dense:
            block = next((n for n in (BLOCK, 8, 4) if not self.ins % n and not self.outs % n), 0)
            return 0 if block == 4 and way == "weights" else block
        if way == "weights" and self.weight.sizes[-1] > WIDEST:
            return 0
        if way == "weights" and 4 <= self.ins < BLOCK:
            return 8 if self.weight.dim < 5 else 0
        return BLOCK

    def _is_narrow(self, way: Way) -> bool:
        """Whether the source has so few channels that they are taken as they are, as those of a picture."""
        return self._is_dense and way != "back" and self.ins < (4 if way == "weights" else BLOCK)

    def _laid(self, x: Strided, way: Way) -> int:
        """Bytes of a tensor in blocks of channels."""
        if x is self.source and self._is_narrow(way):
            return 0
        return _bytes(x) // x.sizes[1] * _filled(x.sizes[1], self._block(way))

    def _laid_weights(self, way: Way) -> int:
        """Bytes of the weights in blocks. With channels last each group has whole ones, unless all are laid together as
        one, which kernels of depthwise convolutions can; without groups only those that are made.
        """
        sizes = self.weight.sizes
        kernel = WIDTHS[self.weight.dtype] * prod(sizes[2:])
        if self._is_depthwise and self._block(way):
            return kernel * _filled(sizes[0], BLOCK)
        block = BLOCK if self.last else self._block(way) or 1
        one = self.last and self._is_dense
        ins = self.ins if self._is_narrow(way) or (one and way == "there") else _filled(self.ins, block)
        outs = self.outs if one and way == "back" else _filled(self.outs, block)
        return kernel * self.how.groups * outs * ins

    @property
    def _columns(self) -> int:
        """Bytes of the windows of a group in one image, or in one slice of a volume, side by side."""
        windows = prod(self.target.sizes[2:][-2:])
        return WIDTHS[self.weight.dtype] * self.ins * prod(self.weight.sizes[2:]) * windows

    @property
    def _is_dense(self) -> bool:
        return self.how.groups == 1

    @property
    def _is_depthwise(self) -> bool:
        return not self._is_dense and self.ins == self.outs == 1

    @property
    def _turned(self) -> int:
        """Bytes of a copy of the weights whose channels are last, as those of the input are."""
        return 0 if self._is_depthwise or self.weight.is_channels_last else _bytes(self.weight)


def _filled(channels: int, block: int) -> int:
    return -(-channels // block) * block


def _bytes(x: Strided) -> int:
    return WIDTHS[x.dtype] * x.elements
