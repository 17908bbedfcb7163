from __future__ import annotations

from collections.abc import Iterable

from planner.diagnostics import Edit, Fault, Path, did_you_mean, nearest


class UnknownSource(Fault):
    """`from` or `outputs` names a layer that is not in the same list.

    Why it matters: the planner does not know what the layer reads. Names are looked up among the layers of the same
    list; `input` is the input of the block, or of the model, and `stage.*` means all copies of the repeated layer
    `stage`. The layers inside a block cannot be read from outside: a block hands out what it lists under `outputs`.

    When to ignore it: never.

    How to fix it: take the suggested name; or give the layer you mean a name.
    """

    code = "NSP201"
    slip = "word"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {type: Add, from: [convv, input]}  # NSP201
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {type: Add, from: [conv, input]}
        """
    good = fixed

    def __init__(
        self, name: str, known: Iterable[str], key: Path, *, message: str = "", label: str = "", help: str = ""
    ) -> None:
        names = list(known)
        listed = ", ".join(f"`{each}`" for each in names[-8:])
        super().__init__(
            message or f"there is no layer `{name}` here",
            label=label or "no layer above has this name",
            help=help or did_you_mean(name, names) or f"the names here are {listed}",
            key=key,
            mends=[(Edit((), word),) for word in nearest(name, names, 2)],
        )

    @classmethod
    def of_all(
        cls, base: str, several: Iterable[str], key: Path, *, known: bool = False, left_out: bool = False
    ) -> UnknownSource:
        """The fault of `stage.*` with the `base` `stage`, which is not repeated: it is `known`, or has been `left_out`.
        `several` are the names that stand for several tensors.
        """
        names = () if known else tuple(several)
        if not known:
            label = f"no layer above has the name `{base}`"
            help = "" if names else "it means all copies of a layer above that has a `name` and `repeat`"
        elif left_out:
            label, help = f"`{base}` has no copies here", f"read what stands for it, `from: {base}`"
        else:
            label, help = f"`{base}` is not repeated", f"leave out the `.*`: `from: {base}`"
        return cls(f"{base}.*", names, key, message=f"`{base}.*` matches nothing", label=label, help=help)
