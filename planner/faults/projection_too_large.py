from planner.diagnostics import Edit, Fault, puts


class ProjectionTooLarge(Fault):
    """The `proj_size` of an LSTM is not smaller than its `hidden_size`: it makes the layer hand on fewer channels than
    its hidden state has.

    Why it matters: PyTorch refuses the layer when it is built.

    When to ignore it: never.

    How to fix it: a smaller `proj_size`; or leave it out, and put a `Linear` behind the LSTM if needed.
    """

    code = "NSP226"
    bad = """
        input: [100, 40]
        layers:
          - {type: LSTM, hidden_size: 64, proj_size: 64}  # NSP226
        """
    fixed = """
        input: [100, 40]
        layers:
          - {type: LSTM, hidden_size: 64}
        """
    good = """
        input: [100, 40]
        layers:
          - {type: LSTM, hidden_size: 64, proj_size: 32}
        """

    def __init__(self, proj_size: int, hidden_size: int) -> None:
        smaller, removed = puts("proj_size", hidden_size - 1), (Edit(("proj_size",), action="remove"),)
        most = f"use `proj_size: {hidden_size - 1}` or less, or leave it out"
        super().__init__(
            "proj_size has to be smaller than hidden_size",
            label=f"{proj_size}, with a hidden size of {hidden_size}",
            help=most if hidden_size > 1 else "leave `proj_size` out",
            key="proj_size",
            # Without a projection the layer hands on `hidden_size` channels, which may be all that was wanted.
            mends=[removed, *smaller] if proj_size == hidden_size else [*smaller, removed],
        )
