"""The weights with which torchvision's fingerprints were taken."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor


def known_weight(name: str, entry: Tensor) -> Tensor:
    """The numbers that an entry of a state_dict has by its name and sizes; counts stay as they are."""
    if not entry.is_floating_point():
        return entry
    z = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(entry.numel()).reshape(entry.shape)
    if name.endswith("running_var"):
        z = 1 + 0.5 * np.abs(z)
    elif entry.dim() > 1:
        z = z / np.sqrt(max(1, entry[0].numel()))
    else:
        z = 1 + 0.1 * z if name.endswith("weight") else 0.1 * z
    return torch.from_numpy(z).float()
