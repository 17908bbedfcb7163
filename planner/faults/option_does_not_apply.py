from planner.diagnostics import Edit, Fault, puts


class OptionDoesNotApply(Fault):
    """A layer has an option that does not go with its other arguments. In an interpolation `align_corners` is for
    linear and cubic modes, `antialias` for bilinear, bicubic and lanczos, `recompute_scale_factor` for a
    `scale_factor`; `reversed` is for an operator with a number, `other`; attention has a mask or `is_causal`, not both;
    `start` and `end` are for a `Constant` with `fill: linspace`; with `batch_axes` there are no places of maxima.

    Why it matters: PyTorch refuses such an interpolation at the first forward pass, and sources have their order in
    `from`.

    When to ignore it: never.

    How to fix it: leave the option out, or use a mode that has it.
    """

    code = "NSP310"
    bad = """
        input: [32, 32, 8]
        layers:
          - {type: Upsample, scale_factor: 2, mode: nearest, align_corners: true}  # NSP310
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {type: Upsample, scale_factor: 2, mode: nearest}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {type: Upsample, scale_factor: 2, mode: bilinear, align_corners: true}
        """

    @classmethod
    def align_corners(cls, mode: str) -> "OptionDoesNotApply":
        return cls(
            "align_corners option can only be set with the interpolating modes",
            label=f"mode is {mode}; linear, bilinear, bicubic and trilinear have the option",
            help="remove `align_corners`",
            key="align_corners",
            mends=[(Edit(("align_corners",), action="remove"),)],
        )

    @classmethod
    def antialias(cls, mode: str, rank: int) -> "OptionDoesNotApply":
        return cls(
            "anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor",
            label=f"mode is {mode}, on {rank} spatial {'axis' if rank == 1 else 'axes'}",
            help="remove `antialias`" + ("" if rank != 2 else ", or use `mode: bilinear`"),
            key="antialias",
            mends=[(Edit(("antialias",), action="remove"),)],
        )

    @classmethod
    def recompute(cls, size: str) -> "OptionDoesNotApply":
        return cls(
            "recompute_scale_factor is not meaningful with an explicit size",
            label=f"the size is given by {size}",
            help="remove `recompute_scale_factor`",
            key="recompute_scale_factor",
            mends=[(Edit(("recompute_scale_factor",), action="remove"),)],
        )

    @classmethod
    def lanczos(cls, key: str, needed: str) -> "OptionDoesNotApply":
        return cls(
            f"lanczos mode requires {key}={needed.title()}",
            label="the mode is made for resizing with a filter",
            help=f"write `{key}: {needed}`, or use `mode: bicubic`",
            key="mode",
            mends=[(Edit((key,), needed == "true"),), *puts("mode", "bicubic")],
        )

    @classmethod
    def causal_mask(cls) -> "OptionDoesNotApply":
        return cls(
            "explicit attn_mask should not be set when is_causal=True",
            label="the fourth source is a mask",
            help="leave the mask out, or `is_causal`",
            key="is_causal",
            mends=[(Edit(("is_causal",), action="remove"),)],
        )

    @classmethod
    def batch_axes(cls, why: str) -> "OptionDoesNotApply":
        return cls(
            "`batch_axes` does not go with this",
            label=why,
            help="put these axes into one of its own with a Rearrange, or leave the other option out",
            key="batch_axes",
        )

    @classmethod
    def ends(cls, key: str, fill: object) -> "OptionDoesNotApply":
        return cls(
            f"`{key}` is for `fill: linspace`",
            label=f"`fill` is {fill}, which has no ends",
            help=f"use `fill: linspace`, or remove `{key}`",
            key=key,
            mends=[(Edit((key,), action="remove"),), *puts("fill", "linspace")],
        )

    @classmethod
    def reversed(cls, sources: int) -> "OptionDoesNotApply":
        return cls(
            "`reversed` is for a number and a tensor",
            label=f"`other` is not given, and {sources} sources are",
            help="remove `reversed`, and name the sources in their order in `from`",
            key="reversed",
            mends=[(Edit(("reversed",), action="remove"),)],
        )
