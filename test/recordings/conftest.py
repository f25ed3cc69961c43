from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

# A frame of the test recordings is one flat grey: its number times this.
GREY_STEP = 10


def grey_frame(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), index * GREY_STEP, np.uint8)


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    def write(sizes: dict[str, tuple[int, int]]) -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir()
        for index, (name, (height, width)) in enumerate(sizes.items()):
            cv2.imwrite(str(folder / name), grey_frame(index, height, width))
        return folder

    return write


@pytest.fixture
def write_video(tmp_path: Path) -> Callable[..., Path]:
    def write(frames: int = 6, rate: int = 5, name: str = "clip.mp4") -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=rate)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.time_base = Fraction(1, rate)
            for index in range(frames):
                picture = av.VideoFrame.from_ndarray(grey_frame(index), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def write_bag(tmp_path: Path) -> Callable[..., Path]:
    """Write a bag with grey frames at 10 Hz on each of `topics` (name -> encoding or "jpeg")."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types

    def header(index: int, stamped: bool) -> object:
        stamp = types["builtin_interfaces/msg/Time"](
            sec=7 if stamped else 0, nanosec=index * 10**8 if stamped else 0
        )
        return types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera_optical")

    def message(index: int, encoding: str, stamped: bool, broken: bool) -> tuple[object, str]:
        picture = grey_frame(index)
        if encoding == "jpeg":
            kind = "sensor_msgs/msg/CompressedImage"
            data = cv2.imencode(".jpg", picture)[1].reshape(-1)
            data = data[:20] if broken else data
            return types[kind](header=header(index, stamped), format="jpeg", data=data), kind
        kind = "sensor_msgs/msg/Image"
        data = picture.reshape(-1)[: 100 if broken else None]
        return types[kind](
            header=header(index, stamped),
            height=48,
            width=64,
            encoding=encoding,
            is_bigendian=0,
            step=192,
            data=data,
        ), kind

    def write(
        topics: dict[str, str],
        storage: StoragePlugin = StoragePlugin.MCAP,
        frames: int = 4,
        camera_info: str | None = None,
        stamped: bool = True,
        broken: tuple[int, ...] = (),
    ) -> Path:
        path = tmp_path / "bag"
        with Writer(path, version=9, storage_plugin=storage) as writer:
            if camera_info is not None:
                kind = "sensor_msgs/msg/CameraInfo"
                info = types[kind](
                    header=header(0, stamped),
                    height=48,
                    width=64,
                    distortion_model="plumb_bob",
                    d=np.zeros(5),
                    k=np.array([50.0, 0, 32, 0, 50, 24, 0, 0, 1]),
                    r=np.eye(3).reshape(-1),
                    p=np.zeros(12),
                    binning_x=0,
                    binning_y=0,
                    roi=types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False),
                )
                connection = writer.add_connection(camera_info, kind, typestore=store)
                writer.write(connection, 10**9, store.serialize_cdr(info, kind))
            for topic, encoding in topics.items():
                kind = message(0, encoding, stamped, False)[1]
                connection = writer.add_connection(topic, kind, typestore=store)
                for index in range(frames):
                    content, _ = message(index, encoding, stamped, index in broken)
                    raw = store.serialize_cdr(content, kind)
                    writer.write(connection, 10**9 + index * 10**8, raw)
        return path

    return write
