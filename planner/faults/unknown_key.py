from collections.abc import Iterable

from planner.diagnostics import Edit, Fault, nearest
from planner.faults._written_elsewhere import synonyms


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
    fixed = """
        input: [33, 33, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}
        """
    good = fixed

    def __init__(self, key: str, owner: str, known: Iterable[str], missing: str = "") -> None:
        """`missing` is a key that is needed and not given: it may be the one that was meant."""
        names = sorted(set(known))
        takes = f"{owner} takes " + (", ".join(f"`{name}`" for name in names) or "no keys")
        near = meant(key, names)
        super().__init__(
            f"{owner} has no `{key}`",
            label="nothing reads this key",
            help=f"did you mean `{near}`?"
            if near
            else f"did you mean `{missing}`, which is needed?"
            if missing
            else takes,
            key=key,
            at_key=True,
            mends=[
                *([(Edit((key,), near or missing, "rename"),)] if near or missing else []),
                *([] if missing else [(Edit((key,), action="remove"),)]),
            ],
        )


def meant(key: str, known: Iterable[str]) -> str:
    """The key that is meant: the one that looks like it, or the one that is called so elsewhere; else nothing."""
    names = list(known)
    return next(iter((*nearest(key, names), *synonyms(key, names))), "")
