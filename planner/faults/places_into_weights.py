from planner.diagnostics import SOURCE, Fault


class PlacesIntoWeights(Fault):
    """A layer with weights, or a product of tensors with other numbers, reads places: the whole numbers that `ArgMax`,
    `TopK` or a pool with `return_indices` has found, or that a `Constant` counts.

    Why it matters: PyTorch refuses to multiply whole numbers by weights: `mat1 and mat2 must have the same dtype, but
    got Long and Float`. A place says where something is, and twice a place is not twice as much.

    When to ignore it: never.

    How to fix it: look places up in an `Embedding`, or read the values: `Max` and `Min` give those, and so does the
    first output of `TopK`. Coordinates that are meant as numbers become such by a fraction: `Divide` them by their
    number.
    """

    code = "NSP237"
    bad = """
        input: [16, 32]
        layers:
          - {type: ArgMax, dim: 1}
          - {type: Linear, out_features: 8}  # NSP237
        """
    good = """
        input: [16, 32]
        layers:
          - {type: ArgMax, dim: 1}
          - {type: Embedding, num_embeddings: 32, embedding_dim: 8}
        """

    def __init__(self, layer: str) -> None:
        super().__init__(
            f"{layer} takes numbers, and gets places: expected floating point, but got Long",
            label=f"{SOURCE} holds whole numbers that say where something is",
            help="look them up: {type: Embedding, num_embeddings: …, embedding_dim: …}; or read the values themselves",
            key="from",
        )
