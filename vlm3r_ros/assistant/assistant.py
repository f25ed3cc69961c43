"""The assistant: frames go in as they come, questions are answered at any moment."""

import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlm3r_ros.assistant.answering import Answer, Answerer, QuestionLimits, check_request
from vlm3r_ros.assistant.errors import AnswerTimeoutError, BadRequestError, NoFramesError
from vlm3r_ros.assistant.fair_lock import FairLock
from vlm3r_ros.assistant.frame_buffer import Frame, FrameBuffer, FrameBufferConfig, FrameVerdict
from vlm3r_ros.assistant.locating import asked_locator, attended_keyframes
from vlm3r_ros.assistant.locator import Locator
from vlm3r_ros.assistant.scene_memory import Keyframe, SceneMemory
from vlm3r_ros.assistant.scene_prefix import ScenePrefix
from vlm3r_ros.assistant.tracking import GeometryTracker, SceneObservation, TrackerConfig
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import time_instruction
from vlm3r_ros.models.registry import load_model
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.navigation.asked import LOCATION_QUESTIONS
from vlm3r_ros.navigation.attended import AttendedKeyframe, AttendedLocator
from vlm3r_ros.navigation.hint import NavigationHint
from vlm3r_ros.navigation.navigator import Navigator, NavigatorConfig
from vlm3r_ros.navigation.target import Target, TargetLocator, TargetStatus
from vlm3r_ros.navigation.vocabulary import target_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AssistantConfig:
    """Settings of the assistant.

    Attributes:
        frame_buffer: Which frames are worth a look.
        tracker: What is computed of each frame, and how the map is set up.
        max_keyframes: Frames by which a scene is remembered.
        keyframes_per_pass: Keyframes read by the language model at a time.
        max_new_tokens: Length of an answer in tokens, unless a question says otherwise.
        answer_timeout_s: Time for an answer, unless a question says otherwise.
        question_limits: Longest question and option.
        tell_times: Tell the model when its keyframes were taken, as in training; the published
            evaluation does not.
        locator: How places of things are found, unless a request says otherwise.
        navigator: What the map of the floor takes in, and how hints are made.
    """

    frame_buffer: FrameBufferConfig = field(default_factory=FrameBufferConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    max_keyframes: int = 32
    keyframes_per_pass: int = 4
    max_new_tokens: int = 16
    answer_timeout_s: float = 60.0
    question_limits: QuestionLimits = field(default_factory=QuestionLimits)
    tell_times: bool = False
    locator: Locator = Locator.ASKED
    navigator: NavigatorConfig = field(default_factory=NavigatorConfig)


class SpatialAssistant:
    """Watches a camera stream and answers questions about the scene, mid-stream.

    Every frame costs one step of the geometry encoder, every keyframe one pass of vision tower,
    fusion and language model, every question its own words only. Nothing grows with the length of
    the stream. Safe to use from several threads; watching and answering do not wait for each
    other, and questions are answered in the order they came.

    Example:
        >>> assistant = SpatialAssistant.from_pretrained("nano")
        >>> for image, stamp in camera:
        ...     assistant.observe(image, stamp)
        >>> assistant.ask("How many chairs are in this room?").text
        >>> assistant.guide("sofa").instruction
    """

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        config: AssistantConfig | None = None,
    ) -> None:
        self.config = config or AssistantConfig()
        self.model = model.eval()
        self.processor = processor
        self.frame_buffer = FrameBuffer(self.config.frame_buffer)
        self.tracker = GeometryTracker(model, processor, self.config.tracker)
        self.memory = SceneMemory(self.config.max_keyframes)
        self.navigator = Navigator(self.config.navigator)
        self._prefix = ScenePrefix(model, processor, self.config.keyframes_per_pass)
        self._answerer = Answerer(model, processor, self._prefix)
        self._session_id: str | None = None  # of the scene remembered
        self._past_session_id: str | None = None
        # Held in this order where two are needed: geometry, then scene. Language is held alone.
        self._geometry_lock = threading.Lock()  # tracker
        self._scene_lock = threading.Lock()  # session of the memory
        self._language_lock = FairLock()  # prefix and answers

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = "nano",
        device: str = "auto",
        dtype: str | torch.dtype = "auto",
        **config: Any,
    ) -> "SpatialAssistant":
        """Loads a model by name or from a folder.

        Args:
            name_or_path: A named size, a folder, or a hub name.
            device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
            dtype: `auto` or a floating-point type.
            **config: Fields of `AssistantConfig`.
        """
        model, processor = load_model(name_or_path, device=device, dtype=dtype)
        return cls(model, processor, AssistantConfig(**config))

    @property
    def num_keyframes(self) -> int:
        """Keyframes held."""
        return len(self.memory)

    @property
    def num_pending_keyframes(self) -> int:
        """Keyframes that the language model has not read yet."""
        return self._prefix.pending(self.memory.keyframes)

    @property
    def session_id(self) -> str | None:
        """Session of the scene remembered; None before the first frame and after a reset."""
        return self._session_id

    def observe(self, image: NDArray[np.uint8], stamp: float) -> SceneObservation | None:
        """Takes in a camera frame: one recurrent step, and a keyframe if it is one.

        Args:
            image: uint8 `[H, W, 3]`, RGB, of any size.
            stamp: Time of acquisition in seconds. A jump back starts a new session.

        Returns:
            What the frame told; None if it was not worth a step, could not be used, or a newer
            one from another thread went first (`frame_buffer.counts` tells which).

        Raises:
            TrackingError: The geometry encoder gives nothing finite.
        """
        verdict = self.frame_buffer.offer(Frame(image, stamp))
        if verdict in (FrameVerdict.INVALID_IMAGE, FrameVerdict.INVALID_STAMP):
            logger.warning("Frame dropped: %s.", self.frame_buffer.last_problem)
        if verdict not in (FrameVerdict.ACCEPTED, FrameVerdict.TIME_JUMP_BACK):
            return None
        with self._geometry_lock:
            if verdict is FrameVerdict.TIME_JUMP_BACK:
                logger.info("Time jumped back to %s s; starting a new session.", stamp)
                self.tracker.reset()
            frame = self.frame_buffer.take_newest()
            if frame is None:
                return None
            small = self.processor.resize(frame.image)
            height, width = frame.image.shape[:2]
            observation = self.tracker.step(small, frame.stamp, aspect=width / height)
            self.remember(small, observation)
        return observation

    def remember(self, image: NDArray[np.uint8], observation: SceneObservation) -> bool:
        """Offers a frame whose geometry is known to the scene memory; `observe` does so itself.

        An observation of another session forgets the scene; one of the session before is dropped.

        Args:
            image: uint8 `[H, W, 3]`, RGB.
            observation: Of this image.

        Returns:
            Whether the frame became a keyframe.

        Raises:
            BadRequestError: The tokens do not suit the model, or the image is no image.
        """
        self._check_tokens(observation)
        try:
            small = self.processor.resize(image)
        except (ValueError, AttributeError) as error:
            raise BadRequestError(f"the frame cannot be remembered: {error}") from error
        if small is image:
            small = image.copy()  # the caller's buffer may be the camera's, soon overwritten
        with self._scene_lock:
            if observation.session_id == self._past_session_id:
                return False
            if observation.session_id != self._session_id:
                self._past_session_id = self._session_id
                self._session_id = observation.session_id
                self.memory.clear()
            kept = self.memory.offer(
                small,
                observation.stamp,
                observation.frame_index,
                observation.camera_token,
                observation.patch_tokens,
                observation.T_map_camera,
            )
            self.navigator.observe(
                observation.session_id,
                observation.stamp,
                observation.T_map_camera,
                observation.points,
                observation.point_confidence,
            )
            if kept:
                self.navigator.keep_only({keyframe.stamp for keyframe in self.memory.keyframes})
            return kept

    def catch_up(self, budget_s: float | None = None) -> bool:
        """Lets the language model read keyframes that came since; for idle time.

        A question that comes meanwhile is served after the pass in progress.

        Args:
            budget_s: Begin no further pass after this many seconds; None works until nothing is
                left.

        Returns:
            Whether nothing is left to do.
        """
        deadline = math.inf if budget_s is None else time.perf_counter() + budget_s
        while True:
            with self._language_lock.hold():
                done = self._prefix.advance(self.memory.keyframes)
            if done or time.perf_counter() >= deadline:
                return done

    def ask(
        self,
        question: str,
        options: Sequence[str] = (),
        *,
        max_new_tokens: int | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Answers a question about the scene as it is remembered now.

        Keyframes count from 1: "frame 3 of 8" is the third of eight held. A reset meanwhile does
        not
        disturb: the answer then is about the scene before it.

        Args:
            question: In plain language.
            options: Answers to choose from, 2 to 26.
            max_new_tokens: Length of the answer; default as configured.
            timeout: Seconds for everything, waiting for other questions included; default as
                configured.

        Raises:
            BadRequestError: Question, options or limits cannot be used.
            NoFramesError: No frame was seen yet.
            AnswerTimeoutError: The time was up; the assistant stays usable.
        """
        started = time.perf_counter()
        check_request(question, options, self.config.question_limits)
        options = list(options)
        max_new_tokens = self.config.max_new_tokens if max_new_tokens is None else max_new_tokens
        if max_new_tokens < 1:
            raise BadRequestError(f"max_new_tokens is {max_new_tokens}; allow at least 1")
        timeout = self._allowed(timeout)
        deadline = started + timeout
        with self._reading(timeout) as keyframes:
            turn = time.perf_counter()
            self._read_scene(keyframes, deadline)
            read = time.perf_counter()
            generation = self._answerer.generate(
                question,
                options,
                max_new_tokens=max_new_tokens,
                deadline=deadline,
                time_instruction=_times(keyframes) if self.config.tell_times else None,
            )
        text, index, quantity, confidence = self._answerer.conclude(question, options, generation)
        ended = time.perf_counter()
        first = generation.first_token_time
        return Answer(
            text=text,
            question=question,
            option_index=index,
            value=quantity.value,
            unit=quantity.unit,
            confidence=confidence,
            frames_used=len(keyframes),
            newest_stamp=keyframes[-1].stamp,
            time_to_first_token=first - started,
            total_time=ended - started,
            timings={
                "waiting": turn - started,
                "catching_up": read - turn,
                "reading": first - read,
                "writing": ended - first,
            },
            token_ids=tuple(generation.token_ids),
        )

    def locate(
        self,
        target: str = "",
        question: str = "",
        *,
        locator: Locator | str | None = None,
        timeout: float | None = None,
    ) -> Target:
        """Where a thing is in the map.

        Args:
            target: The thing; "" takes what the question names.
            question: A request in plain language, such as "Take me to the sofa".
            locator: How the place is found; default as configured.
            timeout: Seconds for everything; default as configured.

        Returns:
            The nearest such thing; its status tells where there is no place, and why.

        Raises:
            AnswerTimeoutError: The time was up.
            BadRequestError: The name or the timeout cannot be used.
        """
        deadline = time.perf_counter() + self._allowed(timeout)
        name = target_name(target, question)
        if name is None:
            return Target("", TargetStatus.NOT_NAMED)
        keyframes = self.memory.keyframes
        here = keyframes[-1].T_map_camera if keyframes else None
        if here is None:
            return Target(name, TargetStatus.NO_FRAMES)
        finder: TargetLocator = AttendedLocator(lambda name: self._attend(name, deadline))
        if Locator(locator or self.config.locator) is Locator.ASKED:
            finder = asked_locator(lambda text, left: self.ask(text, timeout=left), deadline)
        try:
            return finder.locate(name, here)
        except NoFramesError:  # a reset came between
            return Target(name, TargetStatus.NO_FRAMES)

    def guide(
        self,
        target: str = "",
        question: str = "",
        *,
        locator: Locator | str | None = None,
        timeout: float | None = None,
    ) -> NavigationHint:
        """The way to a thing from where the camera is now; arguments and errors as `locate`.

        To go on while the camera moves, see `Navigator.follow` and `Navigator.lead`.
        """
        place = self.locate(target, question, locator=locator, timeout=timeout)
        return self.navigator.hint(place)

    def attention_to(
        self, name: str, heads: Sequence[tuple[int, int]], timeout: float
    ) -> tuple[NDArray[np.float32], tuple[Keyframe, ...]]:
        """Where the language model looks when it is asked for a thing.

        Args:
            name: Of the thing.
            heads: Layer and head of each attention head that is asked for.
            timeout: Seconds for everything.

        Returns:
            Each head's weight of each patch `[H, K, rows, columns]`, and the K keyframes.

        Raises:
            NoFramesError: No frame was seen yet.
            AnswerTimeoutError: The time was up.
        """
        deadline = time.perf_counter() + timeout
        with self._reading(timeout) as keyframes:
            self._read_scene(keyframes, deadline)
            question = LOCATION_QUESTIONS[0].format(name=name)
            weights = self._answerer.attend(question, name, heads)
        return weights.numpy(), keyframes

    def reset(self) -> str:
        """Forgets scene and map; returns the new session's name.

        An answer in progress is finished.
        """
        with self._geometry_lock:
            session_id = self.tracker.reset()
            self.frame_buffer.clear()
            with self._scene_lock:
                self._session_id = self._past_session_id = None
                self.memory.clear()
                self.navigator.clear()
        return session_id

    def _allowed(self, timeout: float | None) -> float:
        """Seconds for a request: those that it gives, else those that are configured."""
        timeout = self.config.answer_timeout_s if timeout is None else timeout
        if not timeout > 0:
            raise BadRequestError(f"the timeout is {timeout} s; allow more than 0 s")
        return timeout

    @contextmanager
    def _reading(self, timeout: float) -> Iterator[tuple[Keyframe, ...]]:
        """The keyframes, and the language model for them alone until the block ends."""
        if not self._language_lock.acquire(timeout if math.isfinite(timeout) else None):
            raise AnswerTimeoutError(f"other questions took all of the {timeout} s; ask again")
        try:
            keyframes = self.memory.keyframes
            if not keyframes:
                raise NoFramesError(
                    "no frame was seen yet; start the camera, or wait for its first image"
                )
            yield keyframes
        finally:
            self._language_lock.release()

    def _attend(self, name: str, deadline: float) -> list[AttendedKeyframe]:
        heads = self.model.config.heads_that_localize()
        weights, keyframes = self.attention_to(name, heads, deadline - time.perf_counter())
        return attended_keyframes(weights.mean(0), keyframes, self.navigator.pointmaps)

    def _read_scene(self, keyframes: tuple[Keyframe, ...], deadline: float) -> None:
        """Finishes reading the keyframes, or raises AnswerTimeoutError between two passes."""
        while not self._prefix.advance(keyframes):
            if time.perf_counter() > deadline:
                raise AnswerTimeoutError(
                    f"the time was up with {self._prefix.pending(keyframes)} of {len(keyframes)} "
                    "keyframes unread; call catch_up() between frames, or allow more time"
                )

    def _check_tokens(self, observation: SceneObservation) -> None:
        dim = self.model.config.geometry_config.decoder_dim
        camera, patches = observation.camera_token, observation.patch_tokens
        rows, columns = observation.grid
        if camera.shape != (1, 1, dim) or patches.shape != (1, rows * columns, dim):
            raise BadRequestError(
                f"the geometry tokens have shapes {list(camera.shape)} and {list(patches.shape)}; "
                f"this model needs [1, 1, {dim}] and, for a grid of {rows}x{columns}, "
                f"[1, {rows * columns}, {dim}]: use the same model in both places"
            )


def _times(keyframes: tuple[Keyframe, ...]) -> str:
    """When the keyframes were taken, counted from the first, in the words of training."""
    times = [keyframe.stamp - keyframes[0].stamp for keyframe in keyframes]
    return time_instruction(times[-1], times)
