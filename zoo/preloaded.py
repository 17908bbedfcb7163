"""What every process of the zoo needs, imported once: torch, ready for torchvision.

torchvision's wheel has its compiled operators for a torch with CUDA; beside one without it the operators that it
registers when it is imported have to be declared first.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

import torch

torch.set_num_threads(1)
LIBRARY: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
with suppress(RuntimeError):
    for name in ("nms", "qnms"):
        LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
