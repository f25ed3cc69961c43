"""Wrong numbers beside a true one, and the filter that the published generators make of them."""

from __future__ import annotations

import math
from random import Random

from vlm3r_ros.questions.rules import (
    COUNT_DISTRACTOR_REACH,
    COUNT_DISTRACTOR_REACH_MAX,
    DISTRACTOR_RANGE,
    DISTRACTOR_ROUNDS,
    DISTRACTOR_SPACING,
    RuleSet,
)

DISTRACTORS = 3


def number_distractors(
    truth: float,
    random: Random,
    rules: RuleSet,
    *,
    span: tuple[float, float] = DISTRACTOR_RANGE,
    decimals: int = 1,
) -> tuple[str, ...] | None:
    """Three wrong numbers around a true one.

    Args:
        truth: the true number, rounded to `decimals`.
        random: source of chance.
        rules: by the published ones, all four numbers keep a distance of a fifth of the truth,
            rounded up to the last decimal, and are drawn again until they do. By the exact ones
            they need only differ.
        span: as shares of the truth.
        decimals: of the numbers; with 0 they are whole.

    Returns:
        The numbers as text; by the published rules None where 31 rounds did not suffice. The
        question is dropped then: in truth a filter, which no 0.2, 0.3 or 0.6 passes.
    """
    scale = 10**decimals
    if rules is RuleSet.PUBLISHED:
        apart = math.ceil(truth * DISTRACTOR_SPACING * scale) / scale
    else:
        apart = 0.5 / scale

    def draw() -> float:
        return round(random.uniform(span[0] * truth, span[1] * truth), decimals)

    numbers = [draw() for _ in range(DISTRACTORS)]
    for _ in range(DISTRACTOR_ROUNDS):
        again = _too_close(numbers, truth, apart)
        if not again:
            return tuple(_spell(number, decimals) for number in numbers)
        for index in again:
            numbers[index] = draw()
    if not _too_close(numbers, truth, apart):
        return tuple(_spell(number, decimals) for number in numbers)
    if rules is RuleSet.PUBLISHED:
        return None
    # The span holds fewer than four numbers.
    return tuple(_spell(truth + k / scale, decimals) for k in range(1, DISTRACTORS + 1))


def count_distractors(truth: int, random: Random) -> tuple[str, ...]:
    """Three wrong counts, off by up to 3, or by up to 5 where there are too few."""
    found: list[int] = []
    for reach in (COUNT_DISTRACTOR_REACH, COUNT_DISTRACTOR_REACH_MAX):
        offsets = [offset for offset in range(-reach, reach + 1) if offset]
        random.shuffle(offsets)
        for offset in offsets:
            count = max(1, truth + offset)
            if count != truth and count not in found and len(found) < DISTRACTORS:
                found.append(count)
    return tuple(map(str, found))


def _too_close(numbers: list[float], truth: float, apart: float) -> list[int]:
    """Numbers that are nearer than `apart` to the truth or to an earlier one."""
    return [
        index
        for index, number in enumerate(numbers)
        if any(abs(number - other) < apart for other in (truth, *numbers[:index]))
    ]


def _spell(number: float, decimals: int) -> str:
    return str(round(number)) if decimals == 0 else str(round(number, decimals))
