"""What a node tells on /diagnostics: rates, ages, drops, step times, and why nothing arrives."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.qos import ReliabilityPolicy

from vlm3r_ros.nodes.qos import RELIABLE, describe_qos, incompatibility
from vlm3r_ros.resources import DDS_PROFILE, DDS_PROFILE_VARIABLE

if TYPE_CHECKING:
    from rclpy.node import Node
    from rclpy.subscription import Subscription

_WINDOW = 100
# Fast DDS's default shared-memory segment; larger best-effort samples are lost without a word.
_SEGMENT_KB = 512


class RateMonitor:
    """Counts events; tells the rate of the last hundred and the age of the newest. Thread safe."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_WINDOW)
        self.count = 0

    def tick(self) -> None:
        """One event, now."""
        self.count += 1
        self._times.append(time.monotonic())

    @property
    def rate(self) -> float:
        """Events per second (Hz), to this moment, so that it falls when they stop."""
        times = list(self._times)
        if len(times) < 2:
            return 0.0
        between = (times[-1] - times[0]) / (len(times) - 1)
        return 1.0 / max(between, time.monotonic() - times[-1], 1e-9)

    @property
    def age(self) -> float | None:
        """Seconds since the newest event; None before the first."""
        return time.monotonic() - self._times[-1] if self._times else None


class DurationMonitor:
    """Mean and longest of the last hundred durations (s)."""

    def __init__(self) -> None:
        self._durations: deque[float] = deque(maxlen=_WINDOW)

    def add(self, seconds: float) -> None:
        """One duration in seconds."""
        self._durations.append(seconds)

    @property
    def mean(self) -> float:
        """Mean in seconds, NaN before the first."""
        durations = list(self._durations)
        return sum(durations) / len(durations) if durations else float("nan")

    @property
    def longest(self) -> float:
        """Longest in seconds, NaN before the first."""
        return max(list(self._durations), default=float("nan"))


