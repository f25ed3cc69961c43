"""`vlm3r replay`: the replay node for a recording, from the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from vlm3r_ros.recordings import open_recording


@dataclass(frozen=True)
class ReplayOptions:
    """What to play and how; empty strings and None leave it to the node's defaults."""

    path: Path
    rate: float = 1.0
    fps: float | None = None
    loop: bool = False
    topic: str = ""
    frame_id: str = ""
    image_topic: str = ""
    camera_info_topic: str = ""
    namespace: str = ""


def replay(options: ReplayOptions) -> int:
    """Play a recording on a camera's topics until its end.

    Returns:
        0 at the end, or after Ctrl-C; 1 where it could not be played.

    Raises:
        RecordingError: nothing at the path that can be played.
    """
    path = options.path.expanduser().absolute()
    # Opened here as well, so that what is wrong with it is said before anything starts.
    open_recording(path, options.fps, options.topic or None)
    parameters: dict[str, object] = {
        "path": str(path),
        "rate": options.rate,
        "loop": options.loop,
        "exit_at_end": True,
        "topic": options.topic,
        "frame_id": options.frame_id,
    }
    if options.fps is not None:
        parameters["fps"] = options.fps
    arguments = ["--ros-args"]
    for name, value in parameters.items():
        arguments += ["-p", f"{name}:={json.dumps(value)}"]
    image = options.image_topic
    info = options.camera_info_topic
    if image and not info:
        info = "/".join([*image.split("/")[:-1], "camera_info"])
    for source, target in (("camera/image_raw", image), ("camera/camera_info", info)):
        if target:
            arguments += ["-r", f"{source}:={target}"]
    if options.namespace:
        arguments += ["-r", f"__ns:=/{options.namespace.strip('/')}"]

    from vlm3r_ros.nodes.replay import main

    return main(arguments)
