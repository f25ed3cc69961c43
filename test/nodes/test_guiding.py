"""Ways over ROS: real nodes, and a floor and a place that a person put into the map."""

import math

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, TransformStamped
from nav_msgs.msg import OccupancyGrid, Path
from node_bench import Bench, Camera, wait_until
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from vlm3r_ros.msg import NavigationHint
from vlm3r_ros.navigation.target import Target, TargetStatus
from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.message_conversion import stamp_to_seconds
from vlm3r_ros.nodes.qos import LATCHED, STATIC_TRANSFORMS, TRANSFORMS
from vlm3r_ros.nodes.spatial_query import SpatialQueryNode
from vlm3r_ros.srv import SpatialQuery

OK = SpatialQuery.Response.OK


def start(bench: Bench, **query: object) -> tuple[SpatialQueryNode, Camera]:
    node = bench.start(SpatialQueryNode, model="tiny", hint_rate=10.0, **query)
    # Points of random weights are no room: the map is made by hand, below.
    bench.start(GeometryNode, model="tiny", points_every=0)
    bench.start(FrameBufferNode, model="tiny", max_rate=1000.0, qos="reliable")
    return node, bench.camera()


def see_a_room(node: SpatialQueryNode, camera: Camera) -> None:
    """One frame, and the floor and walls of a room around a level camera that looks along x."""
    camera.send()
    assert wait_until(lambda: node.assistant.navigator.T_map_camera is not None)
    level_room(node)


def level_room(node: SpatialQueryNode) -> None:
    """Put the floor and walls into the map."""
    navigator = node.assistant.navigator
    x, y = np.mgrid[-4:4:0.04, -4:4:0.04].reshape(2, -1)
    z = np.where(np.maximum(abs(x), abs(y)) > 3.5, 0.0, -1.4)
    level = np.eye(4)
    level[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    navigator.observe(navigator.session_id, navigator.stamp + 1.0, level, np.stack([x, y, z], -1))


def place_a_door(node: SpatialQueryNode, monkeypatch: pytest.MonkeyPatch) -> Target:
    door = Target("door", TargetStatus.FOUND, np.array([3.0, 1.0, -0.4]), 0.3, 0.9, 1)
    monkeypatch.setattr(node.assistant, "locate", lambda *args, **kwargs: door)
    return door


def test_a_request_is_answered_with_a_way_that_is_shown_everywhere(bench: Bench, monkeypatch):
    node, camera = start(bench, follow_target=False)
    hints = bench.collect(NavigationHint, "vlm3r/navigation_hint")
    goals = bench.collect(PoseStamped, "vlm3r/goal_pose")
    see_a_room(node, camera)
    place_a_door(node, monkeypatch)
    response = bench.ask("Take me to the door", navigate=True)
    assert response.status == OK
    assert response.message == ""
    hint = response.hint
    assert (hint.target, hint.status) == ("door", "on the way")
    assert hint.turn in (NavigationHint.LEFT, NavigationHint.RIGHT, NavigationHint.AHEAD)
    assert 1.0 < hint.distance < 4.0
    assert hint.instruction
    assert hint.header.frame_id == hint.path.header.frame_id == "map"
    end = hint.path.poses[-1].pose.position
    assert math.hypot(end.x - 3.0, end.y - 1.0) < 1.0
    assert hint.goal.pose.position == end
    assert wait_until(lambda: hints and goals)
    assert hints[-1] == hint
    assert goals[-1] == hint.goal

    # Who comes late still sees the plan, the map and the drawings.
    plans = bench.collect(Path, "vlm3r/plan", LATCHED)
    maps = bench.collect(OccupancyGrid, "vlm3r/occupancy", LATCHED)
    drawings = bench.collect(MarkerArray, "vlm3r/markers", LATCHED)
    assert wait_until(lambda: plans and maps and drawings)
    assert plans[-1] == hint.path
    assert maps[-1].header.frame_id == "map"
    assert {0, 100} <= set(maps[-1].data)
    drawn = {marker.ns for marker in drawings[-1].markers if marker.action == Marker.ADD}
    assert {"target", "goal", "plan", "keyframes", "answer"} <= drawn


def test_hints_follow_the_camera_until_they_are_cancelled(bench: Bench, monkeypatch):
    node, camera = start(bench)
    hints = bench.collect(NavigationHint, "vlm3r/navigation_hint")
    see_a_room(node, camera)
    place_a_door(node, monkeypatch)
    assert bench.ask("", navigate=True, target="door").status == OK
    assert wait_until(lambda: len(hints) > 3)
    assert {hint.target for hint in hints} == {"door"}
    answer = bench.call(Trigger, "vlm3r/cancel_guidance", Trigger.Request())
    assert answer.success
    assert "door" in answer.message
    assert wait_until(lambda: hints[-1].status == "cancelled")
    count = len(hints)
    assert not bench.call(Trigger, "vlm3r/cancel_guidance", Trigger.Request()).success
    assert not wait_until(lambda: len(hints) > count, 0.5)


def test_a_reset_ends_the_guidance_and_clears_what_was_drawn(bench: Bench, monkeypatch):
    node, camera = start(bench)
    hints = bench.collect(NavigationHint, "vlm3r/navigation_hint")
    # Not latched: of arrays that come quickly one after the other, that would keep the last alone.
    drawings = bench.collect(MarkerArray, "vlm3r/markers")
    see_a_room(node, camera)
    place_a_door(node, monkeypatch)
    assert bench.ask("", navigate=True, target="door").hint.status == "on the way"
    assert bench.call(Trigger, "vlm3r/reset", Trigger.Request()).success
    assert wait_until(lambda: hints[-1].status == "session reset")
    assert wait_until(
        lambda: any(m.action == Marker.DELETEALL for each in drawings for m in each.markers)
    )
    assert node.assistant.navigator.grid().all_unknown


def test_a_thing_that_was_not_seen_is_not_made_up(bench: Bench, monkeypatch):
    node, camera = start(bench)
    see_a_room(node, camera)
    unseen = Target("piano", TargetStatus.NOT_SEEN)
    monkeypatch.setattr(node.assistant, "locate", lambda *args, **kwargs: unseen)
    response = bench.ask("Where is the piano?", navigate=True)
    assert response.status == OK
    assert response.message == "no way: not seen"
    assert response.hint.turn == NavigationHint.UNKNOWN
    assert math.isnan(response.hint.bearing)
    assert not response.hint.path.poses
    assert "piano" in response.hint.instruction


def test_an_untrained_model_gives_a_hint_with_a_stated_status(bench: Bench):
    node, camera = start(bench)
    see_a_room(node, camera)
    response = bench.ask("Where is the sofa?", navigate=True)
    assert response.status == OK
    assert response.hint.target == "sofa"
    assert response.hint.status
    assert response.hint.instruction


def test_goals_are_sent_to_a_navigation_stack_only_when_asked_for(bench: Bench, monkeypatch):
    node, camera = start(bench, send_goal=True)
    sent = bench.collect(PoseStamped, "goal_pose")
    see_a_room(node, camera)
    place_a_door(node, monkeypatch)
    goal = bench.ask("", navigate=True, target="door").hint.goal
    assert wait_until(lambda: sent)
    assert sent[0] == goal
    # Hints go on, but a stack that is on its way is not told again.
    assert not wait_until(lambda: len(sent) > 1, 0.5)


def test_hints_are_for_the_robot_where_its_mount_is_known(bench: Bench, monkeypatch):
    mount = TransformStamped(child_frame_id="camera_optical")
    mount.header.frame_id = "base_link"
    # The camera looks to the robot's left.
    rotation = mount.transform.rotation
    rotation.x, rotation.y, rotation.z, rotation.w = -math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)
    publisher = bench.outside.create_publisher(TFMessage, "/tf_static", STATIC_TRANSFORMS)
    publisher.publish(TFMessage(transforms=[mount]))
    node, camera = start(bench, base_frame="base_link", follow_target=False)
    navigator = node.assistant.navigator
    # The mount is looked for whenever a frame is remembered.
    assert wait_until(lambda: camera.send() is not None and node._is_mounted)
    # A frame that is still on its way would take the place of the pose that the room is seen from.
    newest = stamp_to_seconds(camera.send().stamp)
    assert wait_until(lambda: navigator.stamp >= newest)
    level_room(node)
    place_a_door(node, monkeypatch)
    for_robot = bench.ask("", navigate=True, target="door").hint
    navigator.guide_body(np.eye(4))
    for_camera = bench.ask("", navigate=True, target="door").hint
    turned = math.remainder(for_robot.bearing - for_camera.bearing, math.tau)
    assert turned == pytest.approx(math.pi / 2, abs=0.01)


