"""How networks compute in training: number format and kernels."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from vlm3r_ros.training.settings import Precision


def computing(device: torch.device, precision: Precision) -> ExitStack:
    """A context for what networks compute; truth is worked out outside, in float32."""
    stack = ExitStack()
    bfloat16 = precision == Precision.BFLOAT16
    stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=bfloat16))
    if device.type == "cpu":
        # The backward pass of the fused kernel takes ten times as long on a CPU.
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
    return stack
