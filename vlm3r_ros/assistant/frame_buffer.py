"""The waiting room between a camera and the geometry encoder.

A camera gives more frames than the encoder can take, and not all are worth a step. The buffer
decides frame by frame, on a thumbnail, which ones may wait; whoever is ready takes the newest.
"""

import math
import threading
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

_SMALL_SIDE = 160  # pixels of the longer side of the grey image on which sharpness is measured
_THUMBNAIL = (32, 24)  # columns, rows of the grey image on which likeness is measured
_SHARPNESS_HISTORY = (
    15  # frames whose median sharpness is the measure of the present camera and scene
)
_SHARPNESS_MINIMUM_HISTORY = 5


class FrameVerdict(StrEnum):
    """What became of a frame. ACCEPTED and TIME_JUMP_BACK put the offered one into the buffer."""

    ACCEPTED = "accepted"
    BLURRED = "blurred"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    REPEATED_STAMP = "repeated_stamp"
    TIME_JUMP_BACK = "time_jump_back"
    INVALID_IMAGE = "invalid_image"
    INVALID_STAMP = "invalid_stamp"
    SUPERSEDED = "superseded"  # was accepted, then a newer one was taken instead
    EXPIRED = "expired"  # was accepted, then grew too old


@dataclass(frozen=True)
class Frame:
    """One camera image.

    Attributes:
        image: uint8 `[H, W, 3]`, RGB.
        stamp: Time of acquisition in seconds, on the camera's clock.
        frame_id: Name of the camera's optical frame (REP-103).
    """

    image: NDArray[np.uint8]
    stamp: float
    frame_id: str = ""


@dataclass(frozen=True)
class FrameBufferConfig:
    """How many frames wait, for how long, and which are dropped.

    Attributes:
        max_frames: Frames that may wait at once.
        max_age_s: A waiting frame this much older than the newest one is dropped.
        blur_ratio: A frame is blurred if its sharpness is below this share of the recent median;
            0 keeps all.
        duplicate_threshold: A frame is a duplicate if it differs from the last accepted one by less
            than this many grey levels (of 255) in the mean; 0 keeps all.
        max_gap_s: After this long without an accepted frame the next one is taken, blurred, alike
            or not.
        jump_back_s: A stamp that goes back by more than this is a restarted clock, not a late
            frame.
        min_side: Shortest side of an image that is accepted, in pixels.
        max_pixels: Largest image that is accepted, in pixels.
    """

    max_frames: int = 8
    max_age_s: float = 2.0
    blur_ratio: float = 0.35
    duplicate_threshold: float = 1.0
    max_gap_s: float = 1.0
    jump_back_s: float = 1.0
    min_side: int = 16
    max_pixels: int = 64_000_000

    def __post_init__(self) -> None:
        if self.max_frames < 1:
            raise ValueError(
                f"max_frames is {self.max_frames}; the buffer needs room for one frame"
            )
        for name in ("max_age_s", "blur_ratio", "duplicate_threshold", "max_gap_s", "jump_back_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it cannot be negative")


