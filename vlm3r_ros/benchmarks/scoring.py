"""The score of an answer to a benchmark's question."""

from __future__ import annotations

import math

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion
from vlm3r_ros.benchmarks.metrics import (
    bearing_accuracy,
    choice_score,
    clean_prediction,
    mean_relative_accuracy,
    number_score,
)
from vlm3r_ros.benchmarks.tasks import is_choice
from vlm3r_ros.location_answer import parse_location
from vlm3r_ros.models.prompts import OPTION_LETTERS


def score_answer(asked: BenchmarkQuestion, text: str) -> float:
    """Score of an answer, in [0, 1].

    Choices and numbers are scored as published. `object_location`, which no published benchmark
    has, gets the mean of two: mean relative accuracy of the distance, and the share of 5, 10, ...,
    50 degrees within which the bearing lies. Words that tell no place get 0.
    """
    question = asked.question
    if is_choice(question.question_type):
        return choice_score(text, asked.truth)
    if question.question_type.is_numeric:
        return number_score(text, float(question.ground_truth))
    place = parse_location(text)
    if place is None:
        return 0.0
    bearing, distance = true_place(asked)
    return (
        float(
            mean_relative_accuracy(place.distance, distance)
            + bearing_accuracy(_degrees(place.bearing), bearing)
        )
        / 2
    )


def true_place(asked: BenchmarkQuestion) -> tuple[float, float]:
    """Bearing in degrees, positive to the left, and distance in metres that are right."""
    place = parse_location(asked.truth)
    assert place is not None, "a question without a place is refused when it is read"
    return _degrees(place.bearing), place.distance


def is_malformed(asked: BenchmarkQuestion, text: str) -> bool:
    """Whether an answer is not even of the kind that the task wants: a letter, number or place."""
    question = asked.question
    cleaned = clean_prediction(text)
    if question.question_type.is_numeric:
        try:
            float(cleaned)
        except ValueError:
            return True
        return False
    if is_choice(question.question_type):
        letters = OPTION_LETTERS[: len(question.options)]
        return len(cleaned) != 1 or cleaned.upper() not in letters
    return parse_location(text) is None


def _degrees(bearing: float) -> float:
    # Words give whole degrees; what radians add to them must not turn a tie.
    return round(math.degrees(bearing), 6)
