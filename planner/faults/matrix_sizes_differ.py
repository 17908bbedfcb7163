from planner.diagnostics import SOURCE, Fault, puts
from planner.geometry import Shape


class MatrixSizesDiffer(Fault):
    """A matrix product of L×K and K×M needs the columns of the first, its channels, to be as many as the rows of the
    second.

    Why it matters: PyTorch refuses it at the first forward pass.

    When to ignore it: never.

    How to fix it: for a product with the second one's transpose, as in queries times keys, write `transpose_b:
    true`; else give the two the same size there, or exchange axes with `Permute`.
    """

    code = "NSP227"
    bad = """
        input: {queries: [20, 64], keys: [50, 64]}
        layers:
          - {type: MatMul, from: [queries, keys]}  # NSP227
        """
    fixed = """
        input: {queries: [20, 64], keys: [50, 64]}
        layers:
          - {type: MatMul, from: [queries, keys], transpose_b: true}
        """
    good = fixed

    def __init__(self, a: Shape, b: Shape, *, transposed: bool) -> None:
        rows, columns = (b[-1], b[-2]) if transposed else (b[-2], b[-1])
        if a.channels == columns:
            help = "leave `transpose_b` out" if transposed else "add `transpose_b: true`"
        else:
            help = f"give them the same size there: put {{type: Linear, out_features: {rows}}} before the first"
        second = f"{rows}×{columns}" + (" (transposed)" if transposed else "")
        super().__init__(
            "mat1 and mat2 shapes cannot be multiplied",
            label=f"{a[-2]}×{a[-1]} and {second} from {SOURCE}: {a[-1]} is not {rows}",
            help=help,
            key="type",
            mends=puts("transpose_b", not transposed) if a.channels == columns else (),
        )
