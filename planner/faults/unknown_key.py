from collections.abc import Iterable

from planner.diagnostics import Edit, Fault, did_you_mean, nearest


class UnknownKey(Fault):
    """A key that nothing reads: misspelt, or an argument that this layer, block or section does not have.

    Why it matters: a misspelt `strid: 2` would leave the stride at 1, and the network would be another one than you
    meant.

    When to ignore it: never. Keys of your own start with `x-`.

    How to fix it: take the suggested name, or rename your own key to start with `x-`.
    """

    code = "NSP110"
    slip = "word"
    bad = """
        input: [33, 33, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, strid: 2}  # NSP110
        """
    good = """
        input: [33, 33, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}
        """

    def __init__(self, key: str, owner: str, known: Iterable[str], missing: str = "") -> None:
        """`missing` is a key that is needed and not given: it may be the one that was meant."""
        names = sorted(set(known))
        takes = f"{owner} takes " + (", ".join(f"`{name}`" for name in names) or "no keys")
        super().__init__(
            f"{owner} has no `{key}`",
            label="nothing reads this key",
            help=did_you_mean(key, names) or (f"did you mean `{missing}`, which is needed?" if missing else takes),
            key=key,
            at_key=True,
            mends=[
                *((Edit((key,), word, "rename"),) for word in nearest(key, names) or [missing] * bool(missing)),
                *([] if missing else [(Edit((key,), action="remove"),)]),
            ],
        )
