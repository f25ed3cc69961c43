"""Models under evaluation: on sampled frames, on a stream, or without seeing anything."""

from __future__ import annotations

import bisect
import math
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from vlm3r_ros.assistant import (
    AssistantConfig,
    BadRequestError,
    Keyframe,
    SpatialAssistant,
    TrackerConfig,
)
from vlm3r_ros.assistant.answering import Answerer
from vlm3r_ros.assistant.scene_prefix import ScenePrefix
from vlm3r_ros.assistant.tracking import GeometryTracker
from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion
from vlm3r_ros.benchmarks.responders import Response, Responses
from vlm3r_ros.benchmarks.videos import (
    NUM_FRAMES,
    Clip,
    count_frames,
    evaluation_indices,
    follow_camera,
    read_clip,
)
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import IMAGE_PLACEHOLDER, chat_prompt
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.questions.question import Suite
from vlm3r_ros.recordings import open_recording
from vlm3r_ros.worlds.skipping import SceneError

MAX_NEW_TOKENS = 16
_FRAMES_PER_PASS = 8
_UNWATCHED = TrackerConfig(points_every=0, seek_floor=False)
"""Nobody looks at points, or at where up is."""
_FRAME_IN_WORDS = re.compile(r"\bframe (\d+)\b")


class OfflineResponder:
    """A model that is shown frames sampled from the whole video, as published.

    The frames are encoded and read once; each question then costs its own words. The answers are
    token for token those of one `generate()` per question.

    A model that can be told where its camera was is told so by visual odometry, which follows
    corners through all frames of the video; the others see what they see in the frames shown.

    Args:
        model: in evaluation mode.
        processor: its processor.
        num_frames: how many frames of a video are shown.
        max_new_tokens: an answer ends here at the latest.
        odometry: whether poses are told.
    """

    needs_video = True

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        *,
        num_frames: int = NUM_FRAMES,
        max_new_tokens: int = MAX_NEW_TOKENS,
        odometry: bool = True,
    ) -> None:
        self._model = model
        self._processor = processor
        self._num_frames = num_frames
        self._max_new_tokens = max_new_tokens
        self._odometry = odometry and model.pose_readout is not None

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Answer what was asked about a moment ("now") from the frames up to then, the rest last.

        What the frames of the video cost is the same either way: each is read once.
        """
        assert video is not None
        started = time.perf_counter()
        clip = read_clip(video, self._processor.resize, self._num_frames)
        keyframes = self._keyframes(clip, video)
        prefix = ScenePrefix(self._model, self._processor, _FRAMES_PER_PASS)
        answerer = Answerer(self._model, self._processor, prefix)
        seconds = time.perf_counter() - started
        for seen, asked in _by_frames_seen(questions, clip.indices):
            started = time.perf_counter()
            while not prefix.advance(keyframes[:seen]):
                pass
            seconds += time.perf_counter() - started
            for question in asked:
                yield question, self._answer(answerer, question, seconds)

    @torch.inference_mode()
    def _keyframes(self, clip: Clip, video: Path) -> tuple[Keyframe, ...]:
        pixels = self._processor.normalize(clip.images).to(self._model.device, self._model.dtype)
        camera_tokens, patch_tokens, _ = self._model.encode_geometry(pixels)
        if self._odometry:
            tracker = GeometryTracker(self._model, self._processor, _UNWATCHED)
            poses = follow_camera(video, self._processor.resize, tracker, clip.indices)
            camera_tokens = self._model.place_cameras(camera_tokens, torch.from_numpy(poses))
        return tuple(
            Keyframe(serial, math.nan, index, image, camera, patches)
            for serial, (index, image, camera, patches) in enumerate(
                zip(
                    clip.indices,
                    clip.images,
                    camera_tokens.split(1),
                    patch_tokens.split(1),
                    strict=True,
                )
            )
        )

    def _answer(
        self, answerer: Answerer, asked: BenchmarkQuestion, video_seconds: float
    ) -> Response | SceneError:
        question = asked.question
        started = time.perf_counter()
        try:
            generation = answerer.generate(
                question.question, question.options, max_new_tokens=self._max_new_tokens
            )
        except BadRequestError as error:
            return SceneError(question.scene_name, "question", str(error))
        text, _, _, confidence = answerer.conclude(question.question, question.options, generation)
        return Response(
            text=text,
            token_ids=tuple(generation.token_ids),
            timings={
                "video": video_seconds,
                "first_token": generation.first_token_time - started,
                "total": time.perf_counter() - started,
            },
            confidence=confidence,
        )


class StreamResponder:
    """The streaming assistant: frames come at their timestamps, each question at its moment.

    A question about the whole video comes at its end, to an assistant that chose its own keyframes.

    A question that speaks of frames comes when the latest of them has just been seen; one about
    "now", at its own frame. "Frame k of N" counts the frames that an offline evaluation would
    show; so for these questions just those become keyframes (the geometry encoder sees all frames),
    and the k-th keyframe is frame k. The words stay as they are, though N are seen only at the end.

    Args:
        model: in evaluation mode.
        processor: its processor.
        num_frames: N, and the most keyframes.
        max_new_tokens: an answer ends here at the latest.
        fps: frames per second that are looked at, beside those that must be; 0 for all.
        odometry: whether poses come from visual odometry, and are told to the model if it can be.
    """

    needs_video = True

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        *,
        num_frames: int = NUM_FRAMES,
        max_new_tokens: int = MAX_NEW_TOKENS,
        fps: float = 0.0,
        odometry: bool = True,
    ) -> None:
        self._model = model
        self._processor = processor
        self._num_frames = num_frames
        self._config = AssistantConfig(
            tracker=replace(_UNWATCHED, visual_odometry=odometry),
            max_keyframes=num_frames,
            max_new_tokens=max_new_tokens,
            answer_timeout_s=math.inf,
        )
        self._fps = fps

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Play the video once for each of the two kinds of questions that are there."""
        assert video is not None
        of_video: list[BenchmarkQuestion] = []
        of_frames: list[BenchmarkQuestion] = []
        for asked in questions:
            whole = asked.question.question_type.suite is Suite.VSI
            (of_video if whole else of_frames).append(asked)
        if of_frames:
            yield from self._play_to_moments(of_frames, video)
        if of_video:
            yield from self._play_to_end(of_video, video)

    def _play_to_end(self, questions: Sequence[BenchmarkQuestion], video: Path) -> Responses:
        assistant = SpatialAssistant(self._model, self._processor, self._config)
        pace = _Pace(self._fps)
        started = time.perf_counter()
        for frame in open_recording(video):
            if pace.is_due(frame.stamp):
                assistant.observe(frame.image, frame.stamp)
                assistant.catch_up()
        seconds = time.perf_counter() - started
        for asked in questions:
            yield asked, self._ask(assistant, asked, seconds)

    def _play_to_moments(self, questions: Sequence[BenchmarkQuestion], video: Path) -> Responses:
        recording = open_recording(video)
        indices = evaluation_indices(count_frames(recording), self._num_frames)
        due = dict(_by_frames_seen(questions, indices, moments=True))
        assistant = SpatialAssistant(self._model, self._processor, self._config)
        pace = _Pace(self._fps)
        seen = 0
        seconds = 0.0
        started = time.perf_counter()
        for index, frame in enumerate(recording):
            is_keyframe = seen < len(indices) and index == indices[seen]
            if not (pace.is_due(frame.stamp) or is_keyframe):
                continue
            small = self._processor.resize(frame.image)
            height, width = frame.image.shape[:2]
            observation = assistant.tracker.step(small, frame.stamp, aspect=width / height)
            if not is_keyframe:
                continue
            seen += 1
            assistant.remember(small, observation)
            assistant.catch_up()
            seconds += time.perf_counter() - started
            for asked in due.get(seen, ()):
                yield asked, self._ask(assistant, asked, seconds)
            started = time.perf_counter()

    def _ask(
        self, assistant: SpatialAssistant, asked: BenchmarkQuestion, video_seconds: float
    ) -> Response | SceneError:
        question = asked.question
        try:
            answer = assistant.ask(question.question, question.options)
        except BadRequestError as error:
            return SceneError(question.scene_name, "question", str(error))
        return Response(
            text=answer.text,
            token_ids=answer.token_ids,
            timings={
                "video": video_seconds,
                "first_token": answer.time_to_first_token,
                "total": answer.total_time,
            },
            confidence=answer.confidence,
        )


