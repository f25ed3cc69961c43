"""A service whose answers are sent later, from another thread, in whatever time they take.

rclpy sends the response as soon as the callback returns. A callback that waits for a worker holds a
thread of the executor for each request that waits, and a coroutine is polled at full speed. Here
the callback returns at once; requests arrive in order, none blocks a thread, and the worker sends
each response when it has it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.service import Service

from vlm3r_ros.nodes.qos import SERVICE

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class Reply(Generic[RequestT, ResponseT]):
    """One request that waits for its response.

    Attributes:
        request: the request message.
        response: an empty response message, to be filled.
    """

    def __init__(self, request: RequestT, response: ResponseT) -> None:
        self.request = request
        self.response = response
        self._deliver: Callable[[ResponseT], None] | None = None
        self._lock = threading.Lock()

    def send(self) -> bool:
        """Send the response to the client, once; False where it was sent or cannot be any more."""
        with self._lock:
            deliver, self._deliver = self._deliver, None
        if deliver is None:
            return False
        try:
            deliver(self.response)
        except RuntimeError:
            # The service was destroyed, or the context shut down, before there was an answer.
            return False
        return True

    def bind(self, deliver: Callable[[ResponseT], None]) -> None:
        """Told by the service how the response travels."""
        self._deliver = deliver


def create_deferred_service(
    node: Node, service_type: type, name: str, on_request: Callable[[Reply[Any, Any]], None]
) -> Service[Any, Any]:
    """A service that hands each request over as a `Reply`.

    Args:
        node: the node that serves.
        service_type: the service's type.
        name: the service's name.
        on_request: called for each request, in the order of arrival; must return quickly and see to
            it that `send` is called some time. It must not raise.

    Returns:
        The service, to be destroyed as any other.
    """
    service: Service[Any, Any] = node.create_service(
        service_type,
        name,
        Reply,
        qos_profile=SERVICE,
        # One request is handed over before the next is taken: that keeps their order.
        callback_group=MutuallyExclusiveCallbackGroup(),
    )
    send_now = service.send_response

    def hand_over(reply: Reply[Any, Any], header: Any) -> None:
        reply.bind(lambda response: send_now(response, header))
        on_request(reply)

    # The executor passes what the callback returned, our Reply, on to send_response.
    service.send_response = hand_over  # type: ignore[method-assign, assignment]
    return service
