"""Every layer against PyTorch: the same shapes, the same state_dict, and refused exactly where PyTorch refuses."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from layer_cases import cases
from layer_oracle import TYPES, Answer, Case, planner_says, torch_counts, torch_says
from planner.geometry import Shape
from planner.layers._layer import Layer

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does

LEAST_ACCEPTED = 0.1
"""The share of cases that a layer must accept, lest nothing but refusals be compared."""


class Difference(NamedTuple):
    """What is meant to differ: for which types, what the planner and PyTorch say there, and why."""

    types: str
    planner: str
    torch: str
    why: str

    def covers(self, case: Case, planner: Answer, torch: Answer) -> bool:
        patterns = ((self.types, case.name), (self.planner, planner.refusal), (self.torch, torch.refusal))
        return all(re.fullmatch(pattern, text) for pattern, text in patterns)


def having(field: str) -> str:
    """The layers that have a field, as a pattern of names."""
    return "|".join(name for name, layer in TYPES.items() if field in layer.model_fields)


DIFFERENCES = (
    Difference(".*", "DimOutOfRange: dimension 0 is the batch", "", "shapes leave the batch out"),
    Difference("Slice", "DimOutOfRange.*", "", "an index is not told how many axes there should be"),
    Difference("Slice", ".* greater than or equal to 1", "", "a step of 0 is written as none"),
    # Of a list with one number PyTorch makes two or three in some places; in others it pads one axis and no other.
    Difference(".*", "WrongValue: `.*` takes one number, or .*", "", "a list has a number for every axis, or side"),
    Difference("Conv.*", "a whole number from 0.*", "", "a pair of numbers is not PyTorch's, and negative ones crop"),
    Difference(".*Pool.*", "a whole number from 0, .* a pair for each axis.*", "", "negative numbers of a pair crop"),
    Difference(".*Pool.*", "SamePaddingWithStride.*", "", "PyTorch has no `same` for pools, which keeps the size"),
    Difference("LPPool.*", "WrongValue: `ceil_mode`.*", "", "a window over the end would be scaled up"),
    Difference("LPPool.*", "WrongValue: `norm_type`.*", "", "zeros have no negative power"),
    Difference("ConvTranspose.*", "a whole number from 1.*", "", "a kernel of one cell does not show a dilation of 0"),
    Difference(having("broadcast"), "SizesDiffer.*", "", "PyTorch repeats axes of one cell without a word"),
    Difference(having("other"), "WrongNumberOfSources.*", "", "a number stands in place of a source"),
    Difference(having("reversed"), "OptionDoesNotApply.*", "", "the operands are in order, and none is a number"),
    Difference("Clamp", "BoundsOutOfOrder.*", "", "nothing would be left but the upper bound"),
    Difference("Var|Std", "WrongValue: `correction`.*", "", "it would be divided by nothing"),
    Difference("Expand|Tile", "WrongValue.*for the batch.*", "", "the batch stays as it is"),
    Difference("RepeatInterleave|Tile", ".* (to|from) 1", "", "repeated no times, no samples are left"),
    Difference("MatMul", "MatrixSizesDiffer.*", "", "einsum repeats axes of one cell without a word"),
    Difference(
        "Einsum", "BadEquation: (Einsum leaves no axis|the batch must).*", "", "every tensor keeps batch and channels"
    ),
    Difference(".*Attention|Transformer.*|Rotary.*", "WrongNumberOfAxes.*", "", "the batch would be the sequence"),
    Difference("ScaledDot.*", "SizesDiffer: tensors must have same number.*", "", "the batch would be another axis"),
    Difference("ScaledDot.*", "SizesDiffer: the mask.*", "", "PyTorch makes the products larger to fit the mask"),
    Difference("MultiheadAttention", "SizesDiffer: the shape of the 2D attn_mask.*", "", "only the flag is looked at"),
    Difference("Constant", "OptionDoesNotApply.*", "", "ends of what has none would be passed over"),
    Difference("Constant", "WrongValue: `shape` takes .*", "", "a table has rows and columns, and a window is square"),
    Difference("CDist|MatMul", "WrongNumberOfAxes.*", "", "the batch would be an axis of the matrices"),
    Difference(".*Norm.*", "ChannelsDiffer.*", "", "what is stated is checked, also where PyTorch has no use for it"),
    Difference("InstanceNorm.*", "", "ValueError: Expected more than 1 spatial element .*", "it can be run"),
    Difference("Crop.*|CenterCrop", "CropTooLarge.*|a whole number from .*", "", "the call for a crop can also pad"),
    Difference("PadLike", "PadTooSmall.*", "", "the call for padding can also crop"),
    Difference("Crop.*|CenterCrop|PadLike", "WrongNumberOfAxes.*", "", "there is nothing to crop or to pad"),
    Difference("CircularPad.*", "PaddingTooWide.*|CropTooLarge.*", "", "PyTorch copies memory that it has not written"),
    Difference("FractionalMaxPool2d", "a whole number from 1.*", "", "there are no windows of no cells"),
    Difference("Interpolate", "AmbiguousSize.*", "", "PyTorch does not know the second source"),
    Difference("Rearrange", "(AxisParts|SizeDoes|WrongNumber).*", "", "PyTorch does not know the second source"),
)


@pytest.mark.parametrize("device", ["cpu", pytest.param("meta", marks=pytest.mark.long)])
@pytest.mark.parametrize("layer", TYPES.values(), ids=TYPES)
def test_answers_as_torch_does(layer: type[Layer], device: str) -> None:
    # Tensors without values are slower: on the meta device much is worked out in Python. Where devices differ, the CPU
    # is right: the meta device takes an output_padding of a ConvTranspose2d that the others refuse.
    seen: Counter[bool] = Counter()

    @settings(max_examples=settings().max_examples // (10 if device == "meta" else 1))
    @given(cases(layer))
    def compare(case: Case) -> None:
        planner = planner_says(case)
        seen[planner.refused] += 1
        if planner == (torch := torch_says(case, device)) or planner == (torch := torch_says(case, "cpu")):
            return
        meant = next((each for each in DIFFERENCES if each.covers(case, planner, torch)), None)
        if meant is None:
            pytest.fail(f"{case}\n  planner: {planner}\n  torch: {torch}", pytrace=False)
        event(meant.why)

    compare()
    few = f"{seen[False]} of {seen.total()} cases fit; what more of them need is said in `MENDED` of layer_cases.py"
    assert seen[False] >= LEAST_ACCEPTED * seen.total(), few


@pytest.mark.parametrize("name", [name for name in TYPES if name != "Bilinear"])  # which PyTorch does not count
def test_macs_are_what_torch_counts(name: str) -> None:
    # On the CPU, attention and LSTM are single operations, whose insides are not counted.
    @settings(max_examples=settings().max_examples // 20, suppress_health_check=list(HealthCheck))
    @given(cases(TYPES[name]))
    def compare(case: Case) -> None:
        assume(not planner_says(case).refused)
        assume(name != "MatMul" or case.inputs[0].channels > 1)  # einsum makes no matrix product of single columns
        macs = case.type(**case.args).facts(*case.inputs).macs
        counts = (torch_counts(case, device) for device in ("cpu", "meta"))
        assert any(count == macs for count in counts), case

    compare()


class Refusal(NamedTuple):
    """A case that PyTorch refuses, and the words of its message that people know it by."""

    type: str
    args: dict[str, Any]
    inputs: tuple[tuple[int, ...], ...]
    words: str


ROW, IMAGE, VOLUME = (9, 6), (9, 9, 6), (9, 9, 9, 6)
CONV = {"out_channels": 8, "kernel_size": 3}
REFUSALS = (
    Refusal("Conv2d", CONV | {"groups": 4}, (IMAGE,), "in_channels must be divisible by groups"),
    Refusal("Conv1d", CONV | {"groups": 3}, (ROW,), "out_channels must be divisible by groups"),
    Refusal(
        "Conv3d",
        CONV | {"stride": 2, "padding": "same"},
        (VOLUME,),
        "padding='same' is not supported for strided convolutions",
    ),
    Refusal("Conv2d", CONV, ((2, 9, 6),), "kernel size can't be greater than actual input size"),
    Refusal(
        "ConvTranspose2d",
        CONV | {"stride": 2, "output_padding": 2},
        (IMAGE,),
        "output padding must be smaller than either stride or dilation",
    ),
    Refusal("ConvTranspose1d", CONV | {"padding": 9}, (ROW,), "output size is too small"),
    Refusal(
        "AvgPool2d", {"kernel_size": 3, "padding": 2}, (IMAGE,), "pad should be at most half of effective kernel size"
    ),
    Refusal("FractionalMaxPool2d", {"kernel_size": 3, "output_size": 8}, (IMAGE,), "large relative to input height"),
    Refusal("Fold", {"kernel_size": 2, "output_size": 4}, (ROW,), "to be divisible by the product of kernel_size"),
    Refusal("Fold", {"kernel_size": 2, "output_size": 5}, ((9, 8),), "the calculated number of sliding blocks"),
    Refusal(
        "ReflectionPad2d",
        {"padding": 9},
        (IMAGE,),
        "padding size should be less than the corresponding input dimension",
    ),
    Refusal("CircularPad1d", {"padding": 10}, (ROW,), "padding value causes wrapping around more than once"),
    Refusal("Upsample", {"size": 4, "scale_factor": 2}, (ROW,), "only one of size or scale_factor should be defined"),
    Refusal("Upsample", {"size": 4, "align_corners": True}, (ROW,), "align_corners option can only be set with"),
    Refusal("Upsample", {"size": 4, "mode": "bilinear"}, (ROW,), "got 3D input, but bilinear mode needs 4D input"),
    Refusal("Upsample", {"size": 4, "recompute_scale_factor": True}, (ROW,), "not meaningful with an explicit size"),
    Refusal("Interpolate", {"size": 4, "antialias": True}, (ROW,), "anti-alias option is restricted to bilinear"),
    Refusal("PixelShuffle", {"upscale_factor": 2}, (IMAGE,), "to be divisible by the square of upscale_factor"),
    Refusal("PixelUnshuffle", {"downscale_factor": 2}, (IMAGE,), "expects height to be divisible by downscale_factor"),
    Refusal("ChannelShuffle", {"groups": 4}, (IMAGE,), "number of channels must be divisible by groups"),
    Refusal("GroupNorm", {"num_groups": 4}, (IMAGE,), "num_channels must be divisible by num_groups"),
    Refusal("InstanceNorm1d", {}, ((1, 6),), "expected more than 1 spatial element when training"),
    Refusal("Roll", {"shifts": [1, 2], "dims": 2}, (ROW,), "shifts and dimensions must align"),
    Refusal("Flip", {"dims": [2, -1]}, (ROW,), "appears multiple times in the list of dims"),
    Refusal("Expand", {"size": [-1, 6, 5]}, (ROW,), "at non-singleton dimension 2"),
    Refusal("IndexSelect", {"dim": 2, "index": [9]}, (ROW,), "out of"),
    Refusal("TopK", {"k": 10}, (ROW,), "selected index k out of range"),
    Refusal("Gather", {"dim": 2}, (ROW, (9, 7)), "to be no larger than self"),
    Refusal("SetSlice", {"dim": 2, "end": 3}, (ROW, ROW), "expected src to have a size equal to the slice of self"),
    Refusal("Einsum", {"equation": "bc->b"}, (ROW,), "does not match the number of dimensions"),
    Refusal("Einsum", {"equation": "bci->bcz"}, (ROW,), "does not appear in the equation for any input operand"),
    Refusal("Einsum", {"equation": "bci->bcc"}, (ROW,), "appears more than once in the output"),
    Refusal("Einsum", {"equation": "b%i->bi"}, (ROW,), "subscripts must be in [a-za-z]"),
    Refusal("Einsum", {"equation": "bci,bc->b"}, (ROW,), "fewer operands were provided"),
    Refusal("Einsum", {"equation": "bii->bi"}, (ROW,), "is repeated for operand 0 but the sizes don't match"),
    Refusal("Einsum", {"equation": "bci,bcj->bij"}, (ROW, (8, 5)), "does not broadcast with previously seen size"),
    Refusal("GRU", {"hidden_size": 4}, (ROW, (2, 4)), "expected hidden size"),
    Refusal("LSTM", {"hidden_size": 4}, (ROW, (1, 4), (1, 5)), "expected hidden[1] size"),
    Refusal(
        "LSTMCell", {"hidden_size": 4}, ((6,), (4,), (5,)), "hidden1 has inconsistent hidden_size: got 5, expected 4"
    ),
    Refusal("Concat", {}, (ROW, (8, 6)), "sizes of tensors must match except in dimension 1"),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal.type}-{refusal.words.replace(' ', '_')}")
def test_refuses_in_the_words_of_torch(refusal: Refusal) -> None:
    case = Case(TYPES[refusal.type], refusal.args, tuple(map(Shape, refusal.inputs)))
    torch = " / ".join(torch_says(case, device).refusal for device in ("cpu", "meta"))
    words = refusal.words.lower()
    assert words in planner_says(case).refusal.lower()
    assert words in re.sub(r" \(\d+\)", "", torch).lower()
