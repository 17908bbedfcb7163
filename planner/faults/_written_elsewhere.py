"""What people write for a layer: names and arguments of Keras, TensorFlow and PyTorch's functions, and short forms.

Names are compared in lower case and without `_`; `{n}` stands for the number of spatial axes. Only names that are not
a layer's own are looked up here, so that a layer that comes to the planner needs no change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

POINTWISE = "there is no such layer yet; it keeps the shape, so `type: Identity` in its place plans the rest"
"""Help for functions that change values and keep shapes."""
MEETS = "there is no such layer yet; it keeps the shape, so `type: Multiply` in its place plans the rest"
"""Help for functions of several tensors, cell by cell."""
REDUCES = "there is no such layer yet; `{type: Mean, dim: …}` folds the same axes away, so it plans the rest"

_LAYERS: Mapping[str, str] = {
    "Conv{n}d": "conv convolution conv{n} convolution{n}d cnn conv{n}dlayer convlayer",
    "ConvTranspose{n}d": "convtranspose conv{n}dtranspose convolution{n}dtranspose deconv deconv{n}d deconvolution "
    "deconvolution{n}d transposedconv transposedconv{n}d transposeconv{n}d upconv upconv{n}d convtransposed{n}d",
    "BatchNorm{n}d": "batchnorm bn batchnormalization bn{n}d batchnormalisation syncbatchnorm",
    "InstanceNorm{n}d": "instancenorm instancenormalization in{n}d",
    "LayerNorm": "layernormalization ln layernorm{n}d",
    "GroupNorm": "groupnormalization gn",
    "RMSNorm": "rmsnormalization",
    "LocalResponseNorm": "lrn localresponsenormalization",
    "MaxPool{n}d": "maxpool maxpooling maxpooling{n}d pool pooling pool{n}d pooling{n}d",
    "AvgPool{n}d": "avgpool avgpooling avgpooling{n}d averagepool averagepool{n}d averagepooling averagepooling{n}d "
    "meanpool",
    "ZeroPad{n}d": "pad pad{n}d padding zeropad zeropadding zeropadding{n}d constantpad",
    "ReflectionPad{n}d": "reflectpad reflectpad{n}d reflectionpad reflectionpadding{n}d",
    "ReplicationPad{n}d": "replicatepad replicatepad{n}d replicationpad edgepad",
    "CircularPad{n}d": "circularpad wrappad",
    "Linear": "dense fc fullyconnected innerproduct affine gemm addmm fullyconnectedlayer denselayer lazylinear",
    "SiLU": "swish silu swish1",
    "Hardswish": "hswish hardswish",
    "Hardsigmoid": "hsigmoid",
    "LeakyReLU": "lrelu lkrelu",
    "Softplus": "softrelu",
    "Dropout{n}d": "spatialdropout spatialdropout{n}d featuredropout",
    "StochasticDepth": "droppath stochdepth dropconnect drop_path",
    "Multiply": "mul multiply times prod product elementwisemul scale gate",
    "Subtract": "sub minus difference",
    "Divide": "div truediv quotient",
    "Power": "pow",
    "Neg": "negative negate",
    "Clamp": "clip cliplayer clipbyvalue",
    "Max": "amax reducemax",
    "Min": "amin reducemin",
    "Mean": "reducemean average",
    "Sum": "reducesum",
    "Prod": "reduceprod",
    "Normalize": "l2normalize l2norm unitnorm unitnormalization",
    "Add": "plus addition elementwiseadd shortcut residual skip",
    "Concat": "cat concatenate concatenation route merge join hstack",
    "MatMul": "mm bmm dot batchmatmul matrixmultiply",
    "Identity": "noop clone contiguous detach passthrough linearactivation copy",
    "MultiheadAttention": "mha multiheadselfattention selfattention attention multiheadattn multihead "
    "crossattention attn",
    "ScaledDotProductAttention": "sdpa dotproductattention flashattention memoryefficientattention",
    "TransformerEncoderLayer": "transformerblock encoderlayer encoderblock transformerlayer transformer",
    "TransformerDecoderLayer": "decoderlayer decoderblock",
    "Embedding": "embed embeddings tokenembedding lookup",
    "Reshape": "view reshapelayer viewas reshapeas",
    "Permute": "rearrange permutedims",
    "Transpose": "swapaxes swapdims",
    "Squeeze": "dropaxis",
    "Unsqueeze": "expanddims newaxis",
    "Flatten": "squeeze",
    "Expand": "broadcastto expandas",
    "Tile": "repeat",
    "Flip": "reverse fliplr flipud",
    "Roll": "cyclicshift shift",
    "Unfold": "im2col extractpatches",
    "Fold": "col2im",
    "PixelShuffle": "depthtospace subpixel pixelshuffle2d shufflepixel",
    "PixelUnshuffle": "spacetodepth focus reorg pixelunshuffle2d",
    "Upsample": "upsample{n}d unpool",
    "Interpolate": "resize resizing resize{n}d resizebilinear",
    "Slice": "narrow getitem stridedslice",
    "Select": "pick",
    "IndexSelect": "take",
    "Gather": "takealongdim takealongaxis",
    "SetSlice": "slicescatter setitem",
    "TopK": "topvalues",
    "Parameter": "positionalembedding positionembedding posembed learnedposition clstoken classtoken weight variable",
    "Constant": "buffer registerbuffer fill full zeros ones arange linspace",
    "CenterCrop": "crop{n}d cropping cropping{n}d centercrop{n}d",
}
_WITH: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "globalavgpool": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "globalavgpool{n}d": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "globalaveragepool": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "globalaveragepooling": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "globalaveragepooling{n}d": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "globalpool": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "gap": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "adaptiveavgpool": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "adaptivepool": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "adaptiveaveragepool{n}d": ("AdaptiveAvgPool{n}d", {"output_size": 1}),
    "globalmaxpool": ("AdaptiveMaxPool{n}d", {"output_size": 1}),
    "globalmaxpool{n}d": ("AdaptiveMaxPool{n}d", {"output_size": 1}),
    "globalmaxpooling": ("AdaptiveMaxPool{n}d", {"output_size": 1}),
    "globalmaxpooling{n}d": ("AdaptiveMaxPool{n}d", {"output_size": 1}),
    "adaptivemaxpool": ("AdaptiveMaxPool{n}d", {"output_size": 1}),
    "depthwiseconv": ("Conv{n}d", {"groups": "depthwise"}),
    "depthwiseconv{n}d": ("Conv{n}d", {"groups": "depthwise"}),
    "dwconv": ("Conv{n}d", {"groups": "depthwise"}),
    "dwconv{n}d": ("Conv{n}d", {"groups": "depthwise"}),
    "pointwiseconv": ("Conv{n}d", {"kernel_size": 1}),
    "pointwiseconv{n}d": ("Conv{n}d", {"kernel_size": 1}),
    "conv1x1": ("Conv{n}d", {"kernel_size": 1}),
    "conv3x3": ("Conv{n}d", {"kernel_size": 3, "padding": 1}),
}
"""Layers that are meant with arguments."""
_NONE: Mapping[str, str] = {
    POINTWISE: "cumprod gaussiannoise maskedfill masking sinusoid logical floordivide quantize",
    REDUCES: "any all median",
    "write it as an Einsum, such as {type: Einsum, equation: 'bi,bj->bij'}": "tensordot outer inner",
    "there is no such layer yet; Slice, IndexSelect and Gather pick cells of an axis, TopK the largest, and SetSlice "
    "writes over some": "scatter sort argsort indexput embeddingbag",
    "write it as an Unsqueeze and a Tile": "repeatvector",
    "write it as two layers: {type: Conv2d, groups: depthwise, kernel_size: 3}, then {type: Conv2d, out_channels: …, "
    "kernel_size: 1}": "separableconv separableconv{n}d depthwiseseparableconv",
    "take it out: the model's `input:` states the shape": "input inputlayer placeholder",
    "take it out: the last layer, or `outputs:`, says what the model returns": "output outputlayer outputs",
    "write a function of its own as the layers that it is made of": "lambda function custom module",
    "write the activation as a layer of its own, such as `type: ReLU`": "activation act nonlinearity",
    "a trained one is {type: Parameter, shape: […], batch: true} and an Add; a fixed one is {type: Constant, "
    "shape: […], fill: sinusoidal} and an Add": "positionalencoding positionencoding posenc sinusoidalencoding",
    "write it as the layers that it wraps": "timedistributed bidirectional wrapper",
    "leave it out: it changes neither a shape nor a value of the forward pass": "spectralnorm weightnorm",
}
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "units": ("out_features", "hidden_size"),
    "filters": ("out_channels",),
    "planes": ("out_channels",),
    "out_planes": ("out_channels",),
    "num_output": ("out_channels", "out_features"),
    "output_dim": ("out_features", "embedding_dim"),
    "features": ("out_features", "out_channels"),
    "channels": ("out_channels",),
    "pool_size": ("kernel_size",),
    "ksize": ("kernel_size",),
    "kernel": ("kernel_size",),
    "window": ("kernel_size",),
    "size": ("kernel_size", "scale_factor", "output_size"),
    "strides": ("stride",),
    "dilation_rate": ("dilation",),
    "rate": ("p", "dilation"),
    "prob": ("p",),
    "drop_prob": ("p",),
    "dropout": ("p",),
    "drop": ("p",),
    "axis": ("dim",),
    "use_bias": ("bias",),
    "epsilon": ("eps",),
    "pad": ("padding",),
    "heads": ("num_heads", "nhead"),
    "n_heads": ("num_heads", "nhead"),
    "nheads": ("num_heads", "nhead"),
    "num_heads": ("nhead",),
    "nhead": ("num_heads",),
    "scale": ("scale_factor",),
    "factor": ("scale_factor", "upscale_factor"),
    "block_size": ("upscale_factor", "downscale_factor"),
    "interpolation": ("mode",),
    "target_shape": ("shape",),
    "sizes": ("shape",),
    "perm": ("dims",),
    "alpha": ("negative_slope",),
    "input_dim": ("num_embeddings",),
    "vocab_size": ("num_embeddings",),
    "hidden_units": ("hidden_size",),
    "groups": ("num_groups",),
    "num_channels": ("num_features",),
    "min_val": ("min",),
    "max_val": ("max",),
    "min_value": ("min", "min_val"),
    "max_value": ("max", "max_val"),
    "exponent": ("other",),
    "axes": ("dim",),
    "keepdims": ("keepdim",),
    "ord": ("p",),
}


class Meaning(NamedTuple):
    """What is meant by a type: a layer, with arguments beside those that are given, or what to do without one."""

    type: str = ""
    args: Mapping[str, Any] = {}
    without: str = ""


def meanings(name: str, given: Mapping[str, Any], sizes: Sequence[int] | None, sources: int) -> list[Meaning]:
    """What may be meant by a type that is no layer's name, the likeliest first.

    given    the arguments that the entry has
    sizes    of the first source, channels last; None where they are not known
    sources  how many there are
    """
    word = plain(name)
    if sources > 1 and word == "merge":
        return [Meaning("Add")]
    if sources > 1 and any(word in _NONE[kind].split() for kind in (POINTWISE, REDUCES)):
        return [Meaning(without=MEETS)]
    if word in _ENLARGES:
        return [Meaning("Upsample", {"scale_factor": given["size"]} if "size" in given else {})]
    rank = len(sizes) - 1 if sizes else None
    ranks = [rank] if rank is not None and 1 <= rank <= 3 else [2, 1, 3] if rank is None else [1]
    written = [int(digit) for digit in word if digit in "123"]
    found = []
    for n in dict.fromkeys((*ranks, *written)):
        found += [Meaning(layer.format(n=n), args) for layer, args in _types(word)]
    found += [
        Meaning(without=text) for text, words in _NONE.items() if _listed(word, words, 2) or _listed(word, words, 1)
    ]
    return found


def plain(name: str) -> str:
    """A type's name as it is compared: `max_pool2d` is `maxpool2d`."""
    return name.rpartition(".")[2].replace("_", "").replace("-", "").lower()


def synonyms(key: str, known: Sequence[str]) -> list[str]:
    """What an argument is called here that has another name elsewhere."""
    return [word for word in _ARGUMENTS.get(key.lower(), ()) if word in known]


def _types(word: str) -> list[tuple[str, Mapping[str, Any]]]:
    own: list[tuple[str, Mapping[str, Any]]] = [
        (layer, {}) for layer, words in _LAYERS.items() if any(_listed(word, words, k) for k in (1, 2, 3))
    ]
    return [*own, *(each for key, each in _WITH.items() if any(word == key.format(n=k) for k in (1, 2, 3)))]


def _listed(word: str, words: str, n: int) -> bool:
    return word in words.format(n=n).split()


_ENLARGES = ("upsampling", "upsampling1d", "upsampling2d", "upsampling3d")
"""Keras's layers whose `size` is how many times as large the output is."""
CONSUMED: Mapping[str, tuple[str, ...]] = {
    "Flatten": ("dim", "axis"),
    "Upsample": ("size",),
}
"""Arguments that are taken up by the arguments of the layer that is meant."""
