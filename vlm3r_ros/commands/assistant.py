"""`vlm3r assistant`: the nodes of the launch file, for machines without `ros2 launch`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from vlm3r_ros.commands.errors import EXIT_FAILED, CommandError
from vlm3r_ros.commands.processes import ProcessGroup
from vlm3r_ros.resources import resource, use_dds_profile

NODES = ("frame_buffer", "geometry", "spatial_query")
COMPOSED = "composed"
REPLAY = "replay"
RVIZ = "rviz"
VIEWER = "viewer"
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

# A recording begins when the nodes listen, which have a model to load first (s).
_LONGEST_START = 120.0
_POLL_PERIOD = 0.2
_HURRIED_PATIENCE = 1.0


@dataclass(frozen=True)
class AssistantOptions:
    """The arguments of launch/assistant.launch.py, under the same names.

    Empty strings leave the decision to `params_file`; an empty `params_file` is the package's own.
    """

    model: str = ""
    device: str = ""
    image_topic: str = "camera/image_raw"
    camera_info_topic: str = ""
    image_transport: str = ""
    namespace: str = ""
    params_file: str = ""
    use_sim_time: bool = False
    autostart: bool = True
    composed: bool = False
    rviz: bool = False
    rviz_config: str = ""
    viewer: bool = False
    record: str = ""
    replay: str = ""
    log_level: str = "info"


def node_commands(
    options: AssistantOptions, replay_parameters: dict[str, object] | None = None
) -> dict[str, list[str]]:
    """The command line of each process, by the process's name.

    Args:
        options: what to start.
        replay_parameters: further parameters of the replay node.

    Raises:
        CommandError: a file that is named does not exist.
    """
    params_file = Path(options.params_file or resource("config", "assistant.yaml")).expanduser()
    if not params_file.is_file():
        raise CommandError(f"no parameter file {params_file}; leave --params-file out for ours")
    given: dict[str, object] = {
        "use_sim_time": options.use_sim_time,
        "autostart": options.autostart,
    }
    for name in ("model", "device", "image_transport"):
        if value := getattr(options, name):
            given[name] = value
    image = options.image_topic
    camera_info = options.camera_info_topic or "/".join([*image.split("/")[:-1], "camera_info"])

    def command(name: str, parameters: dict[str, object], remappings: dict[str, str]) -> list[str]:
        arguments = [sys.executable, "-m", f"vlm3r_ros.nodes.{name}", "--ros-args"]
        arguments += _namespace_rule(options)
        arguments += ["--params-file", str(params_file)]
        for parameter, value in parameters.items():
            # ROS reads values as YAML, of which JSON is a part: a folder named 1e3 stays a string.
            arguments += ["-p", f"{parameter}:={json.dumps(value)}"]
        for source, target in remappings.items():
            arguments += ["-r", f"{source}:={target}"]
        return [*arguments, "--log-level", options.log_level]

    inputs = {"image": image, "camera_info": camera_info}
    names = (COMPOSED,) if options.composed else NODES
    commands = {name: command(name, given, inputs) for name in names}
    if options.replay:
        path = Path(options.replay).expanduser().absolute()
        if not path.exists():
            raise CommandError(f"{path}: no such file or folder to replay")
        outputs = {"camera/image_raw": image, "camera/camera_info": camera_info}
        played = {
            **given,
            "path": str(path),
            "wait_for_subscriber": _LONGEST_START,
            **(replay_parameters or {}),
        }
        commands[REPLAY] = command(REPLAY, played, outputs)
    if options.rviz:
        commands[RVIZ] = _rviz_command(options)
    if options.viewer or options.record:
        commands[VIEWER] = command(VIEWER, _viewer_parameters(options), {})
    return commands


def run_assistant(options: AssistantOptions) -> int:
    """Start everything and watch over it until Ctrl-C, or until a node ends.

    Returns:
        0 after SIGINT or SIGTERM, 1 where a node ended by itself.

    Raises:
        CommandError: something that is named does not exist.
    """
    commands = node_commands(options)
    environment = dict(os.environ)
    use_dds_profile(environment)
    stopping = threading.Event()
    group = ProcessGroup(environment)

    def on_signal(number: int, frame: FrameType | None) -> None:
        stopping.set()

    previous = {each: signal.signal(each, on_signal) for each in (signal.SIGINT, signal.SIGTERM)}
    code = 0
    try:
        for name, command in commands.items():
            group.start(name, command)
        while not stopping.wait(_POLL_PERIOD):
            for ended in group.ended():
                if ended.name == RVIZ or (ended.name == REPLAY and ended.code == 0):
                    continue
                if ended.name == VIEWER:
                    print(f"vlm3r: {ended.describe()}; the others go on", file=sys.stderr)
                    continue
                print(f"vlm3r: {ended.describe()}; stopping the others", file=sys.stderr)
                code = EXIT_FAILED
                stopping.set()
    finally:
        _stop(group)
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code


def _stop(group: ProcessGroup) -> None:
    """End the children; a second Ctrl-C meanwhile hurries them."""

    def hurry(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hurry)
    try:
        group.stop()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        group.stop(_HURRIED_PATIENCE)


def _rviz_command(options: AssistantOptions) -> list[str]:
    program = shutil.which("rviz2")
    if program is None:
        raise CommandError("rviz2 is not installed; `apt install ros-$ROS_DISTRO-rviz2` brings it")
    view = options.rviz_config or str(resource("rviz", "assistant.rviz"))
    use_sim_time = json.dumps(options.use_sim_time)
    command = [program, "-d", view, "--ros-args", "-p", f"use_sim_time:={use_sim_time}"]
    command += _namespace_rule(options)
    # The view names topics as they are without a namespace.
    for topic in VIEWED_TOPICS:
        command += ["-r", f"/{topic}:={topic}"]
    return command


def _viewer_parameters(options: AssistantOptions) -> dict[str, object]:
    if find_spec("rerun") is None:
        option = "--viewer" if options.viewer else "--record"
        raise CommandError(f"{option} needs rerun-sdk: pip install 'vlm3r_ros[viewer]'")
    # Not a part of the assistant: no lifecycle manager has to know of it.
    parameters: dict[str, object] = {
        "use_sim_time": options.use_sim_time,
        "autostart": True,
        "window": options.viewer,
    }
    if options.record:
        path = Path(options.record).expanduser().absolute()
        if path.is_dir() or not path.parent.is_dir():
            raise CommandError(f"cannot record to {path}: name a file in a folder that exists")
        parameters["record"] = str(path)
    return parameters


def _namespace_rule(options: AssistantOptions) -> list[str]:
    namespace = options.namespace.strip("/")
    return ["-r", f"__ns:=/{namespace}"] if namespace else []
