import json
from collections import Counter, defaultdict
from random import Random

import pytest
from scenes import random_scene

from vlm3r_ros.questions.assembly import Assembler
from vlm3r_ros.questions.balancing import PublishedBalance, WholeSetBalance
from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.drafting import DraftPlan, draft_scene
from vlm3r_ros.questions.generate import make_questions
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.questions.wording import Wording

Q = QuestionType
SCENES = 60


@pytest.fixture(scope="module")
def questions():
    tasks = [task for task in TASKS if task is not Q.ROUTE_PLANNING]
    plan = DraftPlan({task: TASKS[task].per_scene for task in tasks})
    found = defaultdict(list)
    for question in make_questions(map(random_scene, range(SCENES)), plan):
        found[question.question_type].append(question)
    return found


@pytest.mark.parametrize("task", [task for task in TASKS if task is not Q.ROUTE_PLANNING])
def test_random_rooms_yield_every_task(questions, task):
    assert len(questions[task]) >= SCENES / 3


@pytest.mark.parametrize("task", [task for task in TASKS if TASKS[task].answers])
def test_answers_of_few_words_get_equal_shares(questions, task):
    if task is Q.ROUTE_PLANNING:
        pytest.skip("routes have their own test")
    counts = Counter(question.ground_truth for question in questions[task])
    assert set(counts) == set(TASKS[task].answers)
    assert max(counts.values()) - min(counts.values()) <= 0.1 * counts.total() + 3


@pytest.mark.parametrize("task", list(TASKS))
def test_letters_get_equal_shares_over_the_set(questions, task):
    by_options = defaultdict(Counter)
    for question in questions[task]:
        by_options[len(question.options)][question.mc_answer] += 1
    for options, letters in by_options.items():
        if options == 0:
            continue
        assert set(letters) == set("ABCD"[:options])
        # Tasks with few answers balance letters within every answer.
        assert max(letters.values()) - min(letters.values()) <= max(1, len(TASKS[task].answers))


def test_letters_do_not_tell_the_answer(questions):
    counts = Counter((q.ground_truth, q.mc_answer) for q in questions[Q.OBJ_OBJ_RELATIVE_POS_LR])
    assert max(counts.values()) - min(counts.values()) <= 2


def test_what_is_asked_about_does_not_tell_the_answer():
    """Pictures are up and stools are down: asked about what is otherwise, where something is."""
    balance = WholeSetBalance()
    usual = [word("Near", subject="stool"), word("Far", subject="stool")]
    for _ in range(6):
        balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, [word("Near", subject="stool")], 1)
        balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, [word("Far", subject="picture")], 1)
    rare = [word("Near", subject="picture"), word("Far", subject="stool")]
    chosen = balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, [*usual, *rare], 2)
    assert {(d.subject, d.truth) for d in chosen} == {("picture", "Near"), ("stool", "Far")}


def test_names_are_right_about_as_often_as_they_are_shown(questions):
    right, shown = Counter(), Counter()
    for question in questions[Q.OBJECT_REL_DISTANCE_V1]:
        right[question.ground_truth] += 1
        shown.update(option.partition(". ")[2] for option in question.options)
    for name, times in shown.items():
        if times >= 20:
            assert 0.1 < right[name] / times < 0.45, name


def test_no_count_dominates(questions):
    counts = Counter(question.ground_truth for question in questions[Q.OBJECT_COUNTING])
    assert max(counts.values()) <= 0.4 * counts.total() + 3


def test_numbers_of_all_sizes_come_up(questions):
    truths = [question.ground_truth for question in questions[Q.CAMERA_OBJ_ABS_DIST]]
    assert Counter(truths).most_common(1)[0][1] <= 0.12 * len(truths)
    assert min(truths) < 0.5
    assert max(truths) > 3.5


def word(answer: str, **more) -> Draft:
    other = "Far" if answer == "Near" else "Near"
    return Draft(Q.OBJ_OBJ_RELATIVE_POS_NF, answer, answer, (other,), **more)


