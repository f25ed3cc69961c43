"""Readers of recordings: folders of pictures, videos, ROS bags."""

from __future__ import annotations

from pathlib import Path

from vlm3r_ros.recordings.recording import CameraInfo, RecordedFrame, Recording, RecordingError

__all__ = ["CameraInfo", "RecordedFrame", "Recording", "RecordingError", "open_recording"]


def open_recording(
    path: str | Path, fps: float | None = None, topic: str | None = None
) -> Recording:
    """Open a folder of pictures, a video, or a ROS bag by what is found at `path`.

    Args:
        path: file or folder.
        fps: frames per second to stamp the frames at, in place of the recorded times.
        topic: which image topic of a bag; needed only where it has several.

    Raises:
        RecordingError: nothing there, or nothing that can be read; the text says what to do.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise RecordingError(f"{path}: no such file or folder")
    # Each reader brings its own libraries, which take their time to import.
    from vlm3r_ros.recordings import bag

    if bag.is_bag(path):
        return bag.BagRecording(path, fps, topic)
    if topic is not None:
        raise RecordingError(f"{path}: is not a bag, so it has no topic '{topic}'; leave it out")
    if path.is_dir():
        from vlm3r_ros.recordings.folder import FolderRecording

        return FolderRecording(path, fps)
    from vlm3r_ros.recordings.video import open_video

    return open_video(path, fps)
