"""Real nodes under test, a camera of noise, and somebody who looks from outside."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from vlm3r_ros.commands.demo import DOMAINS
from vlm3r_ros.nodes.image_conversion import rgb_to_image
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.qos import RELIABLE
from vlm3r_ros.srv import SpatialQuery

InvalidHandle, RCLError = rclpy_implementation.InvalidHandle, rclpy_implementation.RCLError

TIMEOUT = 30.0

UNCONFIGURED, INACTIVE, ACTIVE = "unconfigured", "inactive", "active"


def _domains() -> Iterator[int]:
    """DDS domains of this process, one after the other.

    A node that ended is remembered by others for some 20 s, and one of the same name and process
    may be taken for it. So no test follows another on its domain, nor on one of a process beside
    (or of a demo, which takes one of its own).
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return cycle(range(DOMAINS.stop + process, 99, processes))


_DOMAINS = _domains()


def wait_until(condition: Callable[[], bool], timeout: float = TIMEOUT) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


def reports(key: str, value: object) -> Callable[[DiagnosticStatus], bool]:
    """A condition for `Bench.status`: the node reports this value."""
    return lambda status: any((v.key, v.value) == (key, str(value)) for v in status.values)


class Camera:
    """Publishes pictures of noise, no two of them alike, with stamps of its own clock."""

    def __init__(self, node: Node, topic: str = "image", qos: Any = RELIABLE) -> None:
        self.publisher = node.create_publisher(Image, topic, qos)
        self.clock = 1_000.0
        self._random = np.random.default_rng(0)

    def header(self, step: float = 0.1) -> Header:
        self.clock += step
        whole = int(self.clock)
        nanosec = int((self.clock - whole) * 1e9)
        return Header(stamp=Time(sec=whole, nanosec=nanosec), frame_id="camera_optical")

    def picture(self, height: int = 48, width: int = 64) -> np.ndarray:
        return self._random.integers(0, 256, (height, width, 3), dtype=np.uint8)

    def send(self, count: int = 1, pause: float = 0.03, step: float = 0.1) -> Header:
        """Publish good images; returns the header of the last."""
        for _ in range(count):
            header = self.header(step)
            self.publisher.publish(rgb_to_image(self.picture(), header))
            time.sleep(pause)
        return header


class Bench:
    """Real nodes on a DDS domain of their own, and a node that looks at them from outside."""

    def __init__(self) -> None:
        self.domain = next(_DOMAINS)
        self.context, self._outside_context = Context(), Context()
        for context in (self.context, self._outside_context):
            rclpy.init(context=context, domain_id=self.domain)
        self.executor = MultiThreadedExecutor(12, context=self.context)
        self._outside_executor = MultiThreadedExecutor(4, context=self._outside_context)
        # A context of its own is a DDS participant of its own, as another process would be.
        self.outside = Node("outside", context=self._outside_context)
        self._outside_executor.add_node(self.outside)
        # Services are called from the nodes' own participant: nothing has to be discovered first.
        self._caller = Node("caller", context=self.context)
        self.executor.add_node(self._caller)
        self.nodes: list[ManagedNode] = []
        self._clients: dict[str, Any] = {}
        self._statuses: dict[str, Any] = {}
        self.outside.create_subscription(DiagnosticArray, "/diagnostics", self._on_status, RELIABLE)
        self._threads = [
            threading.Thread(target=_spin, args=(executor,))
            for executor in (self.executor, self._outside_executor)
        ]
        for thread in self._threads:
            thread.start()

    def _on_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self._statuses[status.name] = status

    def start(
        self, kind: type[ManagedNode], cli_args: list[str] | None = None, **parameters: Any
    ) -> ManagedNode:
        """A node with parameters; with autostart, as it is by default, wait until it is active."""
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        name = {} if "__init__" in vars(kind) else {"name": kind.__name__.lower()}
        node = kind(context=self.context, parameter_overrides=overrides, cli_args=cli_args, **name)
        self.nodes.append(node)
        self.executor.add_node(node)
        if parameters.get("autostart", True):
            assert wait_until(lambda: node.active or bool(node.failure))
        return node

    def collect(self, kind: type, topic: str, qos: Any = RELIABLE) -> list[Any]:
        """The messages on a topic from now on; waits for its publisher to know of us."""
        messages: list[Any] = []
        name = self.outside.resolve_topic_name(topic)
        before = {node: node.count_subscribers(name) for node in self.nodes}
        self.outside.create_subscription(kind, topic, messages.append, qos)
        if wait_until(lambda: self.outside.count_publishers(name) > 0, 1.0):
            wait_until(lambda: any(n.count_subscribers(name) > before[n] for n in self.nodes), 1.0)
            time.sleep(0.05)
        return messages

    def camera(self, topic: str = "image", qos: Any = RELIABLE, expected: bool = True) -> Camera:
        """A camera; where a listener is `expected`, wait until there is one."""
        camera = Camera(self.outside, topic, qos)
        if expected:
            assert wait_until(lambda: camera.publisher.get_subscription_count() > 0)
            # An image that comes before the other side has discovered the camera is lost.
            name = camera.publisher.topic_name
            assert wait_until(lambda: any(node.count_publishers(name) for node in self.nodes))
            time.sleep(0.05)
        return camera

    def call_async(self, kind: type, name: str, request: Any) -> Any:
        if name not in self._clients:
            self._clients[name] = self._caller.create_client(kind, name)
            assert self._clients[name].wait_for_service(TIMEOUT), f"no service {name}"
        return self._clients[name].call_async(request)

    def call(self, kind: type, name: str, request: Any) -> Any:
        future = self.call_async(kind, name, request)
        assert wait_until(future.done), f"{name} does not answer"
        return future.result()

    def ask(self, question: str = "How many chairs are there?", **fields: Any) -> Any:
        request = SpatialQuery.Request(question=question, **fields)
        return self.call(SpatialQuery, "spatial_query", request)

    def state(self, name: str) -> str:
        return self.call(GetState, f"{name}/get_state", GetState.Request()).current_state.label

    def change(self, name: str, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return self.call(ChangeState, f"{name}/change_state", request).success

    def status(self, name: str, condition: Callable[[DiagnosticStatus], bool]) -> Any:
        """The node's report on /diagnostics, as soon as it fulfils a condition."""
        self._statuses.pop(name, None)
        assert wait_until(lambda: name in self._statuses and condition(self._statuses[name])), (
            f"last status of {name}: {self._statuses.get(name)}"
        )
        return self._statuses[name]

    def close(self) -> None:
        """End as a process does: the context first, then the nodes."""
        executors = (self.executor, self._outside_executor)
        for executor in executors:
            rclpy.try_shutdown(context=executor.context)
        for thread in self._threads:
            thread.join(10.0)
            assert not thread.is_alive()
        for executor in executors:
            executor.shutdown(timeout_sec=5.0)
        for node in (*self.nodes, self._caller, self.outside):
            node.close() if isinstance(node, ManagedNode) else node.destroy_node()


def _spin(executor: MultiThreadedExecutor) -> None:
    while executor.context.ok():
        try:
            executor.spin()
        except InvalidHandle:
            # A transition destroyed what the executor was about to wait on; nodes go on as well.
            continue
        except (ExternalShutdownException, RCLError):
            # RCLError where the shutdown falls between two looks at the context.
            if executor.context.ok():
                raise
