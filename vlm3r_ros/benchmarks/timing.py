"""Stopwatches and machine figures that the speed benchmarks share."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psutil
import torch

from vlm3r_ros.assistant.frame_buffer import FrameBufferConfig

PEAK_MATMUL_SIDE = 2048
UNFILTERED = FrameBufferConfig(blur_ratio=0.0, duplicate_threshold=0.0)
"""Noise pictures at the speed of the machine: no filter may drop one."""


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of repeated runs of one thing."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The run in the middle: one disturbed run does not move it."""
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        """The least disturbed run."""
        return min(self.seconds)

    def __str__(self) -> str:
        return f"{self.median:.3f} s ({self.best:.3f}-{max(self.seconds):.3f})"


def interleave(
    runs: Mapping[str, Callable[[], object]], rounds: int, device: torch.device
) -> dict[str, Timing]:
    """Time several things in turn, so that a machine that slows down slows all of them.

    Args:
        runs: what to run, by name; each is run once beforehand, not counted.
        rounds: how often each is timed.
        device: where the work happens; a GPU is waited for.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            _wait_for(device)
            started = time.perf_counter()
            run()
            _wait_for(device)
            seconds[name].append(time.perf_counter() - started)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def matmul_peak(dtype: torch.dtype, device: torch.device, rounds: int = 10) -> float:
    """Measured FLOP/s of a large square matrix product: what this machine can give."""
    side = PEAK_MATMUL_SIDE
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    timing = interleave({"matmul": lambda: a @ b}, rounds, device)["matmul"]
    return 2 * side**3 / timing.best


def resident_bytes() -> int:
    """Memory of this process that is in RAM now."""
    return psutil.Process().memory_info().rss


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
