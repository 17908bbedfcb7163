from planner.diagnostics import Fault


class SamePaddingWithStride(Fault):
    """`padding: same` on a layer with a stride: the padding keeps the size and the stride does not, so PyTorch has
    `same` for stride 1 only.

    Why it matters: PyTorch refuses a convolution when it is built, and has the word for no pool. TensorFlow and ONNX
    mean something else by the word, which is `tf_same` here: ceil(n / stride) outputs, with the odd cell of padding at
    the end.

    When to ignore it: never.

    How to fix it: `padding: tf_same` for TensorFlow's meaning, or a number.
    """

    code = "NSP303"
    mended_by = ("strided_padding",)
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: same}  # NSP303
        """
    fixed = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: tf_same}
        """

    def __init__(self, stride: object, layers: str = "convolutions") -> None:
        super().__init__(
            f"padding='same' is not supported for strided {layers}",
            label=f"stride is {list(stride) if isinstance(stride, tuple) else stride}",
            help="use `padding: tf_same` for TensorFlow's meaning, or a number such as `padding: 1`",
            key="padding",
        )