class BlindResponder:
    """A model's language model alone: the same prompt without the frames' placeholder.

    Args:
        model: in evaluation mode.
        processor: its processor.
        max_new_tokens: an answer ends here at the latest.
    """

    needs_video = False

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        *,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> None:
        self._model = model
        self._processor = processor
        self._max_new_tokens = max_new_tokens

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Answer from the words of the questions."""
        for asked in questions:
            started = time.perf_counter()
            text = asked.prompt.removeprefix(f"{IMAGE_PLACEHOLDER}\n")
            ids = self._model.generate(
                self._processor.tokenize(chat_prompt(text)).to(self._model.device),
                max_new_tokens=self._max_new_tokens,
                do_sample=False,
            )[0].tolist()
            timings = {"total": time.perf_counter() - started}
            yield asked, Response(self._processor.decode(ids), tuple(ids), timings)


class _Pace:
    """Which frames of a stream are looked at."""

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps if fps else 0.0
        self._next = -math.inf

    def is_due(self, stamp: float) -> bool:
        # Stamps are rounded: a frame that comes a hair early is the one that was meant.
        if stamp < self._next - 1e-3:
            return False
        self._next = max(self._next, stamp) + self._period if self._period else stamp
        return True


def _by_frames_seen(
    questions: Sequence[BenchmarkQuestion], indices: Sequence[int], *, moments: bool = False
) -> list[tuple[int, list[BenchmarkQuestion]]]:
    """Questions by the number of frames that are seen before they are asked, ascending.

    Args:
        questions: about one video.
        indices: numbers of the frames that are shown, from 0.
        moments: ask those that speak of frames when the latest has been seen, not at the end.
    """
    groups: dict[int, list[BenchmarkQuestion]] = {}
    for asked in questions:
        suite = asked.question.question_type.suite
        at_moment = suite is Suite.LIVE or (moments and suite is Suite.VSTI)
        seen = _frames_spoken_of(asked, indices) if at_moment else len(indices)
        groups.setdefault(seen, []).append(asked)
    return sorted(groups.items())


def _frames_spoken_of(asked: BenchmarkQuestion, indices: Sequence[int]) -> int:
    """How many of the frames shown lie at or before the latest that a question speaks of.

    "Frame k" in its words is the k-th shown; without one, its frame ids are numbers in the video;
    without those, it speaks of all.
    """
    named = [int(number) for number in _FRAME_IN_WORDS.findall(asked.question.question)]
    ids = [number for number in asked.question.frame_indices if isinstance(number, int)]
    if named:
        seen = max(named)
    elif ids:
        seen = bisect.bisect_right(indices, max(ids))
    else:
        seen = len(indices)
    return min(max(seen, 1), len(indices))
