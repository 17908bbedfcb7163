"""Dense layers and tables.

Source: https://keras.io/api/layers/core_layers/
"""

from __future__ import annotations

from planner.faults._in_text import shown
from planner.inputs._graph import Output
from planner.inputs._keras.activations import activated
from planner.inputs._keras.building import Building, means
from planner.inputs._keras.given import Given, Sources


@means("Dense")
def dense(b: Building, given: Given, sources: Sources) -> Output:
    bias = None if given.flag("use_bias", True) else False
    found = b.add("Linear", sources.only_tensor(), path=given.path, out_features=given.whole("units"), bias=bias)
    return activated(b, given, found)


@means("Embedding")
def embedding(b: Building, given: Given, sources: Sources) -> Output:
    if given.flag("mask_zero", False):
        b.note(f"{shown(given.label)} masks 0 (mask_zero); here the layers behind it read it like any other token")
    sizes = {"num_embeddings": given.whole("input_dim"), "embedding_dim": given.whole("output_dim")}
    return b.add("Embedding", sources.only_tensor(), path=given.path, **sizes)
