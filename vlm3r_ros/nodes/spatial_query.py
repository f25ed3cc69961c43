"""The `spatial_query` node: answers questions about what the camera has seen, and leads to things.

Subscribes `vlm3r/frames`, `vlm3r/scene_state` and `vlm3r/points`, matched by stamp; serves
`spatial_query` and `vlm3r/cancel_guidance`; publishes `vlm3r/answer` and what `Guide` says of ways.
Workers: one remembers frames, one takes points into the map, one follows the camera, and one
answers questions in the order they came and, while there are none, lets the language model read
new keyframes.
"""

from __future__ import annotations

import math
import sys
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from vlm3r_ros.assistant.answering import Answer, QuestionLimits
from vlm3r_ros.assistant.assistant import AssistantConfig, SpatialAssistant
from vlm3r_ros.assistant.errors import (
    AnswerTimeoutError,
    AssistantError,
    BadRequestError,
    NoFramesError,
    NotReadyError,
)
from vlm3r_ros.assistant.locator import Locator
from vlm3r_ros.models.prompts import format_options
from vlm3r_ros.msg import NavigationHint, SceneState, SpatialAnswer
from vlm3r_ros.navigation.guidance import GuidanceConfig
from vlm3r_ros.navigation.hint import HintConfig
from vlm3r_ros.navigation.navigator import NavigatorConfig
from vlm3r_ros.navigation.planner import PlannerConfig
from vlm3r_ros.navigation.target import Target, TargetStatus
from vlm3r_ros.navigation.vocabulary import target_name
from vlm3r_ros.nodes.camera_mount import CameraMount, body_in_camera
from vlm3r_ros.nodes.cloud_intake import CloudIntake
from vlm3r_ros.nodes.deferred_service import Reply, create_deferred_service
from vlm3r_ros.nodes.diagnostics import Diagnostics, DurationMonitor, InputMonitor, RateMonitor
from vlm3r_ros.nodes.guide import Guide, GuideConfig
from vlm3r_ros.nodes.image_conversion import ImageError, image_to_rgb
from vlm3r_ros.nodes.loading import LoadedModel, acquire_model
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.message_conversion import (
    MessageError,
    seconds_to_stamp,
    stamp_to_nanoseconds,
)
from vlm3r_ros.nodes.qos import RELIABLE, STATIC_TRANSFORMS
from vlm3r_ros.nodes.query_parameters import PARAMETERS
from vlm3r_ros.nodes.question_queue import Question, QuestionQueue, usable_timeout
from vlm3r_ros.nodes.runtime import run_nodes
from vlm3r_ros.nodes.scene_state import is_announcement, message_to_observation
from vlm3r_ros.nodes.stamp_matcher import StampMatcher
from vlm3r_ros.srv import SpatialQuery

# Scene states overtake their frames by a few at most.
_MAX_WAITING_STATES = 32
_MAX_WAITING_PAIRS = 64
_MAX_STAMPS = 1024
_EXPIRY_PERIOD = 0.1
_WHERE = "Where is the {name}?"

_STATUS_OF_ERROR = {
    BadRequestError: SpatialQuery.Response.BAD_REQUEST,
    NoFramesError: SpatialQuery.Response.NO_FRAMES,
    NotReadyError: SpatialQuery.Response.NOT_READY,
    AnswerTimeoutError: SpatialQuery.Response.TIMEOUT,
}


