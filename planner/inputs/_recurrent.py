"""Recurrent layers on tensors without values: PyTorch would go through the sequence there step by step, in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn


def run_layer(forward: Callable[..., Any], module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a layer gives; a recurrent one at once where its tensors have no values."""
    if isinstance(module, nn.RNNBase) and len(args) in (1, 2) and not kwargs:
        x, *states = args
        if isinstance(x, Tensor) and x.is_meta and x.dim() == 3:
            return _of_sizes(module, x, *states)
    return forward(module, *args, **kwargs)


def _of_sizes(module: nn.RNNBase, x: Tensor, states: Any = None) -> Any:
    """The sequence and the last states, as PyTorch has them."""
    samples = x.shape[0 if module.batch_first else 1]
    directions = 2 if module.bidirectional else 1
    out = module.proj_size or module.hidden_size
    last = [x.new_empty(directions * module.num_layers, samples, n) for n in (out, module.hidden_size)]
    given: Any = tuple(last) if isinstance(module, nn.LSTM) else last[0]
    module.check_forward_args(x, given if states is None else states, None)
    return x.new_empty(*x.shape[:2], directions * out), given
