"""A benchmark's question, and a record of its file turned into one."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from vlm3r_ros.benchmarks.tasks import is_choice, parse_task
from vlm3r_ros.location_answer import parse_location
from vlm3r_ros.models.prompts import MAX_OPTIONS, OPTION_LETTERS, video_question
from vlm3r_ros.questions.question import Question
from vlm3r_ros.worlds.skipping import SceneError

_NOTHING = ("", "nan", "none", "null")
_FIELDS = frozenset(
    {
        "id",
        "dataset",
        "scene_name",
        "question_type",
        "video_path",
        "question",
        "options",
        "ground_truth",
        "mc_answer",
        "frame_indices",
    }
)


@dataclass(frozen=True)
class BenchmarkQuestion:
    """A question as it is asked and scored.

    Attributes:
        number: of its record in its file, from 0; files that were put together repeat ids.
        id: as the file has it.
        question: its fields made uniform: `options` those of a choice, none of a number,
            `mc_answer` the letter of the true one, `ground_truth` its words, else a number.
    """

    number: int
    id: int | str
    question: Question

    @property
    def prompt(self) -> str:
        """The user text, as the published evaluation has it: without a sentence about times."""
        return video_question(self.question.question, self.question.options)

    @property
    def truth(self) -> str:
        """What a model that knows would write: the letter of a choice, else the number or words."""
        question = self.question
        if is_choice(question.question_type):
            return question.mc_answer
        return str(question.ground_truth)


def parse_question(number: int, record: Mapping[str, Any]) -> BenchmarkQuestion:
    """A record of VSI-Bench, VSTI-Bench or of our generators.

    Null, NaN and empty text are the same; lists may be arrays or text that holds a list.

    Raises:
        SceneError: names the scene and the field that cannot be used.
    """
    video_path = _text(record, "video_path")
    scene = _text(record, "scene_name") or PurePosixPath(video_path).stem
    name = _text(record, "question_type")
    words = _text(record, "question")
    for field, value in (("scene_name", scene), ("question_type", name), ("question", words)):
        if not value:
            raise SceneError(scene or "no scene", field, f"missing in record {number}")
    try:
        task = parse_task(name)
    except ValueError as error:
        raise SceneError(scene, "question_type", f"'{name}' is no task that is known") from error
    given: Any = record.get("ground_truth")
    options: tuple[str, ...] = ()
    letter = ""
    truth: str | int | float
    if is_choice(task):
        options = tuple(str(option) for option in _list(record.get("options")))
        letter, truth = _true_option(scene, options, _text(record, "mc_answer"), _plain(given))
    elif task.is_numeric:
        truth = _positive_number(scene, _plain(given))
    else:
        truth = _plain(given)
        place = parse_location(truth)
        if place is None or not place.distance:
            raise SceneError(scene, "ground_truth", f"'{truth}' names no place away from here")
    try:
        video_question(words, options)
    except ValueError as error:
        raise SceneError(scene, "question", str(error)) from error
    return BenchmarkQuestion(
        number=number,
        id=_identity(record.get("id"), number),
        question=Question(
            dataset=_text(record, "dataset"),
            scene_name=scene,
            video_path=video_path,
            question_type=task,
            question=words,
            options=options,
            ground_truth=truth,
            mc_answer=letter,
            frame_indices=tuple(_list(record.get("frame_indices"))),
            categories={key: value for key, value in record.items() if key not in _FIELDS},
        ),
    )


def option_words(options: Sequence[str]) -> list[str]:
    """Options without their letters, `A. chair` -> `chair`, where all of them have theirs."""
    labels = [f"{letter}. " for letter in OPTION_LETTERS[: len(options)]]
    if all(option.startswith(label) for option, label in zip(options, labels, strict=True)):
        return [option[len(label) :] for option, label in zip(options, labels, strict=True)]
    return list(options)


def _true_option(
    scene: str, options: Sequence[str], mc_answer: str, ground_truth: str
) -> tuple[str, str]:
    """Letter and words of the true option.

    VSI-Bench holds the letter in `ground_truth`; VSTI-Bench and generators hold it in `mc_answer`,
    and the words in `ground_truth`.
    """
    if not 2 <= len(options) <= MAX_OPTIONS:
        raise SceneError(scene, "options", f"a choice has 2 to {MAX_OPTIONS}, not {len(options)}")
    words = option_words(options)
    letters = OPTION_LETTERS[: len(options)]
    letter = mc_answer.strip(" .").upper() or ground_truth.strip(" .").upper()
    if len(letter) == 1 and letter in letters:
        spelled = mc_answer and len(ground_truth) > 1
        return letter, ground_truth if spelled else words[letters.index(letter)]
    if mc_answer:
        raise SceneError(scene, "mc_answer", f"'{mc_answer}' is none of {', '.join(letters)}")
    if ground_truth not in words:
        raise SceneError(scene, "ground_truth", f"'{ground_truth}' is none of the options")
    return letters[words.index(ground_truth)], ground_truth


def _positive_number(scene: str, text: str) -> int | float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise SceneError(scene, "ground_truth", f"'{text}' is no number above 0")
    return int(text) if text.isdecimal() else value


def _identity(value: Any, number: int) -> int | str:
    if isinstance(value, int):
        return value
    return _plain(value) or number


def _text(record: Mapping[str, Any], field: str) -> str:
    return _plain(record.get(field))


def _plain(value: Any) -> str:
    """A value as text; empty where a file has nothing."""
    text = "" if value is None else str(value)
    return "" if text.strip().lower() in _NOTHING else text


def _list(value: Any) -> list[Any]:
    """A list that a file has as such, as an array, or spelled out; empty where it has none."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str) and value.strip().startswith("["):
        for parse in (json.loads, ast.literal_eval):
            try:
                value = parse(value)
                break
            except (ValueError, SyntaxError):
                continue
    return list(value) if isinstance(value, (list, tuple)) else []
