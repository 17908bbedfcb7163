"""Crops: a piece from the middle, so many cells off each side, or down to the size of another tensor."""

from planner.faults.crop_too_large import CropTooLarge
from planner.faults.wrong_value import WrongValue
from planner.geometry import Centre, Shape, Shift
from planner.layers._call import Call
from planner.layers._centred import SizedLike, shifted
from planner.layers._fields import Amounts, PerAxis
from planner.layers._layer import Layer, axis_name


class CenterCrop(Layer):
    """The middle of each spatial axis: length = size.

    Where an odd number of cells is cut off, one more goes at the end. torchvision's CenterCrop rounds half to even
    there, and pads what is too small; this one refuses.
    """

    size: PerAxis

    def axes(self, x: Shape) -> tuple[Centre, ...]:
        return tuple(map(Centre, self.per_axis("size", len(x.spatial))))

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        self.must_have_axes(x, 1, 2, 3)
        for axis, (n, along) in enumerate(zip(x.spatial, self.axes(x), strict=True)):
            if along.size > n:
                raise CropTooLarge.of_size(axis_name(axis, len(x.spatial)), n, along.size, "size")

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        return (shifted(along.at(n) for along, n in zip(self.axes(x), x.spatial, strict=True)),)


class Crop(Layer):
    """So many cells off each side of each spatial axis: length = n − before − after.

    `amount` is one number, one for each axis, or a pair [before, after] for each axis.
    """

    amount: Amounts

    def axes(self, x: Shape) -> tuple[Shift, ...]:
        rank = len(x.spatial)
        amounts = (self.amount,) * rank if isinstance(self.amount, int) else self.amount
        if len(amounts) != rank:
            raise WrongValue("amount", f"one number, or one or a pair for each of {rank} spatial axes", amounts)
        pairs = [(each, each) if isinstance(each, int) else each for each in amounts]
        return tuple(Shift(-before, -after) for before, after in pairs)

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        self.must_have_axes(x, 1, 2, 3)
        for axis, (n, along) in enumerate(zip(x.spatial, self.axes(x), strict=True)):
            if along.length(n) < 1:
                raise CropTooLarge.of_amount(axis_name(axis, len(x.spatial)), n, n - along.length(n), "amount")

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (shifted(self.axes(inputs[0])),)


class CropLike(SizedLike):
    """The middle of the first source, to the spatial size of the second one: length = that of the second.

    An odd cell is cut off at the end. The second source is not read. This is how a U-Net with valid convolutions
    brings a skip connection to size (arXiv:1505.04597).
    """

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        x, like = inputs
        for axis, (n, size) in enumerate(zip(x.spatial, like.spatial, strict=True)):
            if size > n:
                raise CropTooLarge.of_size(axis_name(axis, len(x.spatial)), n, size, "from")