class SpatialQueryNode(ManagedNode):
    """Remembers the scene and answers questions about it."""

    PARAMETERS = PARAMETERS

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("spatial_query", **kwargs)
        self._loaded: LoadedModel | None = None
        self._assistant: SpatialAssistant | None = None
        self._questions: QuestionQueue | None = None

    @property
    def assistant(self) -> SpatialAssistant:
        """The assistant, while configured.

        Raises:
            NotReadyError: the node is not configured.
        """
        if self._assistant is None:
            raise NotReadyError("the spatial_query node is not configured")
        return self._assistant

    def configure(self) -> None:
        """Load the model; make subscriptions, publisher, service."""
        parameters = self.parameters
        self._loaded = acquire_model(
            parameters["model"],
            parameters["device"],
            parameters["dtype"],
            self.get_logger().warning,
        )
        self._assistant = SpatialAssistant(
            self._loaded.model, self._loaded.processor, self._assistant_config()
        )
        self._matcher: StampMatcher[Image, SceneState] = StampMatcher(
            parameters["match_frames"], _MAX_WAITING_STATES
        )
        # A scene state alone tells of a new session.
        self._pairs: deque[tuple[Image | None, SceneState]] = deque(maxlen=_MAX_WAITING_PAIRS)
        self._questions = QuestionQueue(parameters["max_queue"])
        self._answered = RateMonitor()
        self._answer_time = DurationMonitor()
        self._first_token_time = DurationMonitor()
        self._remembered = RateMonitor()
        self._refused = 0
        self._overrun = 0
        self._resets = 0
        self._stamps: OrderedDict[float, Time] = OrderedDict()
        self._answer_publisher = self.publish_on(SpatialAnswer, "vlm3r/answer", RELIABLE)
        self._guide = Guide(
            self,
            self._assistant,
            GuideConfig(
                map_frame=parameters["map_frame"],
                follow_target=parameters["follow_target"],
                send_goal=parameters["send_goal"],
                marker_lifetime=parameters["marker_lifetime"],
            ),
        )
        self._clouds = CloudIntake(self._assistant)
        self._mount = CameraMount()
        self._is_mounted = not parameters["base_frame"]
        if not self._is_mounted:
            self.subscribe(
                TFMessage, "/tf_static", self._mount.update, STATIC_TRANSFORMS, sent_once=True
            )
        frames = self.subscribe(Image, "vlm3r/frames", self._on_frame, RELIABLE)
        states = self.subscribe(SceneState, "vlm3r/scene_state", self._on_state, RELIABLE)
        self.subscribe(PointCloud2, "vlm3r/points", self._on_cloud, RELIABLE)
        self._frame_input = self._watch(frames, "frame", "frame_buffer")
        self._state_input = self._watch(states, "scene state", "geometry")
        self._services_made.append(
            create_deferred_service(self, SpatialQuery, "spatial_query", self._on_question)
        )
        self._memory_worker = self.work("memory", self._remember_step)
        self._answer_worker = self.work("answers", self._answer_step)
        self._map_worker = self.work("map", self._map_step)
        self._guide_worker = self.work("guide", self._guide_step)
        self.serve(Trigger, "vlm3r/cancel_guidance", self._on_cancel)
        self.repeat(1.0 / parameters["hint_rate"], self._guide_worker.wake)
        self.repeat(_EXPIRY_PERIOD, self._refuse_expired)

    def activate(self) -> None:
        """Forget what waited before a pause."""
        self._pairs.clear()

    def deactivate(self) -> None:
        """Tell those who wait."""
        self._refuse_all("the spatial_query node was deactivated; activate it and ask again")

    def release(self) -> None:
        """Free model and scene."""
        self._refuse_all("the spatial_query node was cleaned up; configure it and ask again")
        self._questions = self._loaded = self._assistant = None

    def report(self, diagnostics: Diagnostics) -> None:
        """Keyframes, questions, times, drops."""
        diagnostics.value("keyframes", self.assistant.num_keyframes)
        diagnostics.value("keyframes not yet read", self.assistant.num_pending_keyframes)
        diagnostics.value("frames remembered", self._remembered.count)
        diagnostics.value("remembered rate (Hz)", self._remembered.rate)
        diagnostics.value("questions answered", self._answered.count)
        diagnostics.value("questions waiting", len(self._questions or ()))
        diagnostics.value("time to first token (s)", self._first_token_time.mean)
        diagnostics.value("answer time (s)", self._answer_time.mean)
        diagnostics.value("resets", self._resets)
        diagnostics.value("points taken into the map", self._clouds.taken)
        diagnostics.value("leading to", self._guide.following or "nothing")
        diagnostics.value("dropped: bad message", self._refused)
        diagnostics.value("dropped: too many waited", self._overrun)
        diagnostics.value("dropped: scene state without its frame", self._matcher.unmatched)
        if self._matcher.unmatched and not self._remembered.count:
            diagnostics.warn(
                "scene states come without their frames: raise match_frames, or lower max_rate "
                "of frame_buffer"
            )

    def _watch(self, subscription: Subscription[Any], name: str, source: str) -> InputMonitor:
        remedies = {"topic": f"start the {source} node in the same namespace"}
        silence = self.parameters["silence"]
        return self.watch(subscription, name, silence, internal=True, remedies=remedies)

    def _assistant_config(self) -> AssistantConfig:
        parameters = self.parameters
        return AssistantConfig(
            max_keyframes=parameters["max_keyframes"],
            keyframes_per_pass=parameters["keyframes_per_pass"],
            max_new_tokens=parameters["max_new_tokens"],
            answer_timeout_s=parameters["answer_timeout"],
            question_limits=QuestionLimits(max_question=parameters["max_question"]),
            tell_times=parameters["tell_times"],
            locator=Locator(parameters["locator"]),
            navigator=NavigatorConfig(
                guidance=GuidanceConfig(
                    HintConfig(
                        PlannerConfig(robot_radius=parameters["robot_radius"]),
                        arrival_distance=parameters["arrival_distance"],
                    )
                ),
                max_pointmaps=2 * parameters["max_keyframes"],
            ),
        )

    # ---- frames

    def _on_frame(self, message: Image) -> None:
        self._frame_input.received.tick()
        stamp = stamp_to_nanoseconds(message.header.stamp)
        self._queue_pair(self._matcher.put_first(stamp, message))

    def _on_state(self, message: SceneState) -> None:
        self._state_input.received.tick()
        if is_announcement(message):
            self._queue_pair((None, message))
            return
        stamp = stamp_to_nanoseconds(message.header.stamp)
        self._queue_pair(self._matcher.put_second(stamp, message))
        self._clouds.put_state(message)

    def _on_cloud(self, message: PointCloud2) -> None:
        self._clouds.put_cloud(message)
        self._map_worker.wake()

    def _queue_pair(self, pair: tuple[Image | None, SceneState] | None) -> None:
        if pair is not None:
            self._overrun += len(self._pairs) == _MAX_WAITING_PAIRS
            self._pairs.append(pair)
            self._memory_worker.wake()

    def _remember_step(self) -> bool:
        try:
            frame, state = self._pairs.popleft()
        except IndexError:
            return False
        if frame is None:
            self._forget(state.session_id)
            return True
        try:
            observation = message_to_observation(state)
            image = np.array(image_to_rgb(frame))
            new_session = self.assistant.session_id not in (None, observation.session_id)
            kept = self.assistant.remember(image, observation)
        except (MessageError, ImageError, BadRequestError) as error:
            self._refused += 1
            self.log_seldom("warning", f"a frame is dropped: {error}", key=type(error).__name__)
            return True
        self._remembered.tick()
        if new_session:
            self._scene_is_gone(observation.session_id)
        if not self._is_mounted:
            self._find_mount(state.header.frame_id)
        if kept:
            self._stamps[observation.stamp] = state.header.stamp
            if len(self._stamps) > _MAX_STAMPS:
                self._stamps.popitem(last=False)
            self._answer_worker.wake()
        return True

    def _forget(self, session_id: str) -> None:
        if self.assistant.session_id == session_id:
            return
        self.assistant.reset()
        self._scene_is_gone(session_id)

    def _scene_is_gone(self, session_id: str) -> None:
        self._resets += 1
        self._guide.forget()
        self.get_logger().info(f"new session {session_id}: the scene is forgotten")

    def _find_mount(self, camera_frame: str) -> None:
        base_frame = self.parameters["base_frame"]
        T_base_camera = self._mount.base_from_camera(base_frame, camera_frame)
        if T_base_camera is not None:
            self.assistant.navigator.guide_body(body_in_camera(T_base_camera))
            self._is_mounted = True
            return
        self.log_seldom(
            "warning",
            f"/tf_static does not link {base_frame} to {camera_frame}: hints are for the camera; "
            "publish the camera's mount, or empty the parameter base_frame",
        )

    # ---- ways

    def _map_step(self) -> bool:
        try:
            return self._clouds.step()
        except MessageError as error:
            self.log_seldom("warning", f"points are dropped: {error}", key="points")
            return True

    def _guide_step(self) -> bool:
        self._guide.step()
        return False  # until it is woken again

    def _on_cancel(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        name = self._guide.cancel() if self.active else ""
        response.success = bool(name)
        response.message = f"guidance to the {name} is cancelled" if name else "no guidance is on"
        return response

    # ---- questions

    def _on_question(self, reply: Reply[Any, Any]) -> None:
        _fill_unknown(reply.response)
        allowed = usable_timeout(reply.request.timeout, self.parameters["answer_timeout"])
        question = Question(reply, allowed or math.inf)
        if allowed is None:
            question.refuse(
                SpatialQuery.Response.BAD_REQUEST,
                f"the timeout is {reply.request.timeout} s; give seconds above 0, or 0 for "
                f"{self.parameters['answer_timeout']} s",
            )
        elif not self.active or self._questions is None:
            question.refuse(
                SpatialQuery.Response.NOT_READY,
                "the spatial_query node is not active; activate it and ask again",
            )
        elif not self._questions.put(question):
            question.refuse(
                SpatialQuery.Response.NOT_READY,
                f"{self.parameters['max_queue']} questions wait already; ask again later",
            )
        else:
            self._answer_worker.wake()

    def _answer_step(self) -> bool:
        question = self._questions.take() if self._questions is not None else None
        if question is not None:
            self._answer(question)
            return True
        # One pass at a time, so that a question that comes meanwhile waits for no more than that.
        return not self.assistant.catch_up(budget_s=0.0)

    def _answer(self, question: Question) -> None:
        request, waited = question.request, question.waited
        if question.remaining <= 0:
            self._refuse_late(question)
            return
        text = request.question
        if request.navigate and request.target.strip() and not text.strip():
            text = _WHERE.format(name=request.target.strip())
        try:
            answer = self.assistant.ask(text, list(request.options), timeout=question.remaining)
            hint = self._find_way(question, text) if request.navigate else None
        except AssistantError as error:
            status = _STATUS_OF_ERROR.get(type(error), SpatialQuery.Response.FAILED)
            message = str(error)
            if isinstance(error, NoFramesError) and self._resets:
                message = f"the session was reset, and since then {message}"
            question.refuse(status, message)
            return
        except Exception as error:
            self.note_error(error)
            question.refuse(
                SpatialQuery.Response.FAILED, f"inside the node: {type(error).__name__}: {error}"
            )
            return
        response = question.reply.response
        response.status = SpatialQuery.Response.OK
        response.answer = self._answer_message(answer, list(request.options), waited)
        if hint is not None:
            response.hint = hint
            response.message = "" if hint.path.poses else f"no way: {hint.status}"
        question.reply.send()
        self._answer_publisher.publish(response.answer)
        self._guide.show_answer(response.answer.answer)
        self._answered.tick()
        self._answer_time.add(answer.total_time)
        self._first_token_time.add(answer.time_to_first_token)

    def _find_way(self, question: Question, text: str) -> NavigationHint:
        """The hint that a request asks for; time that is up makes it unsure, not the answer late.

        Raises:
            AssistantError: the target cannot be used.
        """
        target = question.request.target
        name = target_name(target, text) or ""
        try:
            if question.remaining <= 0:
                raise AnswerTimeoutError("the answer took all the time")
            place = self.assistant.locate(target, text, timeout=question.remaining)
        except AnswerTimeoutError:
            place = Target(name, TargetStatus.UNSURE)
        return self._guide.lead_to(place)

    def _answer_message(
        self, answer: Answer, options: Sequence[str], waited: float
    ) -> SpatialAnswer:
        chosen = answer.option_index
        newest = self._stamps.get(answer.newest_stamp)
        return SpatialAnswer(
            header=Header(
                stamp=self.get_clock().now().to_msg(), frame_id=self.parameters["map_frame"]
            ),
            question=answer.question,
            answer=format_options(options)[chosen] if chosen >= 0 else answer.text,
            option_index=chosen,
            value=float(answer.value),
            unit=answer.unit,
            confidence=float(answer.confidence),
            frames_used=answer.frames_used,
            newest_frame=newest or seconds_to_stamp(answer.newest_stamp),
            time_to_first_token=waited + answer.time_to_first_token,
            total_time=waited + answer.total_time,
        )

    def _refuse_late(self, question: Question) -> None:
        question.refuse(
            SpatialQuery.Response.TIMEOUT,
            f"no answer within {question.timeout:.3g} s: other questions came first; ask again, "
            "or allow more time",
        )

    def _refuse_expired(self) -> None:
        for question in self._questions.take_expired() if self._questions is not None else ():
            self._refuse_late(question)

    def _refuse_all(self, message: str) -> None:
        for question in self._questions.take_all() if self._questions is not None else ():
            question.refuse(SpatialQuery.Response.NOT_READY, message)


def _fill_unknown(response: SpatialQuery.Response) -> None:
    """No answer yet, and nothing is known of the way: no choice, no turn, no numbers."""
    response.answer.option_index = -1
    response.answer.value = math.nan
    response.hint.turn = NavigationHint.UNKNOWN
    response.hint.bearing = response.hint.distance = math.nan


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM."""
    return run_nodes([SpatialQueryNode], args)


if __name__ == "__main__":
    sys.exit(main())
