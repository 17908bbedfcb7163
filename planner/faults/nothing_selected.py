from planner.diagnostics import SOURCE, Fault


class NothingSelected(Fault):
    """A slice that holds no cell: it stops before it starts, or it starts past the end.

    Why it matters: PyTorch makes an empty tensor of it and goes on; the error then names a later layer, the first that
    refuses an empty tensor.

    When to ignore it: never.

    How to fix it: cells are numbered from 0, and from −1 backwards; `stop` itself is not taken.
    """

    code = "NSP221"
    bad = """
        input: [197, 768]
        layers:
          - {type: MultiheadAttention, num_heads: 12}
          - {type: Slice, dim: 2, start: 197}  # NSP221
        """
    good = """
        input: [197, 768]
        layers:
          - {type: MultiheadAttention, num_heads: 12}
          - {type: Slice, dim: 2, start: 1}
        """

    def __init__(self, start: int, stop: int | None, axis: str, n: int, *, name: str = "stop") -> None:
        """`name` is what the layer calls `stop`."""
        super().__init__(
            "the slice holds no cell",
            label=f"{axis} from {start} to {'the end' if stop is None else stop}, of {n} from {SOURCE}",
            help=f"use `start: 0` to `start: {n - 1}`, and {'a' if name == 'stop' else 'an'} `{name}` after it",
            key="start" if start >= n or stop is None else name,
        )
