import ast
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from node_bench import Bench, wait_until
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from vlm3r_ros.commands.assistant import RVIZ, VIEWED_TOPICS, AssistantOptions, node_commands
from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.markers import MarkerKind
from vlm3r_ros.nodes.qos import incompatibility
from vlm3r_ros.nodes.spatial_query import SpatialQueryNode
from vlm3r_ros.resources import resource

# What each display subscribes to, as rviz_default_plugins describes them.
MESSAGE_TYPES = {
    "rviz_default_plugins/Image": "sensor_msgs/msg/Image",
    "rviz_default_plugins/Map": "nav_msgs/msg/OccupancyGrid",
    "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
    "rviz_default_plugins/Odometry": "nav_msgs/msg/Odometry",
    "rviz_default_plugins/Path": "nav_msgs/msg/Path",
    "rviz_default_plugins/PointCloud2": "sensor_msgs/msg/PointCloud2",
    "rviz_default_plugins/Pose": "geometry_msgs/msg/PoseStamped",
}
# RViz takes the default for a word that it does not know, without complaint.
HISTORIES = {"Keep Last": HistoryPolicy.KEEP_LAST, "Keep All": HistoryPolicy.KEEP_ALL}
RELIABILITIES = {
    "Reliable": ReliabilityPolicy.RELIABLE,
    "Best Effort": ReliabilityPolicy.BEST_EFFORT,
}
DURABILITIES = {
    "Volatile": DurabilityPolicy.VOLATILE,
    "Transient Local": DurabilityPolicy.TRANSIENT_LOCAL,
}
# What somebody who opens RViz late wants to see at once.
LATCHED_TOPICS = {"/vlm3r/path", "/vlm3r/plan", "/vlm3r/occupancy", "/vlm3r/markers"}


def view() -> dict[str, Any]:
    return yaml.safe_load(resource("rviz", "assistant.rviz").read_text())["Visualization Manager"]


def displays_with_topic() -> list[dict[str, Any]]:
    return [display for display in view()["Displays"] if "Topic" in display]


def requested_qos(topic: dict[str, Any]) -> QoSProfile:
    return QoSProfile(
        depth=topic["Depth"],
        history=HISTORIES[topic["History Policy"]],
        reliability=RELIABILITIES[topic["Reliability Policy"]],
        durability=DURABILITIES[topic["Durability Policy"]],
    )


def problem(display: dict[str, Any], node: Node) -> str | None:
    """Why a display stays empty, or None."""
    topic = display["Topic"]["Value"]
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        return f"nobody publishes {topic}"
    wanted = MESSAGE_TYPES[display["Class"]]
    requested = requested_qos(display["Topic"])
    for publisher in publishers:
        if publisher.topic_type != wanted:
            return f"{topic} is {publisher.topic_type}, the display shows {wanted}"
        refusal = incompatibility(publisher.qos_profile, requested)
        if refusal:
            return f"{topic}: {refusal}"
        if (
            publisher.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
            and requested.durability == DurabilityPolicy.VOLATILE
        ):
            return f"{topic} is kept for those who come late, the display does not ask for it"
    return None


@pytest.fixture(scope="module", params=["", "robot"], ids=["no_namespace", "in_a_namespace"])
def rviz(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Node]:
    """A node that is started as RViz is, beside all of ours, in another participant."""
    namespace = request.param
    bench = Bench()
    rule = ["--ros-args", "-r", f"__ns:=/{namespace}"] if namespace else None
    for kind in (FrameBufferNode, GeometryNode, SpatialQueryNode):
        bench.start(kind, cli_args=rule, model="tiny")
    arguments = rviz_arguments(namespace, tmp_path_factory.mktemp("bin"))
    node = Node("rviz", context=bench.outside.context, cli_args=arguments)
    names = {node.get_name() for node in bench.nodes}
    assert wait_until(lambda: names <= set(node.get_node_names()))
    yield node
    node.destroy_node()
    bench.close()


