"""Baselines reach what theory says, on questions made up for it."""

import math

import numpy as np
import pytest

from vlm3r_ros.benchmarks.baselines import (
    GUESS_RANGES,
    ChanceResponder,
    FrequencyResponder,
    expected_chance,
)
from vlm3r_ros.benchmarks.metrics import mean_relative_accuracy
from vlm3r_ros.benchmarks.oracle import OracleResponder
from vlm3r_ros.benchmarks.responders import Response
from vlm3r_ros.benchmarks.scoring import is_malformed, score_answer
from vlm3r_ros.location_answer import format_location
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.worlds.skipping import SceneError

COUNT = 800
LETTERS = "ABCD"


def scores(responder, questions) -> np.ndarray:
    return np.array(
        [score_answer(asked, r.text) for asked, r in responder.respond(questions, None)]
    )


def choices(ask, options: int, count: int = COUNT, **fields):
    words = [f"{letter}. thing {letter}" for letter in LETTERS[:options]]
    return [
        ask("route_planning", LETTERS[number % options], words, number=number, **fields)
        for number in range(count)
    ]


def within(values: np.ndarray, expected: float) -> bool:
    """Whether the mean is within four standard errors of what is expected."""
    return abs(values.mean() - expected) <= 4 * values.std() / math.sqrt(len(values))


@pytest.mark.parametrize("options", [2, 3, 4])
def test_chance_is_right_once_in_as_many_options(ask, options):
    questions = choices(ask, options)
    assert expected_chance(questions[0]) == 1 / options
    assert within(scores(ChanceResponder(seed=1), questions), 1 / options)


@pytest.mark.parametrize("task", GUESS_RANGES)
def test_chance_on_numbers_is_the_mean_over_its_range(ask, task):
    numbers = GUESS_RANGES[task]
    truth = round((numbers.low + numbers.high) / 3, numbers.decimals)
    questions = [ask(task, truth, number=number) for number in range(COUNT)]
    drawn = [float(r.text) for _, r in ChanceResponder(seed=1).respond(questions, None)]
    assert numbers.low <= min(drawn) < max(drawn) <= numbers.high
    assert within(np.array(drawn), (numbers.low + numbers.high) / 2)
    assert within(scores(ChanceResponder(seed=1), questions), expected_chance(questions[0]))


def test_expected_chance_on_a_count_by_hand(ask):
    # Of 1, 2, ..., 10 against 4: 2 and 6 are off by half and get 0.1, 3 and 5 are off by a quarter
    # and get 0.6, 4 gets 1.
    asked = ask("object_counting", 4)
    assert expected_chance(asked) == pytest.approx((0.1 + 0.6 + 1 + 0.6 + 0.1) / 10)


def test_chance_on_places_is_the_mean_over_its_ranges(ask):
    truth = format_location(math.radians(40), 3.0)
    questions = [ask("object_location", truth, number=number) for number in range(COUNT)]
    assert within(scores(ChanceResponder(seed=1), questions), expected_chance(questions[0]))


def test_a_guess_depends_on_seed_and_question_only(ask):
    questions = choices(ask, 4, count=40)

    def answers(seed, asked):
        return [response.text for _, response in ChanceResponder(seed).respond(asked, None)]

    assert answers(3, questions[::-1]) == answers(3, questions)[::-1]
    assert answers(3, questions) != answers(4, questions)


def test_frequency_gives_the_letter_that_was_true_most_often(ask):
    rng = np.random.default_rng(0)
    options = [f"{letter}. thing" for letter in LETTERS]
    shares = [0.2, 0.5, 0.2, 0.1]
    training = [
        ask("route_planning", letter, options)
        for letter in rng.choice(list(LETTERS), COUNT, p=shares)
    ]
    questions = [
        ask("route_planning", letter, options, number=number)
        for number, letter in enumerate(rng.choice(list(LETTERS), COUNT, p=shares))
    ]
    responder = FrequencyResponder(training)
    assert {r.text for _, r in responder.respond(questions, None)} == {"B"}
    assert within(scores(responder, questions), 0.5)


