"""A benchmark's videos: where they lie, and the frames that a model is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.rigid import inverse
from vlm3r_ros.assistant.tracking import GeometryTracker
from vlm3r_ros.models.frame_sampling import sample_frames
from vlm3r_ros.questions.question import Question
from vlm3r_ros.recordings import Recording, open_recording

NUM_FRAMES = 32
"""Frames of a video that the published evaluation shows."""

_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".webm")


def find_video(folder: Path, question: Question) -> Path | None:
    """The video of a question; None where none of [`video_places`] has it."""
    for place in video_places(folder, question):
        if place.is_file():
            return place
    return None


def video_places(folder: Path, question: Question) -> Iterator[Path]:
    """Where a question's video may lie, likeliest first.

    The path that the question gives, whole or without its leading folders; then the scene's name
    in a folder of its data set's name (as spelled or in lower case), in `videos`, or beside.
    """
    if question.video_path:
        parts = [
            part for part in PurePosixPath(question.video_path).parts if part not in ("/", "..")
        ]
        for start in range(len(parts)):
            yield folder.joinpath(*parts[start:])
    datasets = dict.fromkeys((question.dataset, question.dataset.lower()))
    places = [folder / name for name in datasets if name] + [folder, folder / "videos"]
    for place in places:
        for suffix in _SUFFIXES:
            yield place / f"{question.scene_name}{suffix}"


def evaluation_indices(total: int, num_frames: int = NUM_FRAMES) -> list[int]:
    """Numbers of the frames that are shown: evenly from first to last, none twice.

    They are the frames that VSTI-Bench's questions count from 1, "frame k of N".

    Raises:
        ValueError: for no frames.
    """
    # The frame rate matters to the times only, which evaluation does not tell.
    return sample_frames(total, 1.0, min(total, num_frames), force_sample=True).indices


@dataclass(frozen=True)
class Clip:
    """The frames of a video that are shown.

    Attributes:
        images: uint8 `[F, S, S, 3]`, RGB.
        indices: number of each in its video, from 0.
    """

    images: NDArray[np.uint8]
    indices: list[int]


def read_clip(
    path: Path, resize: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], num_frames: int
) -> Clip:
    """Read the frames that are shown.

    Args:
        path: the video.
        resize: makes a frame `[H, W, 3]` the model's size `[S, S, 3]`.
        num_frames: how many, where the video has as many.

    Raises:
        RecordingError: the video cannot be read.
    """
    recording = open_recording(path)
    total = recording.num_frames or count_frames(recording)
    while True:
        indices = evaluation_indices(total, num_frames)
        wanted = set(indices)
        images: list[NDArray[np.uint8]] = []
        found = 0
        for found, frame in enumerate(recording, start=1):
            if found - 1 in wanted:
                images.append(resize(frame.image))
        if found == total:
            return Clip(np.stack(images), indices)
        total = found  # the file announced another number


def follow_camera(
    path: Path,
    resize: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    tracker: GeometryTracker,
    indices: Sequence[int],
) -> NDArray[np.float64]:
    """Where a tracker that is shown every frame of a video takes the camera to have been.

    Args:
        path: the video.
        resize: makes a frame `[H, W, 3]` the model's size `[S, S, 3]`.
        tracker: at the beginning of a session.
        indices: numbers of the frames that are asked for, from 0, ascending.

    Returns:
        Poses in the frame of the first of them `[F, 4, 4]`.

    Raises:
        RecordingError: the video cannot be read.
    """
    wanted = set(indices)
    poses = []
    for index, frame in enumerate(open_recording(path)):
        height, width = frame.image.shape[:2]
        observation = tracker.step(resize(frame.image), frame.stamp, aspect=width / height)
        if index in wanted:
            poses.append(observation.T_map_camera)
    return inverse(poses[0]) @ np.stack(poses)


def count_frames(recording: Recording) -> int:
    """How many frames can be read, whatever the file announces."""
    return sum(1 for _ in recording)
