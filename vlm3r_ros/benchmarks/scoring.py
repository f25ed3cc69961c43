"""The score of an answer to a benchmark's question."""

from __future__ import annotations

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion
from vlm3r_ros.benchmarks.metrics import choice_score, clean_prediction, number_score
from vlm3r_ros.models.prompts import OPTION_LETTERS


def score_answer(asked: BenchmarkQuestion, text: str) -> float:
    """Score of an answer, in [0, 1]."""
    question = asked.question
    if question.question_type.is_numeric:
        return number_score(text, float(question.ground_truth))
    return choice_score(text, asked.truth)


def is_malformed(asked: BenchmarkQuestion, text: str) -> bool:
    """Whether an answer is not even of the kind that the task wants: a letter, a number."""
    question = asked.question
    cleaned = clean_prediction(text)
    if question.question_type.is_numeric:
        try:
            float(cleaned)
        except ValueError:
            return True
        return False
    return len(cleaned) != 1 or cleaned.upper() not in OPTION_LETTERS[: len(question.options)]