def test_the_answer_used_least_comes_first():
    balance = WholeSetBalance()
    assert [d.truth for d in balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, [word("Near")], 1)] == [
        "Near"
    ]
    both = [word("Near"), word("Far")]
    assert [d.truth for d in balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, both, 1)] == ["Far"]


def test_an_answer_with_more_than_its_share_waits():
    balance = WholeSetBalance()
    for _ in range(20):
        balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, [word("Near")], 1)
    assert balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, [word("Near")], 1) == []
    assert balance.choose(Q.OBJ_OBJ_RELATIVE_POS_NF, [word("Far")], 1)


def test_subjects_of_a_scene_take_turns():
    drafts = [word("Near", subject=name) for name in ("bed", "bed", "bed", "tv")]
    chosen = WholeSetBalance().choose(Q.OBJ_OBJ_RELATIVE_POS_NF, drafts, 2)
    assert [draft.subject for draft in chosen] == ["bed", "tv"]


def test_published_letters_are_counted_within_a_scene():
    balance, random = PublishedBalance(), Random(0)
    numeric = Draft(Q.OBJECT_COUNTING, 2, "2", ("1", "3", "4"))
    for _ in range(5):
        balance.start_scene()
        assert {balance.place(numeric, random) for _ in range(4)} == {0, 1, 2, 3}


def test_published_counters_of_four_letters_stick_where_there_are_fewer_options():
    two = Draft(Q.CAMERA_OBJ_REL_DIST_V3, "bed", "bed", ("tv",))
    resetting = Draft(Q.OBJECT_REL_DISTANCE_V3, "bed", "bed", ("tv",))
    firsts, seconds, later = Counter(), Counter(), Counter()
    for seed in range(200):
        balance, random = PublishedBalance(), Random(seed)
        places = [balance.place(two, random) for _ in range(4)]
        assert places[0] != places[1]
        firsts[places[0]] += 1
        seconds[places[1]] += 1
        later[places[2] == places[3]] += 1
        assert sum(balance.place(resetting, random) for _ in range(4)) == 2
    # After both letters were used once the counter is stuck, and chance decides.
    assert later[True] > 60


def test_published_choice_is_blind_to_answers():
    drafts = [word("Near")] * 3 + [word("Far")]
    assert PublishedBalance().choose(Q.OBJ_OBJ_RELATIVE_POS_NF, drafts, 3) == drafts[:3]


def test_published_rules_front_more_often_than_back():
    """The bias that makes their four-way directions easier than chance."""
    plan = DraftPlan({Q.OBJECT_REL_DIRECTION_V1: 10}, RuleSet.PUBLISHED)
    found = Counter(q.ground_truth for q in make_questions(map(random_scene, range(25)), plan))
    assert found["front-left"] + found["front-right"] > 1.5 * (
        found["back-left"] + found["back-right"]
    )


def test_an_assembler_goes_on_where_another_one_stopped():
    plan = DraftPlan(dict.fromkeys(TASKS, 2))
    scenes = [draft_scene(random_scene(number, frames=8), plan) for number in range(8)]
    straight = Assembler(plan, Wording.VARIED)
    whole = [list(straight.questions(scene)) for scene in scenes]
    first = Assembler(plan, Wording.VARIED)
    for scene in scenes[:5]:
        list(first.questions(scene))
    second = Assembler(plan, Wording.VARIED)
    # Through JSON: nothing but plain types.
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert [list(second.questions(scene)) for scene in scenes[5:]] == whole[5:]
    anew = Assembler(plan, Wording.VARIED)
    assert [list(anew.questions(scene)) for scene in scenes[5:]] != whole[5:]


def test_a_scene_may_have_limits_of_its_own():
    plan = DraftPlan(dict.fromkeys(TASKS, 2))
    drafts = draft_scene(random_scene(0, frames=8), plan)
    limits = dict.fromkeys(TASKS, 0) | {QuestionType.OBJECT_COUNTING: 1}
    questions = list(Assembler(plan, Wording.PUBLISHED).questions(drafts, limits))
    assert [question.question_type for question in questions] == [QuestionType.OBJECT_COUNTING]
