from __future__ import annotations

from collections.abc import Iterable, Sequence

from planner.diagnostics import Edit, Fault, Path, did_you_mean, nearest


class UnknownWeights(Fault):
    """`share` or `tie` names no weights that are there: no layer of the list has the name, or it stands below, is left
    out, is repeated so that it is not clear which copy is meant, or uses the weights of another one itself.

    Why it matters: the planner does not know which weights are meant, and PyTorch could not construct the module. Names
    are looked up among the layers of the same list, as those in `from` are; the names in `tie` go on into blocks, with
    dots, and end with the weight's own name: `wte.weight`, `encoder.0.attn.in_proj_weight`.

    When to ignore it: never.

    How to fix it: take the suggested name, or move the layer that has the weights above the one that uses them.
    """

    code = "NSP250"
    slip = "word"
    bad = """
        input: {left: [32, 32, 3], right: [32, 32, 3]}
        layers:
          - {name: conv1, type: Conv2d, out_channels: 8, kernel_size: 3, from: left}
          - {name: conv2, type: Conv2d, out_channels: 8, kernel_size: 3, from: right, share: conv}  # NSP250
          - {type: Concat, from: [conv1, conv2]}
        """
    fixed = """
        input: {left: [32, 32, 3], right: [32, 32, 3]}
        layers:
          - {name: conv1, type: Conv2d, out_channels: 8, kernel_size: 3, from: left}
          - {name: conv2, type: Conv2d, out_channels: 8, kernel_size: 3, from: right, share: conv1}
          - {type: Concat, from: [conv1, conv2]}
        """
    good = fixed

    @classmethod
    def not_there(cls, name: str, known: Iterable[str], key: Path) -> UnknownWeights:
        """The fault of a name that nothing has."""
        names = list(known)
        listed = ", ".join(f"`{each}`" for each in names[-8:])
        return cls(
            f"there are no weights `{name}` here",
            label="nothing above in this list has this name",
            help=did_you_mean(name, names)
            or (f"those above are {listed}" if listed else "put the layer that has them above this one"),
            key=key,
            mends=[(Edit((), word),) for word in nearest(name, names, 2)],
        )

    @classmethod
    def within(cls, name: str, block: str, key: Path) -> UnknownWeights:
        """The fault of a layer in a block, which is no layer of this list."""
        return cls(
            f"`{name}` stands within `{block}`",
            label="`share` names a layer, or a whole block, of this list",
            help=f"share all of `{block}`, by a call of the same block; single tensors can be tied: "
            f"`tie: {{weight: {name}.weight}}`",
            key=key,
        )

    @classmethod
    def below(cls, name: str, line: int | None, key: Path) -> UnknownWeights:
        """The fault of a name that only a later layer has."""
        where = f" on line {line}" if line is not None else ""
        return cls(
            f"`{name}` comes later than the layer that uses its weights",
            label=f"`{name}` stands below{where}",
            help=f"move `{name}` above this layer, or let `{name}` use the weights of this one",
            key=key,
        )

    @classmethod
    def itself(cls, name: str, key: Path) -> UnknownWeights:
        """The fault of a layer that is to use its own weights."""
        return cls(
            f"`{name}` cannot use its own weights",
            label="this is the layer itself",
            help="name an earlier layer; the copies of a layer with `repeat` may name itself to use those of the first",
            key=key,
        )

    @classmethod
    def left_out(cls, name: str, key: Path) -> UnknownWeights:
        """The fault of a layer of which there is no copy."""
        return cls(
            f"`{name}` is left out, and has no weights",
            label=f"`when` or `repeat` leaves `{name}` out here",
            help=f"give this layer the condition of `{name}`, or name a layer that is there",
            key=key,
        )

    @classmethod
    def not_a_layer(cls, name: str, key: Path) -> UnknownWeights:
        """The fault of an input, which has no weights."""
        return cls(
            f"`{name}` has no weights",
            label=f"`{name}` is an input",
            help="name a layer, or a call of a block",
            key=key,
        )

    @classmethod
    def of_copies(cls, name: str, copies: int, key: Path, rest: str = "") -> UnknownWeights:
        """The fault of a repeated layer, where one copy is to be named."""
        return cls(
            f"`{name}` is repeated: which copy is meant?",
            label=f"{copies} copies, `{name}.0` to `{name}.{copies - 1}`" if copies > 1 else f"its copy is `{name}.0`",
            help=f"name one, such as `{name}.0{rest}`",
            key=key,
        )

    @classmethod
    def borrowed(cls, name: str, owner: str, key: Path) -> UnknownWeights:
        """The fault of weights to tie to that are another layer's."""
        return cls(
            f"`{name}` is not registered under this name",
            label=f"these are the weights of `{owner}`, which is called again",
            help=f"name them as `{owner}`",
            key=key,
            mends=[(Edit((), owner),)],
        )

    @classmethod
    def no_weight(
        cls, type: str, name: str, known: Sequence[str], key: Path, *, owner: str = "", at_key: bool = False
    ) -> UnknownWeights:
        """The fault of a layer without a weight of the name; `owner` is what the file calls another layer."""
        if known == [""]:
            return cls._tensor_itself(type, name, key, owner=owner, at_key=at_key)
        has = "its weights are " + ", ".join(f"`{each}`" for each in known) if known else "its weights are not known"
        before = f"{owner}." if owner else ""
        return cls(
            f"{type} has no weight `{name}`" if name else f"`{owner}` is a layer, not a weight",
            label=has,
            help=did_you_mean(f"{before}{name}", [f"{before}{each}" for each in known])
            or (f"such as `{before}{known[0]}`" if known else "leave `tie` out"),
            key=key,
            at_key=at_key,
            mends=[
                (Edit((), f"{before}{each}", "rename" if at_key else "set"),)
                for each in (nearest(name, known, 2) if name else known[:1])
            ],
        )

    @classmethod
    def _tensor_itself(cls, type: str, name: str, key: Path, *, owner: str, at_key: bool) -> UnknownWeights:
        """The fault of a layer that is a tensor, and has no named weights: its own name alone can be tied to."""
        return cls(
            f"{type} has no weight `{name}`",
            label="it is a tensor itself",
            help="leave `tie` out, and use the other tensor in its place" if at_key else f"write `{owner}`",
            key=key,
            at_key=at_key,
            mends=[] if at_key else [(Edit((), owner),)],
        )

    @classmethod
    def on_a_block(cls, kind: str) -> UnknownWeights:
        """The fault of `tie` on a call of a block."""
        return cls(
            "`tie` stands on a layer",
            label=f"`{kind}` is a list of layers",
            help="write it at the layer whose weight is meant; `share` is for whole blocks",
            key=("tie",),
        )

    @classmethod
    def beside_share(cls) -> UnknownWeights:
        """The fault of a layer with `share` and `tie`."""
        return cls(
            "a layer with `share` has no weights of its own to tie",
            label="all its weights are those of the layer that `share` names",
            help="leave `tie` out, or write it at that layer",
            key=("tie",),
            mends=[(Edit((), action="remove"),)],
        )
