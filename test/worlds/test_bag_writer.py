from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability
from rosbags.typesys import Stores, get_typestore
from scipy.spatial.transform import Rotation

from vlm3r_ros.recordings import open_recording
from vlm3r_ros.worlds import bag_writer
from vlm3r_ros.worlds.bag_writer import BagWriter
from vlm3r_ros.worlds.scene import Intrinsics

INTRINSICS = Intrinsics(50.0, 51.0, 31.5, 23.5, 64, 48)
TIMES = np.arange(4) / 5


def poses() -> np.ndarray:
    generator = np.random.default_rng(0)
    T_world_camera = np.tile(np.eye(4), (4, 1, 1))
    T_world_camera[:, :3, :3] = Rotation.random(4, generator).as_matrix()
    T_world_camera[:, :3, 3] = generator.normal(size=(4, 3))
    return T_world_camera


def pictures() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (4, 48, 64, 3), np.uint8)


def write(path: Path) -> Path:
    with BagWriter(path, INTRINSICS, poses(), TIMES) as writer:
        for picture in pictures():
            writer.write(picture)
    return path


def messages(path: Path, topic: str) -> list:
    with AnyReader([path], default_typestore=get_typestore(Stores.LATEST)) as reader:
        return [
            reader.deserialize(raw, connection.msgtype)
            for connection, _, raw in reader.messages(reader.topics[topic].connections)
        ]


def matrix(position, orientation) -> np.ndarray:
    T = np.eye(4)
    quaternion = [orientation.x, orientation.y, orientation.z, orientation.w]
    T[:3, :3] = Rotation.from_quat(quaternion).as_matrix()
    T[:3, 3] = position.x, position.y, position.z
    return T


def stamp(header) -> float:
    return header.stamp.sec + header.stamp.nanosec / 1e9


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("bags") / "room_val_0_000000")


def test_a_bag_plays_with_its_pictures_stamps_and_calibration(bag):
    recording = open_recording(bag)
    assert recording.num_frames == 4
    assert recording.frame_rate == pytest.approx(5)
    assert recording.camera_info is not None
    assert recording.camera_info.k == tuple(INTRINSICS.matrix().reshape(-1))
    for frame, picture, time in zip(recording, pictures(), TIMES, strict=True):
        np.testing.assert_array_equal(frame.image, picture)
        assert frame.stamp == pytest.approx(bag_writer.START + time)
        assert frame.frame_id == bag_writer.CAMERA_FRAME


def test_tf_and_poses_are_the_camera_in_the_map(bag):
    transforms = messages(bag, bag_writer.TF_TOPIC)
    stamped = messages(bag, bag_writer.POSE_TOPIC)
    for tf, pose, truth, time in zip(transforms, stamped, poses(), TIMES, strict=True):
        (transform,) = tf.transforms
        assert transform.header.frame_id == pose.header.frame_id == "map"
        assert transform.child_frame_id == bag_writer.CAMERA_FRAME
        assert stamp(transform.header) == stamp(pose.header) == pytest.approx(1 + time)
        got = matrix(transform.transform.translation, transform.transform.rotation)
        np.testing.assert_allclose(got, truth, atol=1e-12)
        np.testing.assert_allclose(
            matrix(pose.pose.position, pose.pose.orientation), truth, atol=1e-12
        )


def test_the_whole_path_is_there_once_also_for_latecomers(bag):
    (path,) = messages(bag, bag_writer.PATH_TOPIC)
    assert path.header.frame_id == "map"
    for pose, truth, time in zip(path.poses, poses(), TIMES, strict=True):
        np.testing.assert_allclose(
            matrix(pose.pose.position, pose.pose.orientation), truth, atol=1e-12
        )
        assert stamp(pose.header) == pytest.approx(1 + time)
    with AnyReader([bag]) as reader:
        (connection,) = reader.topics[bag_writer.PATH_TOPIC].connections
        (qos,) = connection.ext.offered_qos_profiles
    assert qos.durability is QosDurability.TRANSIENT_LOCAL


def test_a_bag_replaces_one_that_was_left_unfinished(tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bag.mcap").write_bytes(b"torn")
    write(tmp_path / "bag")
    assert open_recording(tmp_path / "bag").num_frames == 4


def test_the_same_frames_give_the_same_bytes(tmp_path):
    first, second = (write(tmp_path / name / "bag") for name in "ab")
    for name in ("bag.mcap", "metadata.yaml"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
