from itertools import pairwise
from random import Random

import pytest

from vlm3r_ros.questions.distractors import count_distractors, number_distractors
from vlm3r_ros.questions.rules import SIZE_DISTRACTOR_RANGE, RuleSet


def accepted(truth: float, rules: RuleSet, draws: int = 100) -> float:
    random = Random(0)
    found = [number_distractors(truth, random, rules) for _ in range(draws)]
    return sum(numbers is not None for numbers in found) / draws


@pytest.mark.parametrize("truth", [0.2, 0.3, 0.6])
def test_the_published_filter_lets_these_never_pass(truth):
    assert accepted(truth, RuleSet.PUBLISHED) == 0


@pytest.mark.parametrize("truth", [0.4, 0.5, 0.7, 1.1, 3.0, 9.9])
def test_the_published_filter_lets_others_pass(truth):
    assert accepted(truth, RuleSet.PUBLISHED) > 0.9


def test_published_numbers_keep_a_fifth_of_the_truth_apart():
    random = Random(1)
    for _ in range(50):
        numbers = number_distractors(2.0, random, RuleSet.PUBLISHED)
        values = sorted([2.0, *map(float, numbers)])
        assert all(b - a >= 0.4 - 1e-9 for a, b in pairwise(values))
        assert 0.5 <= values[0] <= values[-1] <= 3.5


@pytest.mark.parametrize("truth", [0.1, 0.2, 0.3, 0.6, 2.5, 10.0])
def test_the_exact_rules_drop_nothing(truth):
    random = Random(2)
    for _ in range(50):
        numbers = number_distractors(truth, random, RuleSet.EXACT)
        assert numbers is not None
        assert len({*numbers, str(truth)}) == 4


def test_sizes_are_whole_centimetres():
    numbers = number_distractors(
        85, Random(3), RuleSet.EXACT, span=SIZE_DISTRACTOR_RANGE, decimals=0
    )
    assert all(34 <= int(number) <= 153 for number in numbers)
    assert len({"85", *numbers}) == 4


@pytest.mark.parametrize("truth", [1, 2, 3, 12])
def test_wrong_counts_differ_and_are_at_least_one(truth):
    random = Random(4)
    for _ in range(50):
        counts = [int(count) for count in count_distractors(truth, random)]
        assert len({truth, *counts}) == 4
        assert min(counts) >= 1
        assert max(abs(count - truth) for count in counts) <= 3
