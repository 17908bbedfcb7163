from planner.diagnostics import SOURCE, Fault, puts


class CropTooLarge(Fault):
    """More is cut off, or a larger piece is cut out, than there is.

    Why it matters: there is nothing to take it from. In a U-Net with valid convolutions it says that the two ends of a
    skip connection are the wrong way round, or that the input is too small.

    When to ignore it: never.

    How to fix it: a smaller crop or a larger input; `CropLike` takes first what is cropped, then what gives the size.
    To enlarge, pad with `PadLike`.
    """

    code = "NSP311"
    mended_by = ("swapped_sources",)
    bad = """
        input: [64, 64, 8]
        layers:
          - {type: CenterCrop, size: 70}  # NSP311
        """
    fixed = """
        input: [64, 64, 8]
        layers:
          - {type: CenterCrop, size: 64}
        """
    good = fixed

    @classmethod
    def of_size(cls, axis: str, n: int, size: int, key: str) -> "CropTooLarge":
        return cls(
            "crop size is larger than its input",
            label=f"{axis}: {size} of {n} cells from {SOURCE}",
            help="swap the two sources, or use PadLike" if key == "from" else f"use `{key}: {n}` or less",
            key=key,
            mends=puts(key, n) if key != "from" else (),
        )

    @classmethod
    def of_amount(cls, axis: str, n: int, amount: int, key: str) -> "CropTooLarge":
        return cls(
            "more is cut off than there is",
            label=f"{axis}: {amount} cut off {n} cells from {SOURCE}",
            help=f"cut off less than {n} in all",
            key=key,
        )
