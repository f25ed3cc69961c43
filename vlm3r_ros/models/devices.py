"""Where a model runs and in which floating-point type."""

from __future__ import annotations

import torch

BIG_MODEL_PARAMETERS = 500_000_000


class DeviceError(ValueError):
    """A device or a floating-point type that is unknown, or that this machine does not have."""


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device a user asked for: `"auto"`, `"cpu"`, `"cuda"`, `"cuda:1"`.

    Raises:
        DeviceError: for an unknown name, or CUDA where there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"unknown device {device!r}; use auto, cpu or cuda") from error
    if resolved.type not in ("cpu", "cuda", "meta"):
        raise DeviceError(f"device {device!r} is not supported; use auto, cpu or cuda")
    if resolved.type == "cuda":
        if not torch.cuda.is_available():
            raise DeviceError(
                f"device {device!r} was asked for, but PyTorch finds no CUDA device; "
                "use device auto or cpu, or install a CUDA build of PyTorch and its driver"
            )
        count = torch.cuda.device_count()
        if resolved.index is not None and resolved.index >= count:
            raise DeviceError(f"device {device!r} does not exist; there are {count} CUDA devices")
    return resolved


def resolve_dtype(
    dtype: str | torch.dtype, device: torch.device, num_parameters: int
) -> torch.dtype:
    """The floating-point type of the weights: `"auto"`, a name such as `"bfloat16"`, or the type.

    `"auto"` is bfloat16 on CUDA and, for big models, on CPUs with AMX; float32 otherwise.

    Raises:
        DeviceError: for an unknown name.
    """
    if dtype == "auto":
        fast = device.type == "cuda" or (
            num_parameters >= BIG_MODEL_PARAMETERS and cpu_has_bfloat16_matmul()
        )
        return torch.bfloat16 if fast else torch.float32
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    resolved = names.get(dtype) if isinstance(dtype, str) else dtype
    if resolved is None or resolved not in names.values():
        raise DeviceError(f"unknown dtype {dtype!r}; use auto, {', '.join(names)}")
    return resolved


def cpu_has_bfloat16_matmul() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware tiles (AMX)."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def cpu_has_bfloat16_instructions() -> bool:
    """Whether this CPU multiplies bfloat16 at all, by AMX or AVX-512; others emulate it slowly."""
    avx512 = bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return avx512 or cpu_has_bfloat16_matmul()