def rviz_arguments(namespace: str, folder: Path) -> list[str]:
    program = folder / "rviz2"
    program.touch(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        command = node_commands(AssistantOptions(rviz=True, namespace=namespace))[RVIZ]
    return command[command.index("--ros-args") :]


def display_of(topic: str) -> dict[str, Any]:
    found = [each for each in displays_with_topic() if each["Topic"]["Value"] == topic]
    assert len(found) == 1, f"{len(found)} displays of {topic}"
    return copy.deepcopy(found[0])


@pytest.mark.parametrize("display", displays_with_topic(), ids=lambda display: display["Name"])
def test_a_display_fits_what_the_nodes_publish(rviz: Node, display: dict[str, Any]):
    # What a node publishes is discovered a little after the node.
    wait_until(lambda: problem(display, rviz) is None, timeout=5.0)
    assert problem(display, rviz) is None


def test_a_topic_that_nobody_publishes_is_a_problem(rviz: Node):
    display = display_of("/vlm3r/path")
    display["Topic"]["Value"] = "/vlm3r/paths"
    assert problem(display, rviz) == "nobody publishes /vlm3r/paths"


def test_a_display_of_another_type_is_a_problem(rviz: Node):
    display = display_of("/vlm3r/path")
    display["Class"] = "rviz_default_plugins/Pose"
    assert wait_until(lambda: "is nav_msgs/msg/Path" in str(problem(display, rviz)))


def test_a_qos_that_is_not_offered_is_a_problem(rviz: Node):
    display = display_of("/vlm3r/points")
    display["Topic"]["Durability Policy"] = "Transient Local"
    assert wait_until(lambda: "transient local subscription" in str(problem(display, rviz)))


def test_a_display_that_does_not_ask_for_what_came_before_is_a_problem(rviz: Node):
    display = display_of("/vlm3r/path")
    display["Topic"]["Durability Policy"] = "Volatile"
    assert wait_until(lambda: "come late" in str(problem(display, rviz)))


def test_the_view_shows_what_there_is_to_see():
    assert view()["Global Options"]["Fixed Frame"] == "map"
    enabled = {
        (display["Class"].split("/")[1], display["Topic"]["Value"])
        for display in displays_with_topic()
        if display["Enabled"]
    }
    assert enabled == {
        ("Image", "/vlm3r/frames"),
        ("PointCloud2", "/vlm3r/points"),
        ("Path", "/vlm3r/path"),
        ("Path", "/vlm3r/plan"),
        ("Odometry", "/vlm3r/odometry"),
        ("Map", "/vlm3r/occupancy"),
        ("Pose", "/vlm3r/goal_pose"),
        ("MarkerArray", "/vlm3r/markers"),
    }
    assert any(each["Class"] == "rviz_default_plugins/TF" for each in view()["Displays"])
    assert display_of("/vlm3r/points")["Color Transformer"] == "RGB8"


@pytest.mark.parametrize("topic", sorted(LATCHED_TOPICS))
def test_who_opens_rviz_late_asks_for_what_came_before(topic: str):
    assert display_of(topic)["Topic"]["Durability Policy"] == "Transient Local"


def test_every_kind_of_marker_is_ticked():
    namespaces = display_of("/vlm3r/markers")["Namespaces"]
    assert namespaces == dict.fromkeys([kind.value for kind in MarkerKind], True)


def test_every_topic_of_the_view_is_looked_for_in_the_namespace():
    shown = {display["Topic"]["Value"] for display in displays_with_topic()}
    assert {f"/{topic}" for topic in VIEWED_TOPICS} == {*shown, "/goal_pose"}
    tree = ast.parse(resource("launch", "assistant.launch.py").read_text())
    (in_launch_file,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VIEWED_TOPICS"
    )
    assert in_launch_file == VIEWED_TOPICS


def test_the_goal_tool_sends_where_a_navigation_stack_listens():
    (tool,) = (each for each in view()["Tools"] if each["Class"] == "rviz_default_plugins/SetGoal")
    assert tool["Topic"]["Value"] == "/goal_pose"
    assert requested_qos(tool["Topic"]).reliability == ReliabilityPolicy.RELIABLE
