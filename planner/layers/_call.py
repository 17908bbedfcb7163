"""The PyTorch calls that layers mean, as values."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Literal

Layout = Literal["first", "last", "any"]
"""Where a tensor has its channels: (N, C, …), (N, …, C), or it does not matter."""


@dataclass(frozen=True, slots=True)
class Call:
    """One PyTorch call, as a value.

    target    a class to construct once (`nn.Conv2d`), a function (`torch.cat`), a method (`Tensor.permute`), or an
              operator (`operator.add`), which takes its operands two by two from the left; `import:package.Name` is a
              class of the user's own, which has the single argument `args`, its own by name
    args      the keyword arguments that are not the inputs, in order; a Call among them is made first.
              `Tensor.__getitem__` has one, the index; an operator has numbers, which are its last operands. A pool that
              takes means may have `counted` and `uncounted`: zeros around its input, as `F.pad` takes them, of which
              the uncounted lie outside, and its means are divided by those of ones in place of all but these
    positional the arguments that people write without their names: those at the head of `args` that are among these
    gathers   the function takes its inputs as one list
    layout    the layout that inputs and outputs have
    reads     which of the inputs it is given, in order, where it is not each once
    forward   keyword arguments of a module's forward pass
    returns   where in what it returns each output stands: () is all of it, (1, 0) is `result[1][0]`
    batches   the axis of the batch in each output, where it is not the first; `batched_at` in each input
    tupled    how many of the last inputs are given as one tuple
    numbers   arguments that are numbers which the layer has under another name, as `fill` is the `fill_value`
    same_as   arguments that have the value of another one where they are left out
    along     the argument that names the axes it works along; such a call takes the channels wherever they are
    folds     whether those axes vanish; it then finds the channels only where they are not among them
    turned    the inputs whose last two axes change places first
    by_value  it works value by value, on inputs of sizes that fit one another, as operators do
    pairwise  the function takes its inputs two by two from the left, as operators do
    reversed  an operator's numbers are its first operands
    widened   how many axes of one cell each input gets behind its batch first
    leading   the arguments that come before the inputs
    named     the names of the last inputs, by which these are given behind the arguments
    repeats   the inputs that need no batch, since PyTorch repeats them for every sample
    unbatched  the inputs that PyTorch takes without a batch; the call is made for each sample where theirs differ
    causal    the argument that takes a mask which hides from each position of the first input those behind it
    in_rows   the module takes sequences, and axes before these are put into the batch for it
    batch_axes  how many axes before the module's own are put into the batch for it, and out of it again
    scalar    the tensor that is made is a single number without an axis

    `planner.rearranged` parts axes into pieces and joins these to other axes. Its arguments are those of `Pieces`, but
    for the sizes, of which those that PyTorch works out are -1.
    """

    target: str
    args: Mapping[str, object] = field(default_factory=dict)
    positional: tuple[str, ...] = ()
    gathers: bool = False
    layout: Layout = "first"
    reads: tuple[int, ...] | None = None
    forward: Mapping[str, object] = field(default_factory=dict)
    returns: tuple[tuple[int, ...], ...] = ((),)
    batches: tuple[int, ...] | None = None
    batched_at: tuple[int, ...] | None = None
    tupled: int = 0
    numbers: Mapping[str, str] = field(default_factory=dict)
    same_as: Mapping[str, str] = field(default_factory=dict)
    along: str = ""
    folds: bool = False
    turned: tuple[int, ...] = ()
    by_value: bool = False
    pairwise: bool = False
    reversed: bool = False
    widened: tuple[int, ...] = ()
    leading: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    repeats: tuple[int, ...] = ()
    unbatched: tuple[int, ...] = ()
    causal: str = ""
    in_rows: bool = False
    batch_axes: int = 0
    scalar: bool = False

    def is_like(self, other: "Call") -> bool:
        """Whether both calls are the same but for their arguments."""
        return self is other or _FORM(self) == _FORM(other)

    @property
    def home(self) -> str:
        """The namespace of the target: `nn`, `F`, `torch`, `Tensor`, `operator`, or another library."""
        return self.target.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.target.rpartition(".")[2]

    @property
    def as_function(self) -> "Call":
        """The function of PyTorch that is called like a module without weights: `F.max_pool2d` for `nn.MaxPool2d`."""
        return replace(self, target="F." + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower())

    @property
    def is_constant(self) -> bool:
        """Whether the call makes a tensor that is not trained, and not in the `state_dict`."""
        return self.target == "nn.Buffer" and self.args.get("persistent") is False

    @property
    def is_tensor(self) -> bool:
        """Whether the call makes a tensor, trained or not, which nobody calls."""
        return self.target in ("nn.Parameter", "nn.Buffer")

    @property
    def imports(self) -> str:
        """The full name of a class of the user's own; nothing for all other targets."""
        return self.target.partition("import:")[2]

    @property
    def is_constructed(self) -> bool:
        """Whether the target is a class, of which one object is made."""
        return self.name[:1].isupper() or bool(self.imports)

    @property
    def is_module(self) -> bool:
        """Whether the object that is made is called."""
        return self.is_constructed and not self.is_tensor

    @property
    def is_operator(self) -> bool:
        return self.home == "operator"

    @property
    def takes_any_batch(self) -> bool:
        """Whether inputs may lack the size of the batch, or its axis, if others have it."""
        return self.is_operator or self.by_value

    def follows(self, ranks: Collection[int], dims: Collection[int]) -> bool:
        """Whether a call along these axes finds them wherever the channels are, on inputs of so many axes beside the
        batch.
        """
        if len(ranks) != 1:
            return False
        (rank,) = ranks
        return not self.folds or all(dim % (rank + 1) > 1 for dim in dims)

    @property
    def is_permutation(self) -> bool:
        """Whether the call only reorders axes."""
        return self.target == "Tensor.permute"

    @property
    def is_rearrangement(self) -> bool:
        """Whether the call parts axes, reorders and joins them."""
        return self.target == "planner.rearranged"

    @property
    def places_channels(self) -> bool:
        """Whether the call takes the channels from anywhere, and puts them anywhere."""
        return self.is_permutation or self.is_rearrangement

    @property
    def is_index(self) -> bool:
        return self.target == "Tensor.__getitem__"

    @property
    def is_padding(self) -> bool:
        return self.target == "F.pad"


_FORM = attrgetter(*(each.name for each in fields(Call) if each.name != "args"))
"""All that a call is beside its arguments."""
