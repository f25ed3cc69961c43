"""A rosbag2 (MCAP) of a filmed world: images, calibration, TF and the true path.

The world is the `map` frame; stamps begin at `START` seconds, as a stamp of 0 means "none" to ROS.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.scene import Intrinsics

START = 1.0  # s
MAP_FRAME = "map"
CAMERA_FRAME = "camera_optical_frame"
IMAGE_TOPIC = "/camera/image_raw"
CAMERA_INFO_TOPIC = "/camera/camera_info"
TF_TOPIC = "/tf"
PATH_TOPIC = "/ground_truth/path"
POSE_TOPIC = "/ground_truth/pose"

_TYPES = {
    IMAGE_TOPIC: "sensor_msgs/msg/Image",
    CAMERA_INFO_TOPIC: "sensor_msgs/msg/CameraInfo",
    TF_TOPIC: "tf2_msgs/msg/TFMessage",
    PATH_TOPIC: "nav_msgs/msg/Path",
    POSE_TOPIC: "geometry_msgs/msg/PoseStamped",
}
_NANOSECONDS = 10**9
_FOREVER = QosTime(sec=9223372036, nsec=854775807)  # as rosbag2 writes it


class BagWriter:
    """Writes one bag, a folder with an MCAP file compressed by zstd.

    The whole path is the bag's first message, so that it can be looked at while the bag plays.

    Args:
        path: the bag's folder; one that is there is replaced.
        intrinsics: of the images.
        T_world_camera: poses of all frames `[F, 4, 4]`, optical frame.
        times: of the frames `[F]`, seconds from the beginning.
    """

    def __init__(
        self, path: Path, intrinsics: Intrinsics, T_world_camera: FloatArray, times: FloatArray
    ) -> None:
        self._store = _typestore()
        self._intrinsics = intrinsics
        self._stamps = [round((START + float(time)) * _NANOSECONDS) for time in times]
        self._poses = [self._pose(pose) for pose in T_world_camera]
        self._written = 0
        if path.exists():
            shutil.rmtree(path)
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._writer.open()
        self._connections = {
            topic: self._writer.add_connection(
                topic,
                kind,
                typestore=self._store,
                offered_qos_profiles=[_qos(latched=topic == PATH_TOPIC)],
            )
            for topic, kind in _TYPES.items()
        }

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Append the next frame, uint8 RGB `[H, W, 3]`, with its pose."""
        if self._written == 0:
            self._send(PATH_TOPIC, self._path_message())
        pose = self._poses[self._written]
        self._send(TF_TOPIC, self._transform_message(pose))
        self._send(
            POSE_TOPIC,
            self._new(_TYPES[POSE_TOPIC], header=self._header(MAP_FRAME), pose=pose),
        )
        self._send(CAMERA_INFO_TOPIC, self._camera_info())
        self._send(IMAGE_TOPIC, self._image(picture))
        self._written += 1

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def _send(self, topic: str, message: Any) -> None:
        raw = self._store.serialize_cdr(message, _TYPES[topic])
        self._writer.write(self._connections[topic], self._stamps[self._written], raw)

    def _new(self, kind: str, **fields: Any) -> Any:
        return self._store.types[kind](**fields)

    def _header(self, frame_id: str, index: int | None = None) -> Any:
        seconds, nanoseconds = divmod(
            self._stamps[self._written if index is None else index], _NANOSECONDS
        )
        stamp = self._new("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
        return self._new("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)

    def _pose(self, T_map_camera: FloatArray) -> Any:
        x, y, z, w = Rotation.from_matrix(T_map_camera[:3, :3]).as_quat().tolist()
        return self._new(
            "geometry_msgs/msg/Pose",
            position=self._new(
                "geometry_msgs/msg/Point",
                **dict(zip("xyz", T_map_camera[:3, 3].tolist(), strict=True)),
            ),
            orientation=self._new("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
        )

    def _path_message(self) -> Any:
        poses = [
            self._new(_TYPES[POSE_TOPIC], header=self._header(MAP_FRAME, index), pose=pose)
            for index, pose in enumerate(self._poses)
        ]
        return self._new(_TYPES[PATH_TOPIC], header=self._header(MAP_FRAME), poses=poses)

    def _transform_message(self, pose: Any) -> Any:
        place = pose.position
        transform = self._new(
            "geometry_msgs/msg/Transform",
            translation=self._new("geometry_msgs/msg/Vector3", x=place.x, y=place.y, z=place.z),
            rotation=pose.orientation,
        )
        stamped = self._new(
            "geometry_msgs/msg/TransformStamped",
            header=self._header(MAP_FRAME),
            child_frame_id=CAMERA_FRAME,
            transform=transform,
        )
        return self._new(_TYPES[TF_TOPIC], transforms=[stamped])

    def _camera_info(self) -> Any:
        k = self._intrinsics.matrix()
        return self._new(
            _TYPES[CAMERA_INFO_TOPIC],
            header=self._header(CAMERA_FRAME),
            height=self._intrinsics.height,
            width=self._intrinsics.width,
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=k.reshape(-1),
            r=np.eye(3).reshape(-1),
            p=np.hstack([k, np.zeros((3, 1))]).reshape(-1),
            binning_x=0,
            binning_y=0,
            roi=self._new(
                "sensor_msgs/msg/RegionOfInterest",
                x_offset=0,
                y_offset=0,
                height=0,
                width=0,
                do_rectify=False,
            ),
        )

    def _image(self, picture: NDArray[np.uint8]) -> Any:
        height, width, channels = picture.shape
        return self._new(
            _TYPES[IMAGE_TOPIC],
            header=self._header(CAMERA_FRAME),
            height=height,
            width=width,
            encoding="rgb8",
            is_bigendian=0,
            step=width * channels,
            data=np.ascontiguousarray(picture).reshape(-1),
        )


@cache
def _typestore() -> Typestore:
    return get_typestore(Stores.ROS2_JAZZY)


def _qos(latched: bool) -> Qos:
    """Reliable, and for what is published once also to those who come late."""
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=_FOREVER,
        lifespan=_FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOREVER,
        avoid_ros_namespace_conventions=False,
    )
