from planner.diagnostics import SOURCE, Edit, Fault
from planner.geometry import Shape


class OneValuePerChannel(Fault):
    """Instance normalization of a map with a single cell: it takes mean and variance over the cells of one channel of
    one sample. The variance of one cell is 0, so every output would be 0, whatever the input.

    Why it matters: PyTorch refuses the layer in training, and in evaluation too, unless `track_running_stats` gives it
    statistics to use there.

    When to ignore it: never.

    How to fix it: put the normalization before the pooling, use `LayerNorm` or `GroupNorm`, or a larger input.
    """

    code = "NSP217"
    bad = """
        input: [32, 32, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: InstanceNorm2d}  # NSP217
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: GroupNorm, num_groups: 1}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {type: InstanceNorm2d}
          - {type: AdaptiveAvgPool2d, output_size: 1}
        """

    def __init__(self, shape: Shape) -> None:
        super().__init__(
            "expected more than 1 spatial element when training",
            label=f"{shape} from {SOURCE} has one cell",
            help="put the normalization before the pooling, or use {type: GroupNorm, num_groups: 1}",
            key="type",
            mends=[(Edit(("type",), "GroupNorm"), Edit(("num_groups",), 1))],
        )
