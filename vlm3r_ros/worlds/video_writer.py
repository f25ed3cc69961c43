"""H.264 videos that come out the same, byte for byte, from the same pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

# Encoding takes as long as rendering: twice as fast as the next preset for the same quality (37 dB
# of PSNR) in a file a quarter larger.
_DEFAULT_PRESET = "ultrafast"
_DEFAULT_QUALITY = 24
_RATE_DENOMINATOR = 1001  # of 29.97 and its like


class VideoWriter:
    """Writes one MP4; the file appears when it is complete.

    Example:
        >>> with VideoWriter(Path("room.mp4"), 320, 240, fps=10) as writer:
        ...     writer.write(picture)

    Args:
        path: the file; its folder is made.
        width, height: of the pictures, even numbers of pixels.
        fps: pictures a second.
        quality: constant rate factor of x264, lower is better and larger.
        preset: speed of x264.

    Raises:
        ValueError: an odd or empty size, or a rate that is not above 0.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        *,
        fps: float,
        quality: int = _DEFAULT_QUALITY,
        preset: str = _DEFAULT_PRESET,
    ) -> None:
        check_video_size(width, height)
        if not (np.isfinite(fps) and fps > 0):
            raise ValueError(f"a frame rate of {fps} makes no sense; give one above 0")
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        rate = Fraction(fps).limit_denominator(_RATE_DENOMINATOR)
        # Without `bitexact` the file names the version of the library that wrote it.
        self._container = av.open(
            str(self._unfinished), "w", format="mp4", container_options={"fflags": "+bitexact"}
        )
        self._stream = self._container.add_stream(
            "libx264", rate=rate, options={"crf": str(quality), "preset": preset}
        )
        # How x264 splits a picture among threads decides what comes out.
        self._stream.codec_context.thread_count = 1
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = 1 / rate
        self._written = 0

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Append a picture, uint8 RGB `[H, W, 3]`."""
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._written
        self._container.mux(self._stream.encode(frame))
        self._written += 1

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode())
            self._container.close()
            self._unfinished.replace(self._path)
        else:
            self._container.close()
            self._unfinished.unlink(missing_ok=True)


def check_video_size(width: int, height: int) -> None:
    """Raise `ValueError` where H.264 with halved colour cannot hold pictures of this size."""
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError(
            f"a video of {width}x{height} pixels cannot be encoded; both must be even, 2 or more"
        )
