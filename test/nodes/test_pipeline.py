import math
import time

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, TransformStamped
from nav_msgs.msg import Odometry, Path
from node_bench import Bench, Camera, wait_until
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from vlm3r_ros.msg import SceneState, SpatialAnswer
from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.image_conversion import image_to_rgb, rgb_to_compressed, rgb_to_image
from vlm3r_ros.nodes.message_conversion import (
    cloud_to_points,
    pose_to_matrix,
    transform_to_matrix,
)
from vlm3r_ros.nodes.qos import LATCHED, SENSOR_DATA, STATIC_TRANSFORMS, TRANSFORMS
from vlm3r_ros.nodes.scene_state import is_announcement, message_to_observation
from vlm3r_ros.nodes.spatial_query import SpatialQueryNode
from vlm3r_ros.srv import SpatialQuery

OK, NO_FRAMES = SpatialQuery.Response.OK, SpatialQuery.Response.NO_FRAMES
FRAME_BUFFER = {"model": "tiny", "max_rate": 1000.0, "qos": "reliable"}


def start_pipeline(bench: Bench, **query: object) -> Camera:
    bench.start(SpatialQueryNode, model="tiny", **query)
    bench.start(GeometryNode, model="tiny", points_every=1, min_point_confidence=1.0)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    return bench.camera()


def states_of(messages: list[SceneState]) -> list[SceneState]:
    return [message for message in messages if not is_announcement(message)]


def send_one_by_one(camera: Camera, messages: list, count: int) -> None:
    for _ in range(count):
        before = len(messages)
        camera.send()
        assert wait_until(lambda before=before: len(messages) > before)


def test_from_image_to_answer(bench: Bench):
    camera = start_pipeline(bench)
    answers = bench.collect(SpatialAnswer, "vlm3r/answer")
    states = bench.collect(SceneState, "vlm3r/scene_state")
    send_one_by_one(camera, states, 5)
    query = bench.nodes[0]
    assert wait_until(lambda: query.assistant.num_keyframes == 5)

    response = bench.ask("How many chairs are there?")
    assert (response.status, response.message) == (OK, "")
    answer = response.answer
    assert answer.question == "How many chairs are there?"
    assert answer.option_index == -1
    assert answer.frames_used == 5
    assert answer.newest_frame == states[-1].header.stamp
    assert 0.0 <= answer.confidence <= 1.0
    assert 0.0 < answer.time_to_first_token <= answer.total_time < 10.0
    assert answer.header.frame_id == "map"
    assert wait_until(lambda: len(answers) == 1)
    assert answers[0] == answer or math.isnan(answer.value)
    assert answers[0].answer == answer.answer


def test_the_answer_over_ros_is_the_assistants_own(bench: Bench):
    camera = start_pipeline(bench)
    states = bench.collect(SceneState, "vlm3r/scene_state")
    send_one_by_one(camera, states, 3)
    assistant = bench.nodes[0].assistant
    assert wait_until(lambda: assistant.num_keyframes == 3)
    own = assistant.ask("What is left of the door?")
    over_ros = bench.ask("What is left of the door?").answer
    assert (over_ros.answer, over_ros.frames_used) == (own.text, own.frames_used)
    assert over_ros.confidence == pytest.approx(own.confidence, rel=1e-4)

    options = ["a table", "a chair", "a lamp"]
    own = assistant.ask("Which one is nearest?", options)
    chosen = bench.ask("Which one is nearest?", options=options).answer
    assert chosen.option_index == own.option_index
    assert chosen.answer == f"{'ABC'[own.option_index]}. {options[own.option_index]}"
    assert math.isnan(chosen.value)


