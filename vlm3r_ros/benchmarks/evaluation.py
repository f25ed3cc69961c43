"""Runs a model or a baseline over questions, video by video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from vlm3r_ros.assistant.errors import AssistantError
from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion
from vlm3r_ros.benchmarks.errors import BenchmarkError
from vlm3r_ros.benchmarks.metrics import clean_prediction
from vlm3r_ros.benchmarks.responders import Responder, Response
from vlm3r_ros.benchmarks.results import Result, ResultsFile
from vlm3r_ros.benchmarks.scoring import score_answer
from vlm3r_ros.benchmarks.tasks import parse_task, task_name
from vlm3r_ros.benchmarks.videos import find_video, video_places
from vlm3r_ros.questions.question import Question, QuestionType, Suite
from vlm3r_ros.recordings import RecordingError
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

_PLACES_SHOWN = 2


def select_tasks(names: Sequence[str]) -> frozenset[QuestionType]:
    """Tasks by name: of the benchmark or of the generators, or of a suite (`vsi`, `vsti`, `live`).

    Raises:
        BenchmarkError: nothing is called so.
    """
    chosen: set[QuestionType] = set()
    for name in names:
        if name in list(Suite):
            chosen.update(task for task in QuestionType if task.suite == name)
            continue
        try:
            chosen.add(parse_task(name))
        except ValueError as error:
            known = ", ".join([*Suite, *map(task_name, QuestionType)])
            raise BenchmarkError(f"no task is called '{name}'; there are {known}") from error
    return frozenset(chosen)


def select_questions(
    questions: Sequence[BenchmarkQuestion],
    *,
    tasks: frozenset[QuestionType] = frozenset(),
    limit: int = 0,
    seed: int = 0,
) -> list[BenchmarkQuestion]:
    """Those of some tasks, at most so many, drawn by the seed; in the order of the file.

    Args:
        questions: of a file.
        tasks: wanted ones; empty for all.
        limit: the most that are taken; 0 for all.
        seed: which are taken where there are more.
    """
    wanted = [item for item in questions if not tasks or item.question.question_type in tasks]
    if not limit or len(wanted) <= limit:
        return wanted
    drawn = np.random.default_rng(seed).choice(len(wanted), limit, replace=False)
    return [wanted[index] for index in sorted(drawn)]


def evaluate(
    questions: Sequence[BenchmarkQuestion],
    responder: Responder,
    results: ResultsFile,
    *,
    videos: Path | None = None,
    skips: SkipLog,
    advance: Callable[[int], None] = lambda count: None,
) -> None:
    """Ask what has not been answered yet, and score it.

    Args:
        questions: all of the run.
        responder: who is asked.
        results: where answers go, and those of an interrupted run come from.
        videos: folder of the videos; needed where the responder needs them.
        skips: where questions that could not be asked are noted, with their scene and why.
        advance: told how many more questions are done with.
    """
    todo = [asked for asked in questions if asked.number not in results]
    advance(len(questions) - len(todo))
    for group in _by_scene(todo):
        open_questions = len(group)
        try:
            video = None
            if responder.needs_video and videos is not None:
                video = _require_video(videos, group[0].question)
            for asked, response in responder.respond(group, video):
                if isinstance(response, SceneError):
                    skips.add(response)
                else:
                    results.append(_result(asked, response))
                open_questions -= 1
                advance(1)
        except (RecordingError, AssistantError) as error:
            left = f"{error}; its questions are left out: {open_questions}"
            skips.add(SceneError(group[0].question.scene_name, "video", left))
            advance(open_questions)


def _by_scene(questions: Sequence[BenchmarkQuestion]) -> list[list[BenchmarkQuestion]]:
    groups: dict[tuple[str, str], list[BenchmarkQuestion]] = {}
    for asked in questions:
        question = asked.question
        groups.setdefault((question.dataset, question.scene_name), []).append(asked)
    return list(groups.values())


def _require_video(folder: Path, question: Question) -> Path:
    video = find_video(folder, question)
    if video is None:
        places = map(str, islice(video_places(folder, question), _PLACES_SHOWN))
        raise RecordingError(f"not found at {' or '.join(places)}, nor elsewhere in {folder}")
    return video


def _result(asked: BenchmarkQuestion, response: Response) -> Result:
    question = asked.question
    return Result(
        number=asked.number,
        id=asked.id,
        dataset=question.dataset,
        scene=question.scene_name,
        type=task_name(question.question_type),
        prompt=asked.prompt,
        text=response.text,
        cleaned=clean_prediction(response.text),
        truth=asked.truth,
        score=score_answer(asked, response.text),
        timings=dict(response.timings),
        confidence=response.confidence,
    )
