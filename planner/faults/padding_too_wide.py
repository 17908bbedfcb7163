from planner.diagnostics import SOURCE, Fault


class PaddingTooWide(Fault):
    """Padding that mirrors or wraps around is too wide for its axis: reflection padding must be smaller
    than the axis that it mirrors, and circular padding not larger.

    Why it matters: PyTorch refuses the layer at the first forward pass, often only for small inputs. Where circular
    padding on one side meets a crop on the other, what the crop leaves counts: PyTorch refuses a single map there, and
    in a batch it may copy memory that holds nothing yet.

    When to ignore it: never.

    How to fix it: less padding, a larger input, or padding with zeros or by replication.
    """

    code = "NSP305"
    bad = """
        input: [4, 4, 3]
        layers:
          - {type: ReflectionPad2d, padding: 4}  # NSP305
        """
    good = """
        input: [5, 5, 3]
        layers:
          - {type: ReflectionPad2d, padding: 4}
        """

    def __init__(self, mode: str, padding: int, most: int, cropped: int = 0) -> None:
        """`cropped` are the cells that negative padding takes away first."""
        reflects = mode == "reflect"
        cells = f"{most} of {most + cropped} cells" if cropped else f"{most + reflects} cells"
        crop = f"; a crop takes the other{'s' if cropped > 1 else ''}" if cropped else ""
        super().__init__(
            "padding size should be less than the corresponding input dimension"
            if reflects
            else "padding value causes wrapping around more than once",
            label=f"{mode} padding of {padding} on {cells} from {SOURCE}{crop}",
            help=f"use a padding of at most {most}, or pad with zeros",
            key="padding",
        )
