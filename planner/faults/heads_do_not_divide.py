from planner.diagnostics import SOURCE, Fault, puts

USUAL = 64
"""Channels of a head."""


class HeadsDoNotDivide(Fault):
    """The number of heads of an attention layer does not divide its channels, which are dealt out to the heads evenly.

    Why it matters: PyTorch refuses the layer when it is built.

    When to ignore it: never.

    How to fix it: a number of heads that divides the channels. 64 channels a head are usual.
    """

    code = "NSP216"
    bad = """
        input: [196, 768]
        layers:
          - {type: MultiheadAttention, num_heads: 10}  # NSP216
        """
    fixed = """
        input: [196, 768]
        layers:
          - {type: MultiheadAttention, num_heads: 12}
        """
    good = fixed

    def __init__(self, name: str, channels: int, heads: int) -> None:
        dividing = (h for h in range(1, min(channels, 1024) + 1) if not channels % h)
        near = sorted(dividing, key=lambda h: (abs(h - heads), abs(channels - USUAL * h)))[:3]
        super().__init__(
            "embed_dim must be divisible by num_heads",
            label=f"{channels} channels from {SOURCE} / {heads} heads leaves {channels % heads}",
            help=f"use {name}: {' or '.join(map(str, sorted(near)))}",
            key=name,
            mends=puts(name, *near),
        )
