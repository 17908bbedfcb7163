from planner.diagnostics import Fault


class ValuesForPlaces(Fault):
    """A layer that picks by whole numbers, such as an `Embedding` or a `Gather`, reads values instead: numbers that a
    layer with weights has worked out, or a `Constant` with a number in it.

    Why it matters: PyTorch refuses to pick by them: `Expected tensor for argument #1 'indices' to have one of the
    following scalar types: Long, Int; but got Float`. So it does where they happen to be whole, as those of a
    `Constant` of `fill: 9`, and whole numbers beside such values are values too.

    When to ignore it: never.

    How to fix it: put a `Long` before it, which makes whole numbers of values; or pick by places that were found, by
    `ArgMax` or by the second output of `TopK`.
    """

    code = "NSP238"
    bad = """
        input: [8, 16]
        layers:
          - {name: index, type: Constant, shape: [8], fill: 3}
          - {type: Embedding, num_embeddings: 4, embedding_dim: 16}  # NSP238
          - {type: Add, from: [input, embedding]}
        """
    good = """
        input: [8, 16]
        layers:
          - {name: index, type: Constant, shape: [8], fill: 3}
          - {type: Long}
          - {type: Embedding, num_embeddings: 4, embedding_dim: 16}
          - {type: Add, from: [input, embedding]}
        """

    def __init__(self, layer: str, source: str) -> None:
        super().__init__(
            f"{layer} picks by whole numbers, and gets values: expected Long or Int, but got Float",
            label=f"`{source}` holds values",
            help="put {type: Long} before it, which drops the fraction; or read whole numbers that a layer has found, "
            "such as those of `ArgMax`",
            key="from",
        )
