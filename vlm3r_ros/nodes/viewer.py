"""Shows what the assistant sees and knows in Rerun, or records it to look at later.

Subscribes what RViz does: `vlm3r/frames`, `vlm3r/camera_info`, `vlm3r/pose`, `vlm3r/path`,
`vlm3r/points`, `vlm3r/occupancy`, `vlm3r/plan`, `vlm3r/goal_pose`, `vlm3r/navigation_hint` and
`vlm3r/answer`. Publishes nothing. Needs the optional library `rerun-sdk`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
import rclpy
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Path
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from vlm3r_ros.msg import NavigationHint, SpatialAnswer
from vlm3r_ros.nodes.diagnostics import Diagnostics
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.parameters import ParameterError, ParameterSpec
from vlm3r_ros.nodes.qos import LATCHED, RELIABLE
from vlm3r_ros.nodes.ros_libraries import optional_library
from vlm3r_ros.nodes.runtime import run_nodes

if TYPE_CHECKING:
    from vlm3r_ros.nodes.rerun_conversion import Entry

INSTALL = "pip install 'vlm3r_ros[viewer]'"

_APPLICATION = "vlm3r_ros"
# What the server keeps for a window that is opened later; older data goes first.
_SERVER_MEMORY = "512MiB"
_ALL_INTERFACES, _THIS_MACHINE = "0.0.0.0", "127.0.0.1"
_WATCH_PERIOD = 1.0
_WINDOW_PATIENCE = 3.0


class ViewerError(RuntimeError):
    """The viewer cannot be opened; the message says why and what to do."""


class ViewerNode(ManagedNode):
    """Hands the assistant's messages to Rerun: to a window, to a file, or to both.

    A window is a process of its own that connects to a small server in this node. So it may be
    closed and opened again, also from another machine, and what it does not take is forgotten
    instead of piling up.

    Attributes:
        url: where windows connect; empty where none can.
        entries_logged: how many entries Rerun was given.
    """

    PARAMETERS = (
        ParameterSpec("window", True, "Open a Rerun window on this machine."),
        ParameterSpec(
            "record",
            "",
            "File (.rrd) to record to, overwritten if it exists; empty: none. `rerun FILE` plays "
            "it.",
        ),
        ParameterSpec(
            "port",
            0,
            "Port at which windows connect, see `address`; 0: any free one, if `window` is true.",
            0,
            65535,
        ),
        ParameterSpec(
            "address",
            _THIS_MACHINE,
            "Address that the port is opened at; 0.0.0.0 lets windows on other machines connect.",
        ),
        ParameterSpec(
            "field_of_view",
            1.0472,
            "Horizontal field of view of a camera that is not calibrated (rad).",
            0.1,
            3.0,
        ),
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("viewer", **kwargs)
        self._recording: Any = None
        self._window: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.entries_logged = 0

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; a process that starts by itself and cannot show anything ends."""
        result = super().on_configure(state)
        if result != TransitionCallbackReturn.SUCCESS and self.parameters["autostart"]:
            rclpy.try_shutdown(context=self.context)
        return result

    def configure(self) -> None:
        """Open the recording and the window, and subscribe."""
        require_rerun()
        # Only here: the library is optional, and takes seconds to import.
        from vlm3r_ros.nodes.rerun_conversion import SceneConverter

        self._recording = self._open_recording()
        scene = SceneConverter(self.parameters["field_of_view"])
        self._log(scene.beginning())
        topics: tuple[tuple[type, str, Any, Callable[[Any], list[Entry]]], ...] = (
            (Image, "vlm3r/frames", RELIABLE, scene.frame),
            (CameraInfo, "vlm3r/camera_info", RELIABLE, scene.camera_info),
            (PoseStamped, "vlm3r/pose", RELIABLE, scene.pose),
            (Path, "vlm3r/path", LATCHED, scene.path),
            (PointCloud2, "vlm3r/points", RELIABLE, scene.points),
            (OccupancyGrid, "vlm3r/occupancy", LATCHED, scene.occupancy),
            (Path, "vlm3r/plan", LATCHED, scene.plan),
            (PoseStamped, "vlm3r/goal_pose", RELIABLE, scene.goal),
            (NavigationHint, "vlm3r/navigation_hint", RELIABLE, scene.hint),
            (SpatialAnswer, "vlm3r/answer", RELIABLE, scene.answer),
        )
        for kind, topic, qos, convert in topics:
            self.subscribe(kind, topic, partial(self._on_message, convert), qos)
        if self.parameters["window"]:
            self._window = self._open_window()
            self.repeat(_WATCH_PERIOD, self._watch_window)

    def release(self) -> None:
        """Close the window, and the file with all that was logged."""
        if self._window is not None:
            self._window.terminate()
            try:
                self._window.wait(_WINDOW_PATIENCE)
            except subprocess.TimeoutExpired:
                self._window.kill()
                self._window.wait()
            self._window = None
        if self._recording is not None:
            self._recording.disconnect()
            self._recording = None
        self.url = ""

    def report(self, diagnostics: Diagnostics) -> None:
        """Where it is to be seen, and how much there is."""
        diagnostics.value("entries logged", self.entries_logged)
        diagnostics.value("record", self.parameters["record"] or "none")
        diagnostics.value("url", self.url or "none")
        diagnostics.value("window", "open" if self._window is not None else "none")

    def _open_recording(self) -> Any:
        import rerun as rr

        from vlm3r_ros.nodes.rerun_conversion import blueprint

        sinks: list[Any] = []
        notes = []
        if record := self.parameters["record"]:
            path = FilePath(record).expanduser().absolute()
            sinks.append(rr.FileSink(path))
            notes.append(f"recording to {path}; `rerun {path}` plays it")
        if self.parameters["window"] or self.parameters["port"]:
            address, port = usable_endpoint(self.parameters["address"], self.parameters["port"])
            sinks.append(rr.GrpcServerSink(address, port, server_memory_limit=_SERVER_MEMORY))
            host = _THIS_MACHINE if address == _ALL_INTERFACES else address
            self.url = f"rerun+http://{host}:{port}/proxy"
            notes.append(f"`rerun --connect {self.url}` opens a window")
        if not sinks:
            raise ParameterError(
                "nothing to show: set parameter 'window', or 'record' to a file, or 'port'"
            )
        recording = rr.RecordingStream(_APPLICATION)
        try:
            recording.set_sinks(*sinks, default_blueprint=blueprint())
        except RuntimeError as error:
            raise ViewerError(
                f"Rerun cannot start: {error}; look at the parameters 'record' and 'address'"
            ) from error
        for note in notes:
            self.get_logger().info(note)
        return recording

    def _on_message(self, convert: Callable[[Any], list[Entry]], message: Any) -> None:
        try:
            self._log(convert(message))
        except ValueError as error:
            self.log_seldom("warning", f"a {type(message).__name__} is not shown: {error}")

    def _log(self, entries: list[Entry]) -> None:
        from vlm3r_ros.nodes.rerun_conversion import TIMELINE

        recording = self._recording
        if recording is None:  # released while the message was being converted
            return
        for entry in entries:
            if entry.nanoseconds is not None:
                stamp = np.datetime64(entry.nanoseconds, "ns")
                recording.set_time(TIMELINE, timestamp=stamp)
            static = entry.nanoseconds is None
            recording.log(str(entry.entity), entry.content, static=static)
        self.entries_logged += len(entries)

    def _open_window(self) -> subprocess.Popen[bytes]:
        # Beside our Python first: a virtual environment need not be activated.
        folders = os.pathsep.join([str(FilePath(sys.executable).parent), os.environ["PATH"]])
        program = shutil.which("rerun", path=folders)
        if program is None:
            raise ViewerError(f"the program `rerun` is missing; {INSTALL} brings it")
        return subprocess.Popen(
            [program, "--connect", self.url, "--hide-welcome-screen"], stdin=subprocess.DEVNULL
        )

    def _watch_window(self) -> None:
        code = None if self._window is None else self._window.poll()
        if code is None:
            return
        self._window = None
        again = f"`rerun --connect {self.url}` opens one again"
        if code == 0:
            self.get_logger().info(f"the Rerun window was closed; {again}")
        else:
            self.get_logger().warning(
                f"the Rerun window ended with exit code {code} (without a display, record to a "
                f"file instead); {again}"
            )


def require_rerun() -> None:
    """Check that the optional library is there.

    Raises:
        ViewerError: it is not.
    """
    if optional_library("rerun") is None:
        raise ViewerError(f"the viewer needs the library rerun-sdk: {INSTALL}")


def usable_endpoint(address: str, port: int) -> tuple[str, int]:
    """Address, in numbers, and port if nothing listens there; for port 0 one that is free.

    Raises:
        ParameterError: it is taken, or the address is none of this machine.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise ParameterError(
                f"cannot listen at {address}:{port}: {error}; set the parameters 'address' and "
                "'port' to others (port 0: any free one)"
            ) from error
        numbers, free = probe.getsockname()
        return str(numbers), int(free)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; 1 where there is nothing that it could show."""
    nodes: list[ViewerNode] = []

    def make() -> ViewerNode:
        nodes.append(ViewerNode())
        return nodes[-1]

    code = run_nodes([make], args)
    return code or int(any(node.failure for node in nodes))


if __name__ == "__main__":
    sys.exit(main())
