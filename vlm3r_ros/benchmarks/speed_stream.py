"""A long stream: does memory or time per frame grow?"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from tqdm import tqdm

from vlm3r_ros.assistant import AssistantConfig, SpatialAssistant
from vlm3r_ros.benchmarks.timing import UNFILTERED, resident_bytes
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

WARM_UP_FRAMES = 200


@dataclass(frozen=True)
class StreamSpeed:
    """What a stream of `frames` frames cost.

    Attributes:
        frames: taken in, none dropped.
        early_bytes, late_bytes: resident memory after the warm-up and at the end.
        early_step, late_step: median seconds of a geometry step in the window that ends the
            warm-up and in a window of the same length at the end.
        total: seconds for everything, keyframes and idle work included.
    """

    frames: int
    early_bytes: int
    late_bytes: int
    early_step: float
    late_step: float
    total: float

    @property
    def memory_growth(self) -> float:
        """Relative growth of resident memory after the warm-up."""
        return self.late_bytes / self.early_bytes - 1

    @property
    def step_growth(self) -> float:
        """Relative growth of the step's time."""
        return self.late_step / self.early_step - 1


def benchmark_stream(
    model: Vlm3rForConditionalGeneration,
    processor: Vlm3rProcessor,
    *,
    frames: int = 2000,
    seed: int = 0,
    progress: bool = True,
) -> StreamSpeed:
    """Stream random pictures through the whole assistant and compare its beginning with its end.

    Raises:
        ValueError: too few frames to compare anything.
    """
    window = WARM_UP_FRAMES // 2
    if frames < 2 * WARM_UP_FRAMES:
        raise ValueError(f"{frames} frames are too few; take at least {2 * WARM_UP_FRAMES}")
    assistant = SpatialAssistant(model, processor, AssistantConfig(frame_buffer=UNFILTERED))
    steps: list[float] = []
    early_bytes = 0
    started = time.perf_counter()
    for index, image in enumerate(
        tqdm(_pictures(frames, processor.image_size, seed), total=frames, disable=not progress)
    ):
        observation = assistant.observe(image, stamp=0.1 * index)
        if observation is None:
            raise RuntimeError(f"frame {index} was dropped: {assistant.frame_buffer.counts}")
        steps.append(observation.step_time)
        assistant.catch_up()
        if index + 1 == WARM_UP_FRAMES:
            gc.collect()
            early_bytes = resident_bytes()
    total = time.perf_counter() - started
    gc.collect()
    return StreamSpeed(
        frames=frames,
        early_bytes=early_bytes,
        late_bytes=resident_bytes(),
        early_step=float(np.median(steps[WARM_UP_FRAMES - window : WARM_UP_FRAMES])),
        late_step=float(np.median(steps[-window:])),
        total=total,
    )


def _pictures(count: int, side: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.integers(0, 256, (side, side, 3), dtype=np.uint8)


def stream_table(speed: StreamSpeed, title: str) -> Table:
    """The figures as a table."""
    table = Table(title=title)
    for column in ("", f"after {WARM_UP_FRAMES} frames", f"after {speed.frames}", "growth"):
        table.add_column(column, justify="right")
    table.add_row(
        "resident memory",
        f"{speed.early_bytes / 2**20:.1f} MiB",
        f"{speed.late_bytes / 2**20:.1f} MiB",
        f"{speed.memory_growth:+.2%}",
    )
    table.add_row(
        "geometry step (median)",
        f"{1e3 * speed.early_step:.2f} ms",
        f"{1e3 * speed.late_step:.2f} ms",
        f"{speed.step_growth:+.1%}",
    )
    table.add_row("whole stream", "", f"{speed.frames / speed.total:.1f} frames/s", "")
    return table
