"""`planner calc`."""

from __future__ import annotations

from typing import Any

import click

from planner.cli._options import format_option, screen_option
from planner.cli._printing import print_text
from planner.outputs import renderer
from planner.outputs._screen import Screen

PLACE = 6


@click.command("calc")
@click.argument("size")
@click.option("-k", "--kernel", metavar="N", help="Kernel size.")
@click.option("-s", "--stride", metavar="N", help="Stride; 1 when left out.")
@click.option("-p", "--padding", metavar="N", help="Padding on both sides; 2,3 is 2 before and 3 after.")
@click.option("-d", "--dilation", metavar="N", help="Dilation.")
@click.option("--ceil", is_flag=True, help="A pool's ceil_mode: a last window may hang over the end.")
@click.option("--same", is_flag=True, help="PyTorch's padding='same'.")
@click.option("--tf-same", is_flag=True, help="TensorFlow's and ONNX's SAME padding, which goes with strides.")
@click.option("--transposed", is_flag=True, help="A transposed convolution.")
@click.option("--output-padding", metavar="N", help="A transposed convolution's output_padding.")
@click.option("--adaptive", metavar="N", help="An adaptive pool to N cells, instead of a kernel.")
@format_option("text", "calc")
@screen_option
def command(format: str, screen: Screen, **request: Any) -> int:
    """Work one layer out as on paper: what it loses.

    SIZE is an axis, such as 416, or several: 224x200. An option has one number for all of them, or one for each: 7x3.
    Says what is lost, where and why, and which sizes and arguments near by lose nothing. Exits with 1 if the layer
    does not fit.
    """
    from planner.hand_rule import Refused, Request, work_out

    try:
        paper = work_out(Request(**request))
    except Refused as refused:
        raise click.UsageError(str(refused)) from None
    print_text(renderer("calc", format)(paper, screen))
    return int(not paper.fits)
