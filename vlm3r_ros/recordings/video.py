"""A video file, through PyAV, or OpenCV where PyAV is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from vlm3r_ros.recordings.recording import RecordedFrame, Recording, RecordingError

FALLBACK_FRAME_RATE = 30.0


def open_video(path: Path, fps: float | None = None) -> Recording:
    """Open a video with the best reader installed."""
    if importlib.util.find_spec("av") is not None:
        return VideoRecording(path, fps)
    return OpenCvVideoRecording(path, fps)


class VideoRecording(Recording):
    """A video's first picture track; stamps are its presentation times, phone rotation is applied.

    Raises:
        RecordingError: not a video, or one without a picture track.
    """

    def __init__(self, path: Path, fps: float | None = None) -> None:
        import av  # an optional dependency: its absence selects the OpenCV reader

        super().__init__(path, fps)
        try:
            with av.open(str(path)) as container:
                if not container.streams.video:
                    raise RecordingError(f"{path}: has no picture track; give a video")
                stream = container.streams.video[0]
                rate = float(stream.average_rate or FALLBACK_FRAME_RATE)
                frames = stream.frames
                if not frames and container.duration:
                    frames = round(container.duration / av.time_base * rate)
        except (av.error.FFmpegError, OSError) as error:
            raise RecordingError(_unreadable(path, error)) from error
        self.num_frames = frames or None
        self.frame_rate = fps or rate
        self._recorded_rate = rate

    def _read(self) -> Iterator[RecordedFrame]:
        import av

        index = 0
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets)
                    frames = packet.decode()
                except StopIteration:
                    return
                except av.error.EOFError:
                    return
                except av.error.InvalidDataError as error:
                    self._skip(f"the picture after number {index}", error)
                    continue
                for frame in frames:
                    stamp = frame.time if frame.time is not None else index / self._recorded_rate
                    image: np.ndarray = frame.to_ndarray(format="rgb24")
                    quarter_turns = round(getattr(frame, "rotation", 0) / 90) % 4
                    if quarter_turns:
                        image = np.ascontiguousarray(np.rot90(image, quarter_turns))
                    yield RecordedFrame(image, float(stamp))
                    index += 1


class OpenCvVideoRecording(Recording):
    """The same through OpenCV; stamps are counted at the announced rate.

    Raises:
        RecordingError: not a video that this OpenCV can decode.
    """

    def __init__(self, path: Path, fps: float | None = None) -> None:
        super().__init__(path, fps)
        capture = cv2.VideoCapture(str(path))
        try:
            if not capture.isOpened():
                raise RecordingError(_unreadable(path, "OpenCV cannot open it"))
            self.num_frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) or None
            self._recorded_rate = capture.get(cv2.CAP_PROP_FPS) or FALLBACK_FRAME_RATE
        finally:
            capture.release()
        self.frame_rate = fps or self._recorded_rate

    def _read(self) -> Iterator[RecordedFrame]:
        capture = cv2.VideoCapture(str(self.path))
        try:
            index = 0
            while True:
                more, image = capture.read()
                if not more:
                    return
                stamp = index / self._recorded_rate
                yield RecordedFrame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), stamp)
                index += 1
        finally:
            capture.release()


def _unreadable(path: Path, error: object) -> str:
    return (
        f"{path}: not a video that can be read ({error}); give a video, a folder of pictures, "
        "or a rosbag2 folder, .mcap or .db3 file"
    )
