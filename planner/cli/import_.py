"""`planner import`."""

from __future__ import annotations

from typing import Any

import click

from planner.cli import _files, _reading
from planner.cli._options import arguments_option, read_inputs

PLACE = 9


@click.command("import")
@click.argument("source")
@click.option("--input", "input", multiple=True, callback=read_inputs, metavar="[NAME=]HxWxC",
              help="The shape of what the network reads, such as 224x224x3; once for each named input.")  # fmt: skip
@arguments_option
@click.option("-o", "--output", metavar="PATH", help="Where to; standard output when left out.")
def command(source: str, input: Any, output: str | None) -> int:
    """Write the model file of a network that you have.

    SOURCE is net.py:Net, a class or function in a file, or package.module:build, one in a package. It is called with
    what --arg gives, and must give a module of PyTorch: this runs your code. Or it is the net.pt2 of torch.export,
    net.onnx, net.keras, or the net.json of a Keras model, of which nothing is run.
    """
    from planner.inputs import FILES, is_source
    from planner.words import joined

    _files.ready(output, source.partition(":")[0] if ":" in source else source)
    if source.endswith((".yaml", ".yml")):
        raise click.UsageError(f"`{source}` is no network to import; every command takes a model file as it is")
    if not is_source(source):
        forms = joined(["net.py:Net", "package.module:build", *(f"net{ending}" for ending in FILES)], "or")
        raise click.UsageError(f"`{source}` names no network; write it as {forms}")
    _files.save(_reading.brought_in(source, input), output)
    return 0
