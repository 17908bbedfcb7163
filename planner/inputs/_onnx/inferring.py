"""The sizes of tensors as ONNX' own inference has them, for what no layer says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.inputs._axes import Sizes

if TYPE_CHECKING:
    import onnx

FEW = 1 << 10
"""Bytes of a weight from which sizes may follow."""


@dataclass(eq=False)
class Inferred:
    found: dict[str, tuple[Sizes | None, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, model: onnx.ModelProto, inputs: Mapping[str, Sizes]) -> Inferred:
        """What follows from the sizes of the inputs; nothing where inference fails."""
        from onnx import shape_inference

        try:
            known = shape_inference.infer_shapes(_light(model, inputs), data_prop=True)
        except Exception:  # noqa: BLE001 - whatever a broken file makes of the library
            return cls()
        infos = (*known.graph.value_info, *known.graph.output)
        return cls({each.name: _read(each) for each in infos if each.type.HasField("tensor_type")})

    def sizes(self, name: str) -> Sizes | None:
        return self.found.get(name, (None, ""))[0]

    def kind(self, name: str) -> str:
        return self.found.get(name, (None, "float"))[1]


def _light(model: onnx.ModelProto, inputs: Mapping[str, Sizes]) -> onnx.ModelProto:
    """The model without the numbers of its weights, and without sizes but those of its inputs."""
    import onnx

    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    light.graph.name = model.graph.name
    light.graph.node.extend(model.graph.node)
    for each in model.graph.input:
        new = light.graph.input.add()
        new.CopyFrom(each)
        if each.name in inputs:
            shape = new.type.tensor_type.shape
            del shape.dim[:]
            for size in inputs[each.name]:
                shape.dim.add().dim_value = size
    for each in model.graph.output:
        new = light.graph.output.add()
        new.name = each.name
        new.type.tensor_type.elem_type = each.type.tensor_type.elem_type
    for weight in model.graph.initializer:
        few = len(weight.raw_data) <= FEW and len(weight.int64_data) <= FEW
        stub = onnx.TensorProto(name=weight.name, data_type=weight.data_type, dims=weight.dims)
        light.graph.initializer.append(weight if few else stub)
    return light


def _read(info: onnx.ValueInfoProto) -> tuple[Sizes | None, str]:
    from onnx import TensorProto

    own = info.type.tensor_type
    floats = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
    kind = "float" if own.elem_type in floats else "truth" if own.elem_type == TensorProto.BOOL else "whole"
    if not own.HasField("shape") or not all(dim.HasField("dim_value") for dim in own.shape.dim):
        return None, kind
    return tuple(dim.dim_value for dim in own.shape.dim), kind
