"""What looks at nothing: guessing, the most frequent answer, the truth itself."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion
from vlm3r_ros.benchmarks.metrics import bearing_accuracy, mean_relative_accuracy
from vlm3r_ros.benchmarks.responders import Response, Responses
from vlm3r_ros.benchmarks.scoring import true_place
from vlm3r_ros.benchmarks.tasks import task_name
from vlm3r_ros.location_answer import ANGLE_STEP, format_location
from vlm3r_ros.models.prompts import OPTION_LETTERS
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.worlds.skipping import SceneError


@dataclass(frozen=True)
class GuessRange:
    """Numbers that `chance` draws from, each as likely as the others.

    Attributes:
        low, high: smallest and largest, in the unit of the question.
        decimals: of the numbers; true answers have as many.
    """

    low: float
    high: float
    decimals: int

    def values(self) -> NDArray[np.float64]:
        """All of them."""
        first, last, scale = self._steps()
        return np.arange(first, last + 1) / scale

    def draw(self, rng: np.random.Generator) -> float:
        """One of them."""
        first, last, scale = self._steps()
        return float(rng.integers(first, last + 1)) / scale

    def _steps(self) -> tuple[int, int, int]:
        scale = 10**self.decimals
        return round(self.low * scale), round(self.high * scale), scale


GUESS_RANGES: Mapping[QuestionType, GuessRange] = {
    QuestionType.OBJECT_COUNTING: GuessRange(1, 10, 0),
    QuestionType.OBJECT_ABS_DISTANCE: GuessRange(0.2, 10, 1),
    QuestionType.OBJECT_SIZE_ESTIMATION: GuessRange(10, 300, 0),
    QuestionType.ROOM_SIZE_ESTIMATION: GuessRange(5, 100, 1),
    QuestionType.CAMERA_OBJ_ABS_DIST: GuessRange(0.2, 10, 1),
    QuestionType.CAMERA_DISPLACEMENT: GuessRange(0.2, 10, 1),
}


GUESSED_DISTANCES = GuessRange(0.2, 10, 1)
GUESSED_BEARINGS: NDArray[np.float64] = np.arange(-180.0 + ANGLE_STEP, 181.0, ANGLE_STEP)
"""Of `object_location`: metres, and degrees all around."""


class ChanceResponder:
    """Guesses evenly: a letter, a number of `GUESS_RANGES`, or a place anywhere around.

    Args:
        seed: the same one gives each question the same guess, in whatever company it is asked.
    """

    needs_video = False

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Draw an answer to each."""
        for asked in questions:
            rng = np.random.default_rng([self._seed, asked.number])
            yield asked, Response(self._guess(asked, rng))

    def _guess(self, asked: BenchmarkQuestion, rng: np.random.Generator) -> str:
        question = asked.question
        if question.question_type in GUESS_RANGES:
            numbers = GUESS_RANGES[question.question_type]
            return f"{numbers.draw(rng):.{numbers.decimals}f}"
        if question.options:
            return OPTION_LETTERS[rng.integers(len(question.options))]
        bearing = math.radians(rng.choice(GUESSED_BEARINGS))
        return format_location(bearing, GUESSED_DISTANCES.draw(rng))


class FrequencyResponder:
    """Gives every question of a task the answer that was true most often in training.

    Of a choice that is a letter, as VSI-Bench has it, not the words behind it. Of answers that were
    true equally often it takes the first in the order of the alphabet.

    Args:
        training: questions with their true answers.
    """

    needs_video = False

    def __init__(self, training: Iterable[BenchmarkQuestion]) -> None:
        counts: dict[QuestionType, Counter[str]] = defaultdict(Counter)
        for asked in training:
            counts[asked.question.question_type][asked.truth] += 1
        self._answers = {
            task: min(counter, key=lambda answer: (-counter[answer], answer))
            for task, counter in counts.items()
        }

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Give each its task's answer; an error where training had none of the task."""
        for asked in questions:
            task = asked.question.question_type
            if task in self._answers:
                yield asked, Response(self._answers[task])
            else:
                problem = f"--train-questions has none of {task_name(task)}"
                yield asked, SceneError(asked.question.scene_name, "question_type", problem)


def expected_chance(asked: BenchmarkQuestion) -> float:
    """Score that `chance` gets for a question on average, in [0, 1]."""
    question = asked.question
    task = question.question_type
    if task in GUESS_RANGES:
        numbers = GUESS_RANGES[task].values()
        return float(mean_relative_accuracy(numbers, float(question.ground_truth)).mean())
    if question.options:
        return 1 / len(question.options)
    bearing, distance = true_place(asked)
    distances = mean_relative_accuracy(GUESSED_DISTANCES.values(), distance)
    return float(distances.mean() + bearing_accuracy(GUESSED_BEARINGS, bearing).mean()) / 2
