from planner.diagnostics import SOURCE, Fault, puts


class CropTooLarge(Fault):
    """A crop cuts off more cells than its input has, or cuts out a piece that is larger than its input.

    Why it matters: the cells are not there. In a U-Net with valid convolutions it means that the two ends of a skip
    connection are the wrong way round, or that the input is too small.

    When to ignore it: never.

    How to fix it: a smaller crop or a larger input. `CropLike` takes first the tensor to crop, then the one that gives
    the size. To enlarge, pad with `PadLike`.
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
            "more cells are cut off than there are",
            label=f"{axis}: {amount} cut off {n} cells from {SOURCE}",
            help=f"cut off less than {n} in all",
            key=key,
        )
