"""Which frames of a recorded video the published model looks at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class SampledFrames(NamedTuple):
    """Frames chosen from a video.

    Attributes:
        indices: frame numbers, 0-based, not decreasing; short videos repeat frames when forced.
        times: time of each frame in seconds from the start.
        duration: length of the video in seconds.
    """

    indices: list[int]
    times: list[float]
    duration: float


def sample_frames(total: int, fps: float, num: int, force_sample: bool) -> SampledFrames:
    """Choose frames as the published training and demo code do.

    Without `force_sample`, one frame a second; where that gives more than `num` frames, or with
    `force_sample`, exactly `num` frames spread evenly from the first to the last.

    Args:
        total: frames in the video.
        fps: average frames per second of the video.
        num: frames wanted.
        force_sample: always return exactly `num` frames.

    Raises:
        ValueError: if `total` or `num` is below one, or `fps` is not a positive number.
    """
    if total < 1:
        raise ValueError(f"cannot sample frames from a video of {total} frames")
    if num < 1:
        raise ValueError(f"the number of frames to sample must be at least 1, got {num}")
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"frames per second must be a positive number, got {fps}")
    duration = total / fps
    # Slower than a frame every two seconds would round to a step of zero frames.
    step = max(1, round(fps))
    indices = list(range(0, total, step))
    if force_sample or len(indices) > num:
        spread = np.linspace(0, total - 1, num, dtype=int).tolist()
        return SampledFrames(spread, [index / fps for index in spread], duration)
    return SampledFrames(indices, [index / step for index in indices], duration)