def test_geometry_publishes_one_consistent_view_of_each_frame(bench: Bench):
    bench.start(GeometryNode, model="tiny", points_every=1, min_point_confidence=1.0)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera = bench.camera()
    poses = bench.collect(PoseStamped, "vlm3r/pose")
    odometry = bench.collect(Odometry, "vlm3r/odometry")
    transforms = bench.collect(TFMessage, "/tf", TRANSFORMS)
    clouds = bench.collect(PointCloud2, "vlm3r/points")
    depths = bench.collect(Image, "vlm3r/depth")
    states = bench.collect(SceneState, "vlm3r/scene_state")
    send_one_by_one(camera, states, 4)
    everything = (poses, odometry, transforms, clouds, depths)
    assert wait_until(lambda: all(len(each) == 4 for each in everything))
    for index, state in enumerate(states):
        assert state.frame_index == index
        assert state.keyframe
        stamp, camera_frame = state.header.stamp, state.header.frame_id
        assert camera_frame == "camera_optical"
        pose, odom, tf = poses[index], odometry[index], transforms[index].transforms[0]
        assert pose.header.frame_id == odom.header.frame_id == tf.header.frame_id == "map"
        assert odom.child_frame_id == tf.child_frame_id == camera_frame
        assert pose.header.stamp == odom.header.stamp == tf.header.stamp == stamp
        assert pose.pose == odom.pose.pose == state.camera_pose
        np.testing.assert_allclose(transform_to_matrix(tf), pose_to_matrix(pose.pose), atol=1e-9)
        assert depths[index].header == state.header
        assert clouds[index].header.frame_id == "map"
    assert len({state.session_id for state in states}) == 1

    # A point in the map is the depth along the camera's axis.
    T_map_camera = pose_to_matrix(poses[2].pose)
    points, _ = cloud_to_points(clouds[2])
    in_camera = (points - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
    depth = np.frombuffer(depths[2].data, "<f4")
    np.testing.assert_allclose(in_camera[:, 2], depth, atol=1e-3)

    # The velocity is what the poses say.
    before = pose_to_matrix(poses[2].pose)
    now = pose_to_matrix(poses[3].pose)
    velocity = now[:3, :3].T @ (now[:3, 3] - before[:3, 3]) / 0.1
    linear = odometry[3].twist.twist.linear
    np.testing.assert_allclose([linear.x, linear.y, linear.z], velocity, atol=1e-3)


def test_nano_shows_points_as_it_comes(bench: Bench):
    bench.start(GeometryNode, model="nano")
    bench.start(FrameBufferNode, **(FRAME_BUFFER | {"model": "nano"}))
    camera, clouds = bench.camera(), bench.collect(PointCloud2, "vlm3r/points")
    send_one_by_one(camera, clouds, 1)
    points, _ = cloud_to_points(clouds[0])
    assert np.isfinite(points).all(1).mean() > 0.9


def test_geometry_goes_by_the_focal_length_in_camera_info(bench: Bench):
    geometry = bench.start(GeometryNode, model="tiny")
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, states = bench.camera(), bench.collect(SceneState, "vlm3r/scene_state")
    infos = bench.outside.create_publisher(CameraInfo, "camera_info", SENSOR_DATA)
    assert wait_until(lambda: infos.get_subscription_count() > 0)
    send_one_by_one(camera, states, 1)
    bad = CameraInfo(width=64, height=48, k=[math.nan] * 9)
    infos.publish(bad)
    send_one_by_one(camera, states, 1)
    infos.publish(CameraInfo(width=64, height=48, k=[50.0, 0, 31.5, 0, 60.0, 23.5, 0, 0, 1]))
    size = geometry.tracker.image_size
    expected = np.array([50.0 * size / 64, 60.0 * size / 48])

    def known() -> bool:
        send_one_by_one(camera, states, 1)
        return np.allclose(geometry.tracker.focal, expected)

    assert wait_until(known)


@pytest.mark.parametrize(("metres", "known"), [(1.2, 1.2), (0.0, None)])
def test_a_camera_height_of_zero_is_one_that_is_not_known(bench: Bench, metres, known):
    geometry = bench.start(GeometryNode, model="tiny", camera_height=metres)
    assert geometry.tracker.config.camera_height == known


def test_a_level_camera_starts_at_the_origin_of_a_map_with_z_up(bench: Bench):
    bench.start(GeometryNode, model="tiny", points_every=0, seek_floor=False)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, poses = bench.camera(), bench.collect(PoseStamped, "vlm3r/pose")
    send_one_by_one(camera, poses, 1)
    T = pose_to_matrix(poses[0].pose)
    # Columns: the camera's right, down and forward, in a map with x ahead, y left, z up.
    expected = [[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(T, expected, atol=1e-6)


def test_the_robots_mount_tells_which_way_is_up(bench: Bench):
    bench.start(GeometryNode, model="tiny", points_every=0, base_frame="base_link")
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, poses = bench.camera(), bench.collect(PoseStamped, "vlm3r/pose")
    mount = TransformStamped(child_frame_id="camera_optical")
    mount.header.frame_id = "base_link"
    # A camera mounted upside down, looking ahead: right is left and down is up.
    rotation = mount.transform.rotation
    rotation.x, rotation.y, rotation.z, rotation.w = 0.5, 0.5, 0.5, 0.5
    static = bench.outside.create_publisher(TFMessage, "/tf_static", STATIC_TRANSFORMS)
    static.publish(TFMessage(transforms=[mount]))
    node = bench.nodes[0]
    assert wait_until(
        lambda: node._mount.base_from_camera("base_link", "camera_optical") is not None
    )
    send_one_by_one(camera, poses, 1)
    down_in_map = pose_to_matrix(poses[0].pose)[:3, 1]
    np.testing.assert_allclose(down_in_map, [0, 0, 1], atol=1e-6)


def test_tf_can_be_left_to_others(bench: Bench):
    node = bench.start(GeometryNode, model="tiny", publish_tf=False)
    assert node.count_publishers("/tf") == 0


def test_who_comes_late_still_gets_the_path(bench: Bench):
    bench.start(GeometryNode, model="tiny", path_spacing=0.0)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, states = bench.camera(), bench.collect(SceneState, "vlm3r/scene_state")
    send_one_by_one(camera, states, 3)
    time.sleep(0.7)
    paths = bench.collect(Path, "vlm3r/path", LATCHED)
    assert wait_until(lambda: bool(paths))
    assert len(paths[-1].poses) == 3
    assert paths[-1].header.frame_id == "map"


def test_a_reset_begins_a_new_session_everywhere(bench: Bench):
    camera = start_pipeline(bench)
    states = bench.collect(SceneState, "vlm3r/scene_state")
    send_one_by_one(camera, states, 3)
    query = bench.nodes[0]
    assert wait_until(lambda: query.assistant.num_keyframes == 3)
    assert bench.ask().status == OK

    reset = bench.call(Trigger, "vlm3r/reset", Trigger.Request())
    assert reset.success
    assert wait_until(lambda: query.assistant.num_keyframes == 0)
    refused = bench.ask()
    assert refused.status == NO_FRAMES
    assert "the session was reset" in refused.message

    # The news of the session may come here later than to the query node.
    assert wait_until(lambda: is_announcement(states[-1]))
    states.clear()
    send_one_by_one(camera, states, 2)
    old, new = states_of(states)[0], states_of(states)[-1]
    assert (old.frame_index, new.frame_index) == (0, 1)
    assert new.session_id in reset.message
    assert wait_until(lambda: query.assistant.num_keyframes == 2)
    answered = bench.ask()
    assert (answered.status, answered.answer.frames_used) == (OK, 2)


def test_time_that_jumps_back_begins_a_new_session(bench: Bench):
    camera = start_pipeline(bench)
    states = bench.collect(SceneState, "vlm3r/scene_state")
    send_one_by_one(camera, states, 4)
    first = states[-1].session_id
    camera.clock -= 100.0
    states.clear()
    send_one_by_one(camera, states, 2)
    assert wait_until(lambda: len(states_of(states)) == 2)
    assert [state.frame_index for state in states_of(states)] == [0, 1]
    assert first not in {state.session_id for state in states}
    assert wait_until(lambda: bench.nodes[0].assistant.num_keyframes == 2)
    assert bench.ask().answer.frames_used == 2


def test_frames_keep_stamp_and_frame_and_get_the_models_size(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    header, picture = camera.header(), np.full((48, 100, 3), (200, 100, 50), np.uint8)
    camera.publisher.publish(rgb_to_image(picture, header))
    assert wait_until(lambda: len(frames) == 1)
    assert frames[0].header == header
    assert (frames[0].encoding, frames[0].height, frames[0].width) == ("rgb8", 64, 64)
    np.testing.assert_array_equal(image_to_rgb(frames[0])[32, 32], (200, 100, 50))


def test_camera_info_is_scaled_to_the_frames(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera = bench.camera()
    infos = bench.collect(CameraInfo, "vlm3r/camera_info")
    info = CameraInfo(width=128, height=32)
    info.k = [100.0, 0.0, 64.0, 0.0, 100.0, 16.0, 0.0, 0.0, 1.0]
    publisher = bench.outside.create_publisher(CameraInfo, "camera_info", 10)
    node = bench.nodes[0]
    assert wait_until(lambda: publisher.get_subscription_count() > 0)
    assert wait_until(lambda: (publisher.publish(info), node._camera_info is not None)[1])
    header = camera.send()
    assert wait_until(lambda: len(infos) == 1)
    assert infos[0].header == header
    np.testing.assert_allclose(infos[0].k, [50, 0, 31.75, 0, 200, 32.5, 0, 0, 1])


def test_compressed_images_come_in_beside_the_remapped_image(bench: Bench):
    bench.start(
        FrameBufferNode,
        cli_args=["--ros-args", "-r", "image:=/front/image_raw"],
        model="tiny",
        image_transport="compressed",
    )
    frames = bench.collect(Image, "vlm3r/frames")
    publisher = bench.outside.create_publisher(
        CompressedImage, "/front/image_raw/compressed", SENSOR_DATA
    )
    assert wait_until(lambda: publisher.get_subscription_count() > 0)
    picture = np.full((48, 64, 3), (200, 100, 50), np.uint8)
    camera = Camera(bench.outside, "unused")

    def send() -> bool:
        for kind in ("jpeg", "png"):
            publisher.publish(rgb_to_compressed(picture, camera.header(step=2.0), kind))
            time.sleep(0.05)
        return len(frames) >= 2

    assert wait_until(send)
    assert np.abs(image_to_rgb(frames[0]).astype(int) - picture[0, 0]).max() <= 3


def test_a_fast_camera_is_slowed_to_the_rate_asked_for(bench: Bench):
    bench.start(FrameBufferNode, model="tiny", max_rate=15.0, qos="reliable")
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    camera.send(40, pause=0.04, step=0.05)
    assert wait_until(lambda: len(frames) >= 20, timeout=3.0)
    assert 20 <= len(frames) <= 31  # 2 s at 15 Hz


def test_a_scene_state_carries_tokens_that_fit_the_model(bench: Bench):
    bench.start(GeometryNode, model="tiny", token_encoding="float32", publish_state=True)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, states = bench.camera(), bench.collect(SceneState, "vlm3r/scene_state")
    send_one_by_one(camera, states, 1)
    observation = message_to_observation(states[0])
    assert observation.grid == (4, 4)
    assert observation.patch_tokens.shape == (1, 16, 32)
    assert observation.state_tokens.shape == (1, 12, 32)


def test_everything_works_in_a_namespace(bench: Bench):
    in_robot = {"cli_args": ["--ros-args", "-r", "__ns:=/robot"]}
    for kind in (SpatialQueryNode, GeometryNode):
        bench.start(kind, model="tiny", **in_robot)
    bench.start(FrameBufferNode, **FRAME_BUFFER, **in_robot)
    camera = bench.camera("/robot/image")
    states = bench.collect(SceneState, "/robot/vlm3r/scene_state")
    send_one_by_one(camera, states, 2)
    assert wait_until(lambda: bench.nodes[0].assistant.num_keyframes == 2)
    request = SpatialQuery.Request(question="What is here?")
    assert bench.call(SpatialQuery, "/robot/spatial_query", request).status == OK
    bench.status("robot/frame_buffer", lambda status: status.level == b"\x00")
