from planner.diagnostics import SOURCE, Fault


class ChannelsDoNotDivide(Fault):
    """A layer that rearranges channels gets a number of them that does not divide evenly: `PixelShuffle` makes
    upscale_factor² cells of each group of channels, `ChannelShuffle` cuts the channels into groups, `Fold` lays the
    cells of each kernel side by side.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: change the channels of the layer before, or the number that must divide them.
    """

    code = "NSP306"
    bad = """
        input: [56, 56, 65]
        layers:
          - {type: PixelShuffle, upscale_factor: 2}  # NSP306
        """
    good = """
        input: [56, 56, 64]
        layers:
          - {type: PixelShuffle, upscale_factor: 2}
        """

    def __init__(self, message: str, channels: int, divisor: int, key: str) -> None:
        """`divisor` is what must divide the channels; `key` the argument that it comes from."""
        below = channels - channels % divisor
        wanted = f"{below} or {below + divisor}" if below else str(divisor)
        super().__init__(
            message,
            label=f"{channels} channels from {SOURCE} / {divisor} leaves {channels % divisor}",
            help=f"give {SOURCE} {wanted} channels, or change `{key}`",
            key=key,
        )
