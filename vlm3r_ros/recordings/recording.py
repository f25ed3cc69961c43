"""What every recording is: a stream of stamped RGB frames that can be read again from its start."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

logger = logging.getLogger(__name__)


class RecordingError(Exception):
    """A recording cannot be read; the text names the path and what to do."""


@dataclass(frozen=True)
class RecordedFrame:
    """One picture of a recording.

    Attributes:
        image: uint8 `[H, W, 3]`, RGB.
        stamp: capture time in seconds, on the recording's own clock.
        frame_id: the camera's coordinate frame; empty where the recording names none.
    """

    image: np.ndarray
    stamp: float
    frame_id: str = ""


@dataclass(frozen=True)
class CameraInfo:
    """Calibration that came with a recording, in the terms of `sensor_msgs/CameraInfo`."""

    width: int
    height: int
    k: tuple[float, ...]
    d: tuple[float, ...] = ()
    distortion_model: str = "plumb_bob"
    r: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    p: tuple[float, ...] = ()


class Recording(ABC):
    """An iterable of frames in bounded memory; each `iter()` starts at the beginning.

    Attributes:
        path: where it was read from.
        num_frames: frames it announces, None where the format does not tell.
        frame_rate: frames per second, as recorded or as asked for.
        camera_info: calibration, None where there is none.
        skipped: pictures of the latest pass that could not be read.
    """

    camera_info: CameraInfo | None = None

    def __init__(self, path: Path, fps: float | None) -> None:
        if fps is not None and not (math.isfinite(fps) and fps > 0):
            raise RecordingError(f"{path}: a frame rate of {fps} makes no sense; give one above 0")
        self.path = path
        self.num_frames: int | None = None
        self.frame_rate: float = fps or 0.0
        self.skipped = 0
        self._forced_rate = fps

    @abstractmethod
    def _read(self) -> Iterator[RecordedFrame]:
        """Yield the readable frames once, from the start, counting the others by `_skip`."""

    def __iter__(self) -> Iterator[RecordedFrame]:
        self.skipped = 0
        read = 0
        for frame in self._read():
            if self._forced_rate is not None:
                frame = RecordedFrame(frame.image, read / self._forced_rate, frame.frame_id)
            read += 1
            yield frame
        if read == 0:
            raise RecordingError(
                f"{self.path}: none of its pictures can be read ({self.skipped} skipped); "
                "see the log for why, and check that the recording is complete"
            )
        if self.skipped:
            logger.warning("%s: %d unreadable pictures skipped", self.path, self.skipped)

    def _skip(self, what: str, reason: object) -> None:
        if self.skipped == 0:
            logger.warning("%s: %s skipped: %s", self.path, what, reason)
        self.skipped += 1
