"""A short-lived ROS node of a command: calls /spatial_query, listens to topics."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from vlm3r_ros.commands.errors import CommandError
from vlm3r_ros.resources import use_dds_profile
from vlm3r_ros.srv import SpatialQuery

SERVICE = "spatial_query"
DEFAULT_TIMEOUT = 60.0  # s: what the node itself takes where a request gives none
# Longer than the node's own time-out, so that its answer "timeout" still arrives.
_GRACE = 5.0
_DISCOVERY_PAUSE = 0.1  # s

STATUS_NAMES = {
    getattr(SpatialQuery.Response, name): name
    for name in ("OK", "NO_FRAMES", "NOT_READY", "BAD_REQUEST", "TIMEOUT", "FAILED")
}


@dataclass(frozen=True)
class Question:
    """One request to /spatial_query; a `timeout` of 0 s leaves it to the node."""

    text: str
    options: tuple[str, ...] = ()
    navigate: bool = False
    target: str = ""
    timeout: float = 0.0


class QueryClient:
    """Spins a node of its own on a thread, from `with` to the end of its block.

    Args:
        name: node name.
        namespace: that of the assistant.
        domain_id: ROS domain; None takes ROS_DOMAIN_ID.
    """

    def __init__(self, name: str, namespace: str = "", domain_id: int | None = None) -> None:
        self._name = f"{name}_{os.getpid()}"
        self._namespace = namespace
        self._domain_id = domain_id

    def __enter__(self) -> QueryClient:
        use_dds_profile()
        self._context = Context()
        # A context of its own leaves the signals to Python: Ctrl-C works as in any command.
        rclpy.init(context=self._context, domain_id=self._domain_id)
        self.node = Node(self._name, namespace=self._namespace, context=self._context)
        self._clients: dict[str, Client[Any, Any]] = {}
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name=self._name, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A thread that still spins when the interpreter ends would abort the process.
        rclpy.try_shutdown(context=self._context)
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return

    def listen(
        self, message_type: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile
    ) -> None:
        """Subscribe; the callback runs on the client's thread."""
        self.node.create_subscription(message_type, topic, callback, qos)

    def call(self, service_type: type, name: str, request: Any, timeout: float) -> Any | None:
        """The response of a service; None where it is not there or does not answer in time (s)."""
        end = time.monotonic() + timeout
        client: Client[Any, Any] | None = self._clients.get(name)
        is_new = client is None
        if client is None:
            client = self._clients[name] = self.node.create_client(
                service_type, name, callback_group=ReentrantCallbackGroup()
            )
        if not client.wait_for_service(timeout_sec=timeout):
            return None
        if is_new:
            # The server may not know of us yet: a request that comes before it does is lost.
            time.sleep(_DISCOVERY_PAUSE)
        answered = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(max(end - time.monotonic(), 0.0)):
            client.remove_pending_request(future)
            return None
        return future.result()

    def wait_for_assistant(self, timeout: float) -> None:
        """Wait until /spatial_query is there.

        Raises:
            CommandError: it is not, after `timeout` seconds.
        """
        client: Client[Any, Any] = self.node.create_client(SpatialQuery, SERVICE)
        try:
            if client.wait_for_service(timeout_sec=timeout):
                return
            name = client.service_name
        finally:
            self.node.destroy_client(client)
        domain = self._context.get_domain_id()
        raise CommandError(
            f"no service {name} in ROS domain {domain} after {timeout:g} s. Is the assistant "
            "running (`vlm3r assistant`, or the launch file), with the same ROS_DOMAIN_ID and "
            "namespace?"
        )

    def ask(self, question: Question) -> SpatialQuery.Response:
        """Ask, and wait for the answer.

        Raises:
            CommandError: the node went away or does not answer at all.
        """
        request = SpatialQuery.Request(
            question=question.text,
            options=list(question.options),
            navigate=question.navigate,
            target=question.target,
            timeout=question.timeout,
        )
        patience = (question.timeout or DEFAULT_TIMEOUT) + _GRACE
        response = self.call(SpatialQuery, SERVICE, request, patience)
        if response is None:
            raise CommandError(
                f"no response from {SERVICE} within {patience:g} s; did its node end? See its log"
            )
        return response


def answer_record(question: Question, response: SpatialQuery.Response) -> dict[str, Any]:
    """A response as plain values that JSON can hold; absent numbers are None."""
    answer = response.answer
    record: dict[str, Any] = {
        "question": question.text,
        "options": list(question.options),
        "status": STATUS_NAMES.get(response.status, str(response.status)),
        "message": response.message,
    }
    if response.status == SpatialQuery.Response.OK:
        newest = answer.newest_frame
        record |= {
            "answer": answer.answer,
            "option_index": answer.option_index,
            "value": finite(answer.value),
            "unit": answer.unit,
            "confidence": finite(answer.confidence),
            "frames_used": answer.frames_used,
            "newest_frame": newest.sec + newest.nanosec / 1e9,
            "time_to_first_token": finite(answer.time_to_first_token),
            "total_time": finite(answer.total_time),
        }
        if question.navigate:
            hint = response.hint
            record["hint"] = {
                "target": hint.target,
                "status": hint.status,
                "turn": turn_name(hint.turn),
                "bearing": finite(hint.bearing),
                "distance": finite(hint.distance),
                "instruction": hint.instruction,
                "confidence": finite(hint.confidence),
            }
    return record


def finite(value: float, digits: int = 6) -> float | None:
    """The value, rounded; None for NaN and infinity, which JSON does not know."""
    return round(float(value), digits) if abs(value) < float("inf") else None


def turn_name(turn: int) -> str:
    """The name of a NavigationHint's turn."""
    from vlm3r_ros.msg import NavigationHint

    names: Sequence[str] = ("UNKNOWN", "AHEAD", "LEFT", "RIGHT", "BACK", "ARRIVED")
    return next((name for name in names if getattr(NavigationHint, name) == turn), str(turn))
