from planner.diagnostics import Fault


class SamePaddingWithStride(Fault):
    """`padding: same` keeps the size, which a stride does not: PyTorch has it for stride 1 only.

    Why it matters: PyTorch refuses the layer when it is built. TensorFlow and ONNX mean something else by the word,
    which is `tf_same` here: ceil(n / stride) outputs, with the odd cell of padding at the end.

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
    good = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: tf_same}
        """

    def __init__(self, stride: object) -> None:
        super().__init__(
            "padding='same' is not supported for strided convolutions",
            label=f"stride is {list(stride) if isinstance(stride, tuple) else stride}",
            help="use `padding: tf_same` for TensorFlow's meaning, or a number such as `padding: 1`",
            key="padding",
        )
