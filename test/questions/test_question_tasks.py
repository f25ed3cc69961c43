import pytest

from vlm3r_ros.questions.errors import QuestionsError
from vlm3r_ros.questions.question import QuestionType, Suite
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.tasks import TASKS, select_tasks, task_limits

EXACT, PUBLISHED = RuleSet.EXACT, RuleSet.PUBLISHED


def test_every_type_of_question_has_a_task():
    assert list(TASKS) == list(QuestionType)


def test_tasks_are_chosen_by_suite_or_by_name():
    everything, left_out = select_tasks("all", EXACT)
    assert everything == tuple(QuestionType)
    assert not left_out
    for suite in Suite:
        chosen, _ = select_tasks(str(suite), EXACT)
        assert chosen == tuple(task for task in QuestionType if task.suite is suite)
    chosen, _ = select_tasks("live, object_counting", EXACT)
    assert chosen == (QuestionType.OBJECT_COUNTING, QuestionType.OBJECT_LOCATION)


def test_what_nobody_published_has_no_published_rules():
    chosen, left_out = select_tasks("all", PUBLISHED)
    assert set(left_out) == {"route_planning", "camera_obj_dist_change", "object_location"}
    assert all(left_out.values())
    assert len(chosen) + len(left_out) == len(QuestionType)
    with pytest.raises(
        QuestionsError, match=r"camera_obj_dist_change has no published rules: .+exact"
    ):
        select_tasks("vsti,camera_obj_dist_change", PUBLISHED)


@pytest.mark.parametrize("names", ["nonsense", "", "vsi,object_count"])
def test_unknown_tasks_are_told_with_those_that_are_known(names):
    with pytest.raises(QuestionsError, match=r"no task"):
        select_tasks(names, EXACT)


def test_limits_are_for_all_or_for_some():
    counting, size = QuestionType.OBJECT_COUNTING, QuestionType.OBJECT_SIZE_ESTIMATION
    tasks = (counting, size)
    assert task_limits("", tasks) == {task: TASKS[task].per_scene for task in tasks}
    assert task_limits("7", tasks) == {counting: 7, size: 7}
    assert task_limits("object_counting=0,7", tasks) == {counting: 0, size: 7}
    assert task_limits("object_counting=5", tasks) == {counting: 5, size: TASKS[size].per_scene}


@pytest.mark.parametrize(
    "text", ["-1", "many", "object_counting=", "room_size_estimation=2", "x=1"]
)
def test_other_limits_are_refused(text):
    with pytest.raises(QuestionsError, match="--per-scene"):
        task_limits(text, (QuestionType.OBJECT_COUNTING,))


def test_a_room_gets_30_to_60_pairs_by_default():
    assert 30 <= sum(task.per_scene for task in TASKS.values()) <= 60