def test_frequency_of_numbers_is_scored_like_any_number(ask):
    training = [ask("object_counting", truth) for truth in (2, 3, 3, 4, 4, 4, 7)]
    questions = [ask("object_counting", truth) for truth in (2, 3, 4, 5, 8)]
    got = scores(FrequencyResponder(training), questions)
    # Always 4: off by 1, 1/3, 0, 1/5 and 1/2 of the truth.
    expected = [mean_relative_accuracy(4, truth) for truth in (2, 3, 4, 5, 8)]
    np.testing.assert_allclose(got, expected)
    np.testing.assert_allclose(got, [0, 0.4, 1, 0.6, 0.1])


def test_frequency_knows_each_variant_of_a_task_apart_and_breaks_ties_by_the_alphabet(ask):
    options = ["A. left", "B. right"]
    responder = FrequencyResponder(
        [
            ask("object_rel_direction_v3", "B", options),
            ask("object_rel_direction_v3", "A", options),
            ask("object_rel_direction_v2", "B", options),
        ]
    )
    asked = [
        ask("object_rel_direction_easy", "A", options),
        ask("object_rel_direction_medium", "A", options),
        ask("object_rel_direction_hard", "A", options),
    ]
    easy, medium, hard = (response for _, response in responder.respond(asked, None))
    assert (easy.text, medium.text) == ("A", "B")
    assert isinstance(hard, SceneError)
    assert "object_rel_direction_hard" in str(hard)


@pytest.fixture
def one_of_each(ask):
    options = ["A. left", "B. right", "C. back"]
    made = []
    for number, task in enumerate(QuestionType):
        if task.is_numeric:
            made.append(ask(task, 1.7, number=number))
        elif task is QuestionType.OBJECT_LOCATION:
            made.append(ask(task, "35 degrees left, 2.4 meters", number=number))
        elif number % 2:
            made.append(ask(task, "C", options, number=number))
        else:
            made.append(ask(task, "right", options, mc_answer="B", number=number))
    return made


def test_the_oracle_is_always_right(one_of_each):
    assert (scores(OracleResponder(), one_of_each) == 1).all()


def test_the_oracle_finds_letters_that_disagree_with_their_words(ask):
    asked = ask("route_planning", "right", ["A. left", "B. right"], mc_answer="A")
    assert scores(OracleResponder(), [asked])[0] == 0
    asked = ask("route_planning", "up", ["A. left", "B. right"], mc_answer="A")
    ((_, response),) = OracleResponder().respond([asked], None)
    assert isinstance(response, SceneError)


def test_no_baseline_is_malformed(one_of_each):
    for responder in (ChanceResponder(), FrequencyResponder(one_of_each), OracleResponder()):
        for asked, response in responder.respond(one_of_each, None):
            assert isinstance(response, Response)
            assert not is_malformed(asked, response.text)


@pytest.mark.parametrize(
    ("text", "score", "malformed"),
    [
        ("30 degrees left, 2.0 meters", 1.0, False),
        ("ahead, 2.0 meters", 0.75, False),  # 30 degrees off: 30, 35, 40, 45, 50
        ("30 degrees to the right, 2 m", 0.5, False),  # 60 degrees off
        ("30 degrees left, 3.0 meters", 0.55, False),  # off by half
        ("25 degrees left, 2.0 meters", 1.0, False),
        ("2 meters", 0.0, True),
        ("on the left", 0.0, True),
        ("", 0.0, True),
    ],
)
def test_a_place_is_scored_by_bearing_and_distance(ask, text, score, malformed):
    asked = ask("object_location", "30 degrees left, 2.0 meters")
    assert score_answer(asked, text) == pytest.approx(score)
    assert is_malformed(asked, text) == malformed


@pytest.mark.parametrize(
    ("task", "text", "malformed"),
    [
        ("object_counting", "3", False),
        ("object_counting", "3m", True),
        ("object_counting", "", True),
        ("route_planning", "b.", False),
        ("route_planning", "C", True),
        ("route_planning", "left", True),
    ],
)
def test_answers_of_another_kind_are_counted(ask, task, text, malformed):
    asked = ask(task, "B" if task == "route_planning" else 3, ["A. left", "B. right"])
    assert is_malformed(asked, text) == malformed
