from planner.diagnostics import SOURCE, Fault, puts
from planner.geometry import Shape


class MatrixSizesDiffer(Fault):
    """Two matrices cannot be multiplied: in a product of L×K and K×M, the first has as many columns (its channels) as
    the second has rows.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: to multiply with the transpose of the second matrix, as in queries times keys, write
    `transpose_b: true`; else make the two sizes equal, or exchange axes with `Permute`.
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
            help = f"make the two sizes equal: put {{type: Linear, out_features: {rows}}} before the first"
        second = f"{rows}×{columns}" + (" (transposed)" if transposed else "")
        super().__init__(
            "mat1 and mat2 shapes cannot be multiplied",
            label=f"{a[-2]}×{a[-1]} and {second} from {SOURCE}: {a[-1]} is not {rows}",
            help=help,
            key="type",
            mends=puts("transpose_b", not transposed) if a.channels == columns else (),
        )