class FrameBuffer:
    """Bounded buffer of frames that are worth a look. Safe to use from several threads.

    Sharpness is the variance of the Laplacian of the image reduced to 160 pixels, compared with
    the median over the last frames offered, so that it adapts to the camera and to a bare wall.
    Likeness is the mean absolute difference of 32x24 grey thumbnails against the last accepted
    frame, so that slow motion adds up. Neither can starve the assistant: after `max_gap_s` the
    next frame is taken whatever it looks like.
    """

    def __init__(self, config: FrameBufferConfig | None = None) -> None:
        self.config = config or FrameBufferConfig()
        self._lock = threading.Lock()
        self._waiting: deque[Frame] = deque()
        self._counts: Counter[FrameVerdict] = Counter()
        self._last_problem = ""
        self._newest_stamp = -math.inf
        self._forget_stream()

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames that wait, oldest first."""
        with self._lock:
            return tuple(self._waiting)

    @property
    def counts(self) -> dict[FrameVerdict, int]:
        """How often each verdict was given since the buffer was made."""
        with self._lock:
            return {verdict: self._counts[verdict] for verdict in FrameVerdict}

    @property
    def last_problem(self) -> str:
        """Why the last invalid frame was refused, in words; empty if none was."""
        with self._lock:
            return self._last_problem

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, frame: Frame) -> FrameVerdict:
        """Judges a frame and, if it is worth a look, lets it wait.

        TIME_JUMP_BACK means that the clock was restarted (a recording that loops): everything
        that waited was dropped, this frame is the first of a new stream, and the caller should
        start a new session. Bad input is never an exception, but INVALID_IMAGE or INVALID_STAMP,
        with the reason in `last_problem`.
        """
        verdict, problem = self._check(frame)
        if verdict is None:
            small = _small_grey(frame.image)
            sharpness = float(cv2.Laplacian(small, cv2.CV_32F).var())
            thumbnail = _shrink(small, _THUMBNAIL)
        with self._lock:
            if verdict is None:
                verdict = self._judge(frame.stamp, sharpness, thumbnail)
            if problem:
                self._last_problem = problem
            self._counts[verdict] += 1
            if verdict in (FrameVerdict.ACCEPTED, FrameVerdict.TIME_JUMP_BACK):
                self._admit(frame, thumbnail)
        return verdict

    def take_newest(self) -> Frame | None:
        """Removes and returns the newest frame; the older ones that waited count as superseded."""
        with self._lock:
            if not self._waiting:
                return None
            newest = self._waiting.pop()
            self._counts[FrameVerdict.SUPERSEDED] += len(self._waiting)
            self._waiting.clear()
            return newest

    def clear(self) -> None:
        """Drops what waits and forgets the stream's clock and looks; the counts stay."""
        with self._lock:
            self._waiting.clear()
            self._newest_stamp = -math.inf
            self._forget_stream()

    def _forget_stream(self) -> None:
        self._accepted_stamp = -math.inf
        self._accepted_thumbnail: NDArray[np.uint8] | None = None
        self._sharpness: deque[float] = deque(maxlen=_SHARPNESS_HISTORY)

    def _check(self, frame: Frame) -> tuple[FrameVerdict | None, str]:
        problem = _stamp_problem(frame.stamp)
        if problem:
            return FrameVerdict.INVALID_STAMP, problem
        problem = _image_problem(frame.image, self.config)
        if problem:
            return FrameVerdict.INVALID_IMAGE, problem
        return None, ""

    def _judge(self, stamp: float, sharpness: float, thumbnail: NDArray[np.uint8]) -> FrameVerdict:
        config = self.config
        if stamp == self._newest_stamp:
            return FrameVerdict.REPEATED_STAMP
        if stamp < self._newest_stamp - config.jump_back_s:
            self._waiting.clear()
            self._forget_stream()
            self._sharpness.append(sharpness)
            return FrameVerdict.TIME_JUMP_BACK
        if stamp < self._newest_stamp:
            return FrameVerdict.OUT_OF_ORDER
        self._newest_stamp = stamp
        usual = (
            float(np.median(self._sharpness))
            if len(self._sharpness) >= _SHARPNESS_MINIMUM_HISTORY
            else 0.0
        )
        self._sharpness.append(sharpness)
        if stamp - self._accepted_stamp >= config.max_gap_s:
            return FrameVerdict.ACCEPTED
        if sharpness < config.blur_ratio * usual:
            return FrameVerdict.BLURRED
        if self._accepted_thumbnail is not None:
            difference = float(cv2.absdiff(thumbnail, self._accepted_thumbnail).mean())
            if difference < config.duplicate_threshold:
                return FrameVerdict.DUPLICATE
        return FrameVerdict.ACCEPTED

    def _admit(self, frame: Frame, thumbnail: NDArray[np.uint8]) -> None:
        self._newest_stamp = self._accepted_stamp = frame.stamp
        self._accepted_thumbnail = thumbnail
        self._waiting.append(frame)
        while len(self._waiting) > self.config.max_frames:
            self._waiting.popleft()
            self._counts[FrameVerdict.SUPERSEDED] += 1
        while self._waiting[0].stamp < frame.stamp - self.config.max_age_s:
            self._waiting.popleft()
            self._counts[FrameVerdict.EXPIRED] += 1


def _stamp_problem(stamp: float) -> str:
    try:
        finite = math.isfinite(stamp)
    except TypeError:
        return f"the stamp is a {type(stamp).__name__}; give the time of acquisition in seconds"
    return "" if finite else f"the stamp is {stamp}; give the time of acquisition in seconds"


def _image_problem(image: object, config: FrameBufferConfig) -> str:
    if not isinstance(image, np.ndarray):
        return f"the image is a {type(image).__name__}; give a numpy array, uint8 [H, W, 3], RGB"
    if image.ndim != 3 or image.shape[2] != 3:
        return f"the image has shape {list(image.shape)}; convert it to [H, W, 3], RGB"
    if image.dtype != np.uint8:
        return f"the image's values are {image.dtype}; convert them to uint8, 0 to 255"
    height, width = image.shape[:2]
    if min(height, width) < config.min_side:
        return f"the image is {width}x{height}; its sides must be at least {config.min_side} pixels"
    if height * width > config.max_pixels:
        return f"the image is {width}x{height}; make it smaller, {config.max_pixels} pixels at most"
    return ""


def _small_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduces an RGB image to a grey one of at most 160 pixels a side.

    Rows and columns are left out first, down to no less than twice the wanted size, since
    averaging a large image would cost more than all the rest.
    """
    height, width = image.shape[:2]
    step = max(1, max(height, width) // (2 * _SMALL_SIDE))
    grey = cv2.cvtColor(np.ascontiguousarray(image[::step, ::step]), cv2.COLOR_RGB2GRAY)
    scale = _SMALL_SIDE / max(grey.shape)
    if scale >= 1.0:
        return np.asarray(grey, dtype=np.uint8)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return _shrink(np.asarray(grey, dtype=np.uint8), size)


def _shrink(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Averages a grey image down to `size` (columns, rows)."""
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
