from planner.diagnostics import Fault


class EndlessBlocks(Fault):
    """Blocks call one another without end: a block contains itself, directly or through others.

    Why it matters: the network would be infinite.

    When to ignore it: never. A block may call itself with a parameter that counts down and a `when` that ends it, to
    a depth of 50.

    How to fix it: `repeat` makes copies; `when: $depth > 0` ends a recursion.
    """

    code = "NSP116"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: a}
        blocks:
          a:
            layers:
              - {type: a}  # NSP116
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: a, depth: 3}
        blocks:
          a:
            params: {depth: }
            layers:
              - {type: ReLU}
              - {type: a, depth: $depth - 1, when: $depth > 0}
        """

    def __init__(self, names: list[str], depth: int) -> None:
        cycle = names[names.index(names[-1], 0, -1) :] if names[-1] in names[:-1] else names[-3:]
        super().__init__(
            "blocks call one another without end",
            label=" calls ".join(f"`{name}`" for name in cycle[:5]) + f": more than {depth} deep",
            help="use `repeat` for copies, or end the recursion with `when`",
            key="type",
        )
