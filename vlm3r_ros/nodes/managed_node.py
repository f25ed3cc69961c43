"""Lifecycle base class of our nodes."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.exceptions import InvalidHandle
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from vlm3r_ros.nodes.diagnostics import Diagnostics, InputMonitor
from vlm3r_ros.nodes.parameters import AUTOSTART, ParameterSet, ParameterSpec
from vlm3r_ros.nodes.qos import SERVICE
from vlm3r_ros.nodes.worker import Worker

C = TypeVar("C", bound=Callable[..., Any])

# A problem that lasts is logged again after this many seconds.
_REPEAT_LOG = 30.0


class ManagedNode(LifecycleNode):
    """A lifecycle node that survives its input.

    A subclass gives `PARAMETERS` and overrides `configure` (make everything: model, subscriptions,
    publishers, services, workers; raise with a clear message where that is impossible) and, as
    needed, `activate`, `deactivate`, `release` and `report`. What the helpers below make is freed
    in cleanup. With the parameter `autostart` (true) the node configures and activates itself as
    soon as it is spun; a failed configure leaves it unconfigured, alive, and ready to be configured
    again after its parameters were changed.
    """

    PARAMETERS: Sequence[ParameterSpec] = ()

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        # The default group belongs to the lifecycle services (and autostart), so that transitions
        # never overlap and a long one, loading a model, does not hold up messages.
        self.data_group = MutuallyExclusiveCallbackGroup()
        self.active = False
        self.failure = ""
        self._errors = 0
        self._last_error = ""
        self._error_lock = threading.Lock()
        self._logged: dict[str, float] = {}
        self._subscriptions_made: list[Subscription[Any]] = []
        self._services_made: list[Service[Any, Any]] = []
        self._publishers_made: list[Any] = []
        self._timers_made: list[Timer] = []
        self._workers: list[Worker] = []
        self.inputs: list[InputMonitor] = []
        self.parameters = ParameterSet(self, [AUTOSTART, *self.PARAMETERS])
        self.diagnostics = Diagnostics(self)
        self._diagnostics_timer = self.create_timer(
            Diagnostics.PERIOD,
            self.guarded(self._report),
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=self.diagnostics.clock,
        )
        self._autostart_timer: Timer | None = None
        if self.parameters["autostart"]:
            self._autostart_timer = self.create_timer(
                0.0, self._autostart, clock=self.diagnostics.clock
            )

    # ---- for subclasses to override

    def configure(self) -> None:
        """Make everything the node needs; raise with a clear message where that is impossible."""

    def activate(self) -> None:
        """Called before the publishers are enabled and the workers start."""

    def deactivate(self) -> None:
        """Called after the workers have stopped, before the publishers are disabled."""

    def release(self) -> None:
        """Free what `configure` made; also called after a configure that failed half-way."""

    def report(self, diagnostics: Diagnostics) -> None:
        """Add values and problems to the report that is about to be published."""

    # ---- helpers for `configure`

    def subscribe(
        self,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        qos: QoSProfile,
        callback_group: CallbackGroup | None = None,
        *,
        sent_once: bool = False,
    ) -> Subscription[Any]:
        """A subscription whose callback is called only while active and cannot kill the node.

        What is `sent_once`, such as static transforms, is taken in before as well: it comes as soon
        as there is a subscription.
        """

        def while_active(message: Any) -> None:
            if self.active or sent_once:
                callback(message)

        subscription = self.create_subscription(
            message_type,
            topic,
            self.guarded(while_active),
            qos,
            callback_group=callback_group or self.data_group,
        )
        self._subscriptions_made.append(subscription)
        return subscription

    def watch(
        self,
        subscription: Subscription[Any],
        name: str,
        silence: float,
        *,
        internal: bool = False,
        remedies: dict[str, str] | None = None,
    ) -> InputMonitor:
        """Report on /diagnostics, and log, when a subscription stays silent for `silence` s.

        An `internal` topic, of another node of ours, is logged only where nobody publishes it:
        otherwise that node says itself what it lacks.
        """
        monitor = InputMonitor(
            self, subscription, name, silence=silence, internal=internal, remedies=remedies
        )
        self.inputs.append(monitor)
        return monitor

    def publish_on(self, message_type: type, topic: str, qos: QoSProfile) -> Any:
        """A publisher that is silent unless the node is active."""
        publisher: Any = self.create_lifecycle_publisher(message_type, topic, qos)
        self._publishers_made.append(publisher)
        return publisher

    def serve(
        self,
        service_type: type,
        name: str,
        callback: Callable[[Any, Any], Any],
        callback_group: CallbackGroup | None = None,
    ) -> Service[Any, Any]:
        """A service; what its callback raises is logged, and the client gets the bare response."""

        def survive(request: Any, response: Any) -> Any:
            try:
                return callback(request, response)
            except Exception as error:
                self.note_error(error)
                return response

        service = self.create_service(
            service_type,
            name,
            survive,
            qos_profile=SERVICE,
            callback_group=callback_group or self.data_group,
        )
        self._services_made.append(service)
        return service

    def repeat(
        self,
        period: float,
        callback: Callable[[], None],
        callback_group: CallbackGroup | None = None,
    ) -> Timer:
        """A timer (s, wall time) that ticks only while active."""

        def while_active() -> None:
            if self.active:
                callback()

        timer = self.create_timer(
            period,
            self.guarded(while_active),
            callback_group=callback_group or self.data_group,
            clock=self.diagnostics.clock,
        )
        self._timers_made.append(timer)
        return timer

    def work(self, name: str, step: Callable[[], bool]) -> Worker:
        """A worker thread that runs while the node is active."""
        worker = Worker(f"{self.get_name()}.{name}", step, self.note_error)
        self._workers.append(worker)
        return worker

    # ---- errors

    def guarded(self, callback: C) -> C:
        """The same callback, but what it raises is logged and counted, and never leaves it."""

        def call(*args: Any) -> Any:
            try:
                return callback(*args)
            except InvalidHandle:
                # Something was destroyed by a cleanup while this callback ran.
                return None
            except Exception as error:
                self.note_error(error)
                return None

        return call  # type: ignore[return-value]

    def note_error(self, error: Exception) -> None:
        """Log and count an unexpected error; the first of a kind comes with its traceback."""
        if not self.context.ok():
            return
        kind = f"{type(error).__name__}: {error}"
        with self._error_lock:
            self._errors += 1
            self._last_error = kind
        if self.log_seldom("error", kind):
            self.get_logger().debug("".join(traceback.format_exception(error)))

    def log_seldom(self, severity: str, text: str, key: str | None = None) -> bool:
        """Log at most once in 30 s for a key (the text itself where none is given)."""
        key = key or text
        now = time.monotonic()
        with self._error_lock:
            if now - self._logged.get(key, -_REPEAT_LOG) < _REPEAT_LOG:
                return False
            if len(self._logged) > 1000:
                self._logged.clear()
            self._logged[key] = now
        getattr(self.get_logger(), severity)(text)
        return True

    # ---- lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make everything; a failure is told and leaves the node unconfigured."""
        try:
            self.configure()
            self.failure = ""
            return super().on_configure(state)
        except Exception as error:
            result = self._transition_failed("configure", error)
            self.guarded(self._release_all)()
            return result

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable publishers, start workers."""
        try:
            self.activate()
            result = super().on_activate(state)
        except Exception as error:
            return self._transition_failed("activate", error)
        self.failure = ""
        for monitor in self.inputs:
            monitor.restart()
        self.active = True
        for worker in self._workers:
            worker.start()
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop workers, disable publishers."""
        try:
            self._pause()
            self.deactivate()
            return super().on_deactivate(state)
        except Exception as error:
            return self._transition_failed("deactivate", error)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything that configure made."""
        try:
            self._release_all()
        except Exception as error:
            return self._transition_failed("cleanup", error)
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from any state."""
        self._pause()
        return self.on_cleanup(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Back to unconfigured, with everything freed."""
        self._pause()
        return self.on_cleanup(state)

    def close(self) -> None:
        """Stop the workers, free everything and destroy the node; for the end of the process."""
        self._pause()
        self.guarded(self._release_all)()
        self.destroy_node()

    def _autostart(self) -> None:
        if self._autostart_timer is not None:
            self._autostart_timer.cancel()
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _transition_failed(self, transition: str, error: Exception) -> TransitionCallbackReturn:
        self.failure = f"{transition} failed: {error}"
        self.get_logger().error(self.failure)
        self.get_logger().debug("".join(traceback.format_exception(error)))
        return TransitionCallbackReturn.FAILURE

    def _pause(self) -> None:
        self.active = False
        for worker in self._workers:
            if not worker.stop():
                self.get_logger().error("a worker thread does not end; it is left behind")

    def _release_all(self) -> None:
        self._pause()
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        for service in self._services_made:
            self.destroy_service(service)
        for timer in self._timers_made:
            self.destroy_timer(timer)
        for publisher in self._publishers_made:
            self.destroy_lifecycle_publisher(publisher)
        self._subscriptions_made, self._services_made, self._timers_made = [], [], []
        self._publishers_made, self._workers, self.inputs = [], [], []
        self.release()

    # ---- diagnostics

    def _report(self) -> None:
        diagnostics = self.diagnostics
        diagnostics.begin()
        state = str(self._state_machine.current_state[1])
        diagnostics.value("state", state)
        diagnostics.value("errors", self._errors)
        if self._last_error:
            diagnostics.value("last error", self._last_error)
        if self.failure:
            diagnostics.error(self.failure)
        elif self.active:
            for monitor in list(self.inputs):
                problem = monitor.report(diagnostics)
                if problem and not (monitor.internal and self.count_publishers(monitor.topic)):
                    self.log_seldom("warning", problem, key=monitor.topic)
            self.report(diagnostics)
        diagnostics.publish(state)
