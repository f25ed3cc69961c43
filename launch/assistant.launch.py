"""Starts the spatial assistant, and if asked a recording in place of the camera, RViz, and Rerun.

ros2 launch vlm3r_ros assistant.launch.py image_topic:=/camera/color/image_raw
ros2 launch vlm3r_ros assistant.launch.py replay:=/path/to/video.mp4 rviz:=true
"""

from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = "vlm3r_ros"
DDS_PROFILE_VARIABLE = "FASTDDS_DEFAULT_PROFILES_FILE"
NODES = ("frame_buffer", "geometry", "spatial_query")
# Arguments that are parameters of the nodes; where they are empty, params_file decides.
PASSED_IF_GIVEN = ("model", "device", "image_transport")
# What the view shows, and where its goal tool sends; each without the leading slash.
VIEWED_TOPICS = (
    "goal_pose",
    "vlm3r/depth",
    "vlm3r/frames",
    "vlm3r/goal_pose",
    "vlm3r/markers",
    "vlm3r/occupancy",
    "vlm3r/odometry",
    "vlm3r/path",
    "vlm3r/plan",
    "vlm3r/points",
)
# The recording begins when the frame buffer listens, at the latest after so many seconds.
LONGEST_START = 120.0
# A node may be amid an answer when it is told to end; after so many seconds it is killed.
SHUTDOWN_TIMEOUT = "10"


def package_file(*parts: str) -> PathJoinSubstitution:
    """A file in the share folder of this package."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


ARGUMENTS = (
    DeclareLaunchArgument(
        "model",
        default_value="",
        description="nano, vlm3r-7b, a model folder, or a name on the Hugging Face Hub; "
        "empty: that of params_file (nano)",
    ),
    DeclareLaunchArgument(
        "device",
        default_value="",
        description="auto, cpu, cuda or cuda:N; empty: that of params_file (auto)",
    ),
    DeclareLaunchArgument(
        "image_topic",
        default_value="camera/image_raw",
        description="sensor_msgs/Image of the camera; with image_transport:=compressed, its base "
        "name. A relative name is taken inside the namespace",
    ),
    DeclareLaunchArgument(
        "camera_info_topic",
        default_value="",
        description="sensor_msgs/CameraInfo; empty: camera_info beside the image topic",
    ),
    DeclareLaunchArgument(
        "image_transport",
        default_value="",
        choices=["", "raw", "compressed"],
        description="whether images come as sensor_msgs/Image or CompressedImage; empty: that of "
        "params_file (raw)",
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="namespace of the nodes, topics and service"
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=package_file("config", "assistant.yaml"),
        description="parameters of the nodes; arguments given here win over it",
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="false",
        choices=["true", "false"],
        description="take the time from /clock, as with a simulator or `ros2 bag play --clock`",
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="true",
        choices=["true", "false"],
        description="the nodes configure and activate themselves; false leaves it to a lifecycle "
        "manager",
    ),
    DeclareLaunchArgument(
        "composed",
        default_value="false",
        choices=["true", "false"],
        description="all nodes in one process, instead of a process each",
    ),
    DeclareLaunchArgument(
        "rviz", default_value="false", choices=["true", "false"], description="start RViz as well"
    ),
    DeclareLaunchArgument(
        "rviz_config",
        default_value=package_file("rviz", "assistant.rviz"),
        description="the view that RViz starts with",
    ),
    DeclareLaunchArgument(
        "viewer",
        default_value="false",
        choices=["true", "false"],
        description="open a Rerun window as well (needs rerun-sdk)",
    ),
    DeclareLaunchArgument(
        "record",
        default_value="",
        description="file (.rrd) to record to, for Rerun (needs rerun-sdk); empty: none",
    ),
    DeclareLaunchArgument(
        "replay",
        default_value="",
        description="a video, a folder of images or a ROS bag to play as the camera; empty: none",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        choices=["debug", "info", "warn", "error", "fatal"],
        description="what the nodes log at least",
    ),
)


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The actions for the arguments as given."""

    def argument(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def text(name: str) -> ParameterValue:
        # A folder named 1e3, say, would otherwise become a number on its way through YAML.
        return ParameterValue(argument(name), value_type=str)

    params_file = Path(argument("params_file")).expanduser()
    if not params_file.is_file():
        # launch_ros only warns of this, and the nodes would start with other parameters.
        raise FileNotFoundError(f"params_file:={params_file} does not exist")
    use_sim_time = {"use_sim_time": argument("use_sim_time") == "true"}
    given: dict[str, Any] = {**use_sim_time, "autostart": argument("autostart") == "true"}
    given |= {name: text(name) for name in PASSED_IF_GIVEN if argument(name)}
    if argument("replay"):
        given["image_transport"] = "raw"  # as replay publishes, whatever the camera does

    image = argument("image_topic")
    camera_info = argument("camera_info_topic") or "/".join([*image.split("/")[:-1], "camera_info"])

    def node(
        executable: str, parameters: dict[str, Any], remappings: list[tuple[str, str]]
    ) -> Node:
        return Node(
            package=PACKAGE,
            executable=executable,
            namespace=argument("namespace"),
            # No node name: in the process of `composed` it would rename every node.
            parameters=[params_file, parameters],
            remappings=remappings,
            ros_arguments=["--log-level", argument("log_level")],
            output="screen",
            emulate_tty=True,
            sigterm_timeout=SHUTDOWN_TIMEOUT,
        )

    actions: list[LaunchDescriptionEntity] = []
    # Before the first node; an empty value would make Fast DDS fail.
    if not context.environment.get(DDS_PROFILE_VARIABLE):
        profile = package_file("config", "fastdds_shm.xml")
        actions.append(SetEnvironmentVariable(DDS_PROFILE_VARIABLE, profile))

    executables = ["composed"] if argument("composed") == "true" else list(NODES)
    inputs = [("image", image), ("camera_info", camera_info)]
    actions += [node(executable, given, inputs) for executable in executables]

    if argument("replay"):
        outputs = [("camera/image_raw", image), ("camera/camera_info", camera_info)]
        recording = {"path": text("replay"), "wait_for_subscriber": LONGEST_START}
        actions.append(node("replay", {**given, **recording}, outputs))

    if argument("viewer") == "true" or argument("record"):
        shown: dict[str, Any] = {"autostart": True, "window": argument("viewer") == "true"}
        if argument("record"):
            shown["record"] = text("record")
        actions.append(node("viewer", {**use_sim_time, **shown}, []))

    if argument("rviz") == "true":
        actions.append(
            Node(
                package="rviz2",
                executable="rviz2",
                namespace=argument("namespace"),
                arguments=["-d", argument("rviz_config")],
                parameters=[use_sim_time],
                # The view names topics as they are without a namespace.
                remappings=[(f"/{topic}", topic) for topic in VIEWED_TOPICS],
                output="log",
            )
        )
    return actions


def generate_launch_description() -> LaunchDescription:
    """The arguments, which `ros2 launch ... --show-args` lists, and the nodes."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])
