"""Names of the emitted code: whatever stands in a model file, what is written is an identifier and hides nothing."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Container

from planner.classes.expressions import Expr, name
from planner.format import Block
from planner.sight import plain

OURS = frozenset(
    {"Any", "F", "OrderedDict", "Sequence", "Tensor", "centred", "index", "init_weights", "layer", "layers"}
    | {"make_divisible", "math", "nn", "self", "super", "torch"}
)
"""Names that mean something in the emitted code."""

BUILTINS = frozenset(dir(builtins))
"""Names that every program has."""
# What `dir(nn.Module())` has in torch 2.13 that is no private name, and what nn.Sequential adds.
_MODULE = """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules
    mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
    state_dict to to_empty train training type xpu zero_grad
    append extend insert pop
"""
TAKEN = frozenset(_MODULE.split())
"""Attributes that modules and their containers have of their own."""

_LAYERS = """
    activation_relu_or_gelu align_corners bias bias_hh bias_ih bias_k bias_v counted dropout1 dropout2 dropout3
    from_pretrained head_dim in_proj_bias in_proj_weight k_proj_weight layers linear1 linear2 max_val merge_masks
    min_val mode multihead_attn name norm1 norm2 norm3 num_batches_tracked out_proj output_padding pad proj_size
    q_proj_weight recompute_scale_factor reset_parameters reset_running_stats running_mean running_var self_attn
    transposed uncounted use_nested_tensor v_proj_weight value weight weight_hh weight_ih
    all_weights check_forward_args check_hidden_size check_input flatten_parameters get_expected_cell_size
    get_expected_hidden_size permute_hidden
"""
OF_LAYERS = frozenset(_LAYERS.split())
"""Attributes that layers of PyTorch have of their own, or may have, beside their arguments."""


def is_attribute(name: str) -> bool:
    """Whether a submodule of this name can be written `self.name`."""
    return (
        name.isidentifier()
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
        and not name.startswith("_")
        and name not in TAKEN
    )


def identifier(name: str, otherwise: str = "layer") -> str:
    """The nearest identifier to any text, in ASCII letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"\W+", "_", plain).strip("_") or otherwise
    if found[0].isdigit():
        found = f"{otherwise}_{found}"
    return f"{found}_" if keyword.iskeyword(found) or keyword.issoftkeyword(found) else found


def camel(name: str) -> str:
    """A class's name: `double_conv` is `DoubleConv`."""
    words = identifier(name, "Layer").split("_")
    return "".join(word[:1].upper() + word[1:] for word in words if word) or "Layer"


def unused(name: str, taken: Container[str]) -> str:
    """The name, or the first of name_1, name_2, … that is free."""
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


class Names:
    """What the parameters, inputs and classes of a model are called in the emitted code."""

    def __init__(self, params: set[str]) -> None:
        self._params: dict[str, str] = {}
        self._taken = {*OURS, *BUILTINS}
        for each in sorted(params):
            found = self._params[each] = unused(identifier(each, "param"), self._taken)
            self._taken.add(found)
        self.renamed: dict[str, Expr] = {each: name(found) for each, found in self._params.items() if each != found}
        """What stands for the parameters that have another name in the code than in the file."""
        self._channels: dict[Block, list[str]] = {}

    def param(self, name: str) -> str:
        """A parameter of the file as an argument."""
        return self._params[name]

    def declared(self, block: Block) -> list[str]:
        """The arguments for the parameters of the block that a list belongs to; the model's are in sight everywhere."""
        if block.owner is not None:
            return self.declared(block.owner)
        return [] if block.is_model else list(map(self.param, block.params))

    def channels(self, block: Block, count: int) -> tuple[str, ...]:
        """The arguments that tell a module how many channels its inputs have, one for each input."""
        wanted = ["in"] if len(block.inputs) == 1 else list(map(identifier, block.inputs))
        if block.takes_any:
            *first, rest = map(identifier, plain(block.inputs))
            wanted = [*first, *(f"{rest}_{i}" for i in range(count - len(first)))]
        found = self._channels.setdefault(block, [])
        for each in wanted[len(found) :]:
            found.append(unused(f"{each}_channels", {*self._params.values(), *found}))
        return tuple(found[: len(wanted)])

    def new_function(self, name: str) -> str:
        """A name for a function that nothing else has."""
        found = unused(identifier(name, "model").lower(), self._taken)
        self._taken.add(found)
        return found

    def new_class(self, name: str) -> str:
        """A name for a class that no other class has."""
        base, number = camel(name), 0
        found = base
        while found in self._taken:
            number += 1
            found = f"{base}{number}"
        self._taken.add(found)
        return found