class InputMonitor:
    """Watches one subscription and explains its silence.

    Args:
        node: the subscribing node, asked for the topic's publishers.
        subscription: the subscription.
        name: what comes in, for people ("image").
        silence: seconds without a message before it counts as missing.
        internal: whether the topic comes from another node of ours.
        remedies: words on which parameter or remapping to change.
    """

    def __init__(
        self,
        node: Node,
        subscription: Subscription[Any],
        name: str,
        *,
        silence: float = 5.0,
        internal: bool = False,
        remedies: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.internal = internal
        self.topic = subscription.topic_name
        self.received = RateMonitor()
        self._node = node
        self._type = _type_name(subscription.msg_type)
        self._qos = subscription.qos_profile
        self._silence = silence
        self._remedies = remedies or {}
        self._since = time.monotonic()

    def restart(self) -> None:
        """Count the silence from now; call when the node becomes active."""
        self._since = time.monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since the newest message or, before the first, since the start."""
        quiet = time.monotonic() - self._since
        age = self.received.age
        return quiet if age is None else min(quiet, age)

    def problem(self) -> str | None:
        """Why nothing comes, once it has been silent for too long; otherwise None."""
        if self.silent_for < self._silence:
            return None
        head = f"no {self.name} for {self.silent_for:.0f} s on {self.topic}: "
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return head + self._nobody()
        same_type = [each for each in publishers if each.topic_type == self._type]
        if not same_type:
            kinds = ", ".join(sorted({each.topic_type for each in publishers}))
            remedy = self._remedies.get(kinds, "choose a topic of the right type")
            return head + f"its publishers send {kinds}, this node wants {self._type}; {remedy}"
        listing = "; ".join(
            f"{_full_name(each.node_namespace, each.node_name)} ({describe_qos(each.qos_profile)})"
            for each in same_type
        )
        refusals = [incompatibility(each.qos_profile, self._qos) for each in same_type]
        if all(refusals):
            return (
                head + f"publishers: {listing}; requested: {describe_qos(self._qos)}. The QoS does "
                f"not match; {self._remedies.get('qos', 'ask for what is offered')}"
            )
        return head + f"publishers: {listing}. " + self._published_but_lost(same_type)

    def report(self, diagnostics: Diagnostics) -> str | None:
        """Put count, rate, age and problem into a report; returns the problem."""
        age = self.received.age
        diagnostics.value(f"{self.name} topic", self.topic)
        diagnostics.value(f"{self.name} received", self.received.count)
        diagnostics.value(f"{self.name} rate (Hz)", self.received.rate)
        diagnostics.value(f"{self.name} age (s)", "never" if age is None else age)
        problem = self.problem()
        if problem:
            diagnostics.warn(problem)
        return problem

    def _nobody(self) -> str:
        others = sorted(
            name
            for name, types in self._node.get_topic_names_and_types()
            if self._type in types
            and name != self.topic
            and self._node.count_publishers(name)
            and not name.endswith(("/vlm3r/frames", "/vlm3r/depth"))
        )
        remedy = self._remedies.get("topic", "remap it to a topic that is published")
        found = f"; topics of that type: {', '.join(others)}" if others else ""
        return f"nobody publishes it ({self._type}){found}; {remedy}"

    def _published_but_lost(self, publishers: list[Any]) -> str:
        best_effort = any(
            each.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT for each in publishers
        )
        if not (best_effort or self._qos.reliability == ReliabilityPolicy.BEST_EFFORT):
            return "They match, and send nothing: is the source running, or paused?"
        profile = os.environ.get(DDS_PROFILE_VARIABLE) or f"{DDS_PROFILE} of vlm3r_ros"
        return (
            "They match, but nothing arrives. Either the source sends nothing, or its samples are "
            f"larger than Fast DDS's shared-memory segment ({_SEGMENT_KB} KB) and are lost because "
            "they go best effort. Remedy, in the publishing process: "
            f"{DDS_PROFILE_VARIABLE}={profile}; or a reliable publisher and qos:=reliable "
            "here; or compressed images"
        )


class Diagnostics:
    """Publishes one status of a node on /diagnostics, once a second, in every lifecycle state.

    Values are gathered through `report`, a hook that fills the status with what it knows.
    """

    PERIOD = 1.0

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._level = DiagnosticStatus.OK
        self._problems: list[str] = []
        self._values: dict[str, str] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", RELIABLE)
        # Steady time: a paused simulation must not silence the reports.
        self.clock = Clock(clock_type=ClockType.STEADY_TIME)

    def begin(self) -> None:
        """Start a new report."""
        with self._lock:
            self._level = DiagnosticStatus.OK
            self._problems = []
            self._values = {}

    def value(self, key: str, value: object) -> None:
        """A line of the report; floats are rounded for people."""
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        with self._lock:
            self._values[key] = text

    def warn(self, problem: str) -> None:
        """Something is not as it should be."""
        self._raise(DiagnosticStatus.WARN, problem)

    def error(self, problem: str) -> None:
        """Something does not work."""
        self._raise(DiagnosticStatus.ERROR, problem)

    def publish(self, summary: str) -> None:
        """Send the report; `summary` is its message where nothing is wrong."""
        with self._lock:
            name = _full_name(self._node.get_namespace(), self._node.get_name()).lstrip("/")
            status = DiagnosticStatus(
                level=self._level,
                name=name,
                message="; ".join(self._problems) or summary,
                hardware_id="vlm3r_ros",
                values=[KeyValue(key=key, value=value) for key, value in self._values.items()],
            )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _raise(self, level: bytes, problem: str) -> None:
        with self._lock:
            self._level = max(self._level, level)
            self._problems.append(problem)


def _type_name(message_type: type) -> str:
    package = message_type.__module__.split(".")[0]
    return f"{package}/msg/{message_type.__name__}"


def _full_name(namespace: str, name: str) -> str:
    return f"{namespace.rstrip('/')}/{name}"
