from planner.diagnostics import Fault


class MissingKey(Fault):
    """A layer, a block or the model file itself lacks a key that it needs.

    Why it matters: PyTorch has no default for it, so the layer cannot be built; a block's parameter without a default
    must be given by whoever calls the block.

    When to ignore it: never.

    How to fix it: write the key. `planner explain Conv2d` lists what a layer takes.
    """

    code = "NSP111"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8}  # NSP111
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3}
        """

    def __init__(self, key: str, owner: str, example: str = "", *, instead: str = "") -> None:
        """`instead` is an argument that may stand in place of the missing one."""
        either = f"`{key}`" + (f" or `{instead}`" if instead else "")
        super().__init__(
            f"{owner} needs {either}",
            label=f"`{key}` is not given and has no default" if not instead else "neither of the two is given",
            help=f"add `{key}: {example or '…'}`",
        )
        self.missing = key