def test_map_to_odometry_is_told_where_a_robot_has_its_own(bench: Bench):
    mount = TransformStamped(child_frame_id="camera_optical")
    mount.header.frame_id = "base_link"
    q = mount.transform.rotation  # forward-looking optical frame on a base
    q.x, q.y, q.z, q.w = -0.5, 0.5, -0.5, 0.5
    moved = TransformStamped(child_frame_id="base_link")
    moved.header.frame_id = "odom"
    moved.transform.translation.x, moved.transform.rotation.w = 2.0, 1.0
    static = bench.outside.create_publisher(TFMessage, "/tf_static", STATIC_TRANSFORMS)
    dynamic = bench.outside.create_publisher(TFMessage, "/tf", TRANSFORMS)
    static.publish(TFMessage(transforms=[mount]))
    geometry = bench.start(
        GeometryNode, model="tiny", base_frame="base_link", odom_frame="odom", points_every=0
    )
    bench.start(FrameBufferNode, model="tiny", max_rate=1000.0, qos="reliable")
    camera = bench.camera()
    heard = bench.collect(TFMessage, "/tf", TRANSFORMS)
    assert wait_until(lambda: dynamic.get_subscription_count() >= 2)
    dynamic.publish(TFMessage(transforms=[moved]))
    assert wait_until(
        lambda: geometry._mount.base_from_camera("odom", "camera_optical") is not None
    )
    camera.send()
    ours = lambda: [  # noqa: E731
        t for message in heard for t in message.transforms if t.header.frame_id == "map"
    ]
    assert wait_until(ours)
    # The camera is at the map's origin; its base has driven 2 m since odometry began.
    first = ours()[0]
    assert first.child_frame_id == "odom"
    assert first.transform.translation.x == pytest.approx(-2.0, abs=1e-6)
    assert not any(t.child_frame_id == "camera_optical" for t in ours())
