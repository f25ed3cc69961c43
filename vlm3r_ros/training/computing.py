"""How networks compute in training: number format and kernels."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from vlm3r_ros.models.devices import cpu_has_bfloat16_instructions
from vlm3r_ros.training.settings import Precision


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """The number format that `auto` stands for on a device; others are what they are."""
    if precision is not Precision.AUTO:
        return precision
    fast = device.type != "cpu" or cpu_has_bfloat16_instructions()
    return Precision.BFLOAT16 if fast else Precision.FLOAT32


def computing(
    device: torch.device, precision: Precision, *, short_attention: bool = False
) -> ExitStack:
    """A context for what networks compute; truth is worked out outside, in float32.

    Args:
        device: where they compute.
        precision: of matrix products.
        short_attention: on a CPU, attention in bfloat16 keeps its scores in bfloat16 too, which is
            three times as fast.
    """
    stack = ExitStack()
    bfloat16 = resolve_precision(precision, device) is Precision.BFLOAT16
    stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=bfloat16))
    if device.type == "cpu":
        # The backward pass of the fused kernel takes ten times as long on a CPU.
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        # PyTorch names the switch after CUDA; it holds for every device.
        former = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(short_attention)
        stack.callback(torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp, former)
    return stack


def prepare_device(device: torch.device, threads: int) -> None:
    """Let PyTorch compute as fast as training bears.

    Args:
        device: where networks compute. CUDA multiplies float32 in TF32, eight times as fast.
        threads: on a CPU; 0 leaves PyTorch's own choice.
    """
    if threads and device.type == "cpu":
        torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
