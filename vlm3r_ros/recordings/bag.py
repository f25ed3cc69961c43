"""A rosbag2 (sqlite3 or MCAP) or ROS 1 bag, read without ROS by `rosbags`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore

from vlm3r_ros.recordings.pixel_formats import (
    PixelFormatError,
    decode_compressed,
    decode_pixels,
)
from vlm3r_ros.recordings.recording import CameraInfo, RecordedFrame, Recording, RecordingError

SUFFIXES = frozenset({".mcap", ".db3", ".bag"})

_IMAGE = "sensor_msgs/msg/Image"
_COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
_TRANSPORTS = frozenset({"compressed", "compressedDepth", "theora", "ffmpeg", "zstd"})


def is_bag(path: Path) -> bool:
    """Whether `path` looks like a bag: a folder with metadata.yaml, or a file with a bag's name."""
    if path.is_dir():
        return (path / "metadata.yaml").is_file()
    return path.suffix.lower() in SUFFIXES


class BagRecording(Recording):
    """The messages of one image topic, raw or compressed, in the order they were recorded.

    A frame's stamp is its header's; where the camera left that empty, the time it was recorded.

    Args:
        path: bag folder or file.
        fps: restamp at this rate.
        topic: the image topic; may be left out where the bag has only one.

    Raises:
        RecordingError: damaged, no image topic, several and none chosen, or no such topic.
    """

    def __init__(self, path: Path, fps: float | None = None, topic: str | None = None) -> None:
        super().__init__(path, fps)
        try:
            with self._reader() as reader:
                self.topic = _choose_topic(path, reader, topic)
                info = reader.topics[self.topic]
                self.num_frames = info.msgcount
                seconds = reader.duration / 1e9
                rate = (info.msgcount - 1) / seconds if info.msgcount > 1 and seconds > 0 else 10.0
                self.camera_info = _first_camera_info(reader, self.topic)
        except RecordingError:
            raise
        except Exception as error:
            # Damaged storage surfaces as whatever its backend raises: sqlite3, struct, yaml, ...
            raise RecordingError(_damaged(path, error)) from error
        self.frame_rate = fps or rate

    def _reader(self) -> AnyReader:
        return AnyReader([self.path], default_typestore=get_typestore(Stores.LATEST))

    def _read(self) -> Iterator[RecordedFrame]:
        with self._reader() as reader:
            messages = reader.messages(reader.topics[self.topic].connections)
            for index in itertools.count():
                try:
                    connection, recorded, raw = next(messages)
                except StopIteration:
                    return
                except Exception as error:
                    raise RecordingError(_damaged(self.path, error)) from error
                try:
                    message = reader.deserialize(raw, connection.msgtype)
                    image = _decode(message, connection.msgtype)
                except (AnyReaderError, PixelFormatError) as error:
                    self._skip(f"message {index} of {self.topic}", error)
                    continue
                header: Any = message.header  # type: ignore[attr-defined]
                stamp = header.stamp.sec + header.stamp.nanosec / 1e9 or recorded / 1e9
                yield RecordedFrame(image, stamp, header.frame_id)


def _damaged(path: Path, error: Exception) -> str:
    return f"{path}: damaged or unfinished bag ({error}); try `ros2 bag reindex` on it"


def _decode(message: Any, kind: str) -> Any:
    if kind == _COMPRESSED_IMAGE:
        return decode_compressed(message.data, message.format)
    return decode_pixels(
        message.data,
        message.height,
        message.width,
        message.encoding,
        message.step,
        bool(message.is_bigendian),
    )


def _choose_topic(path: Path, reader: AnyReader, wanted: str | None) -> str:
    images = sorted(
        name
        for name, info in reader.topics.items()
        if info.msgtype in (_IMAGE, _COMPRESSED_IMAGE)
        and info.msgcount > 0
        and not name.endswith("/compressedDepth")
    )
    listed = ", ".join(images)
    if not images:
        raise RecordingError(
            f"{path}: no image messages; its topics are: {', '.join(sorted(reader.topics)) or '-'}"
        )
    if wanted is not None:
        if wanted in images:
            return wanted
        raise RecordingError(f"{path}: no images on topic '{wanted}'; choose from: {listed}")
    if len(images) > 1:
        raise RecordingError(f"{path}: several image topics, choose one by `topic`: {listed}")
    return images[0]


def _first_camera_info(reader: AnyReader, topic: str) -> CameraInfo | None:
    """Calibration on the topic that image_transport pairs with `topic`."""
    parts = topic.split("/")
    if parts[-1] in _TRANSPORTS:
        parts.pop()
    name = "/".join([*parts[:-1], "camera_info"])
    info = reader.topics.get(name)
    if info is None or info.msgtype != _CAMERA_INFO or info.msgcount == 0:
        return None
    for connection, _, raw in reader.messages(info.connections):
        message: Any = reader.deserialize(raw, connection.msgtype)
        # ROS 1 spells the matrices in capitals.
        k, d, r, p = (
            tuple(float(v) for v in getattr(message, n, getattr(message, n.upper(), ())))
            for n in "kdrp"
        )
        return CameraInfo(message.width, message.height, k, d, message.distortion_model, r, p)
    return None
