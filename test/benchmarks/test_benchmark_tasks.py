import pytest

from vlm3r_ros.benchmarks.published_scores import OVERALL, PUBLISHED
from vlm3r_ros.benchmarks.tasks import (
    CATEGORIES,
    UNPUBLISHED,
    is_choice,
    parse_task,
    task_name,
    vsi_overall,
    vsti_five_categories,
    vsti_overall,
)
from vlm3r_ros.questions.question import QuestionType, Suite

VSI_SCORES = {
    QuestionType.OBJECT_COUNTING: 0.8,
    QuestionType.OBJECT_ABS_DISTANCE: 0.4,
    QuestionType.OBJECT_SIZE_ESTIMATION: 0.6,
    QuestionType.ROOM_SIZE_ESTIMATION: 0.2,
    QuestionType.OBJECT_REL_DISTANCE_V1: 0.5,
    QuestionType.OBJECT_REL_DIRECTION_V1: 0.1,
    QuestionType.OBJECT_REL_DIRECTION_V2: 0.3,
    QuestionType.OBJECT_REL_DIRECTION_V3: 0.8,
    QuestionType.ROUTE_PLANNING: 0.3,
    QuestionType.OBJ_APPEARANCE_ORDER: 0.9,
}
VSTI_SCORES = {
    QuestionType.CAMERA_OBJ_ABS_DIST: 0.3,
    QuestionType.CAMERA_DISPLACEMENT: 0.1,
    QuestionType.CAMERA_MOVEMENT_DIRECTION: 0.6,
    QuestionType.OBJ_OBJ_RELATIVE_POS_NF: 0.7,
    QuestionType.OBJ_OBJ_RELATIVE_POS_LR: 0.8,
    QuestionType.OBJ_OBJ_RELATIVE_POS_UD: 0.9,
    QuestionType.CAMERA_OBJ_REL_DIST_V1: 0.4,
    QuestionType.CAMERA_OBJ_REL_DIST_V2: 0.5,
    QuestionType.CAMERA_OBJ_REL_DIST_V3: 0.6,
}


def test_vsi_averages_eight_values_with_direction_averaged_first():
    # 0.8 + 0.4 + 0.6 + 0.2 + 0.5 + (0.1 + 0.3 + 0.8) / 3 + 0.3 + 0.9 = 4.1
    assert vsi_overall(VSI_SCORES) == pytest.approx(4.1 / 8)


def test_a_missing_task_shortens_the_mean():
    fewer = {
        task: score
        for task, score in VSI_SCORES.items()
        if task not in (QuestionType.ROUTE_PLANNING, QuestionType.OBJECT_REL_DIRECTION_V1)
    }
    # Direction is now (0.3 + 0.8) / 2 = 0.55, and seven values are left: 3.95 in all.
    assert vsi_overall(fewer) == pytest.approx(3.95 / 7)
    assert vsi_overall({}) is None


def test_vsti_is_averaged_over_nine_tasks_and_over_five_categories():
    assert vsti_overall(VSTI_SCORES) == pytest.approx(4.9 / 9)
    # 0.3 + 0.1 + 0.6 + 0.8 + 0.5
    assert vsti_five_categories(VSTI_SCORES) == pytest.approx(2.3 / 5)


def test_what_was_not_published_is_in_no_mean():
    ours = dict.fromkeys(UNPUBLISHED, 1.0)
    assert set(UNPUBLISHED) == {
        QuestionType.OBJECT_REL_DISTANCE_V2,
        QuestionType.OBJECT_REL_DISTANCE_V3,
        QuestionType.CAMERA_OBJ_DIST_CHANGE,
        QuestionType.OBJECT_LOCATION,
    }
    assert vsi_overall(VSI_SCORES | ours) == vsi_overall(VSI_SCORES)
    assert vsti_overall(VSTI_SCORES | ours) == vsti_overall(VSTI_SCORES)
    assert vsti_five_categories(VSTI_SCORES | ours) == vsti_five_categories(VSTI_SCORES)


@pytest.mark.parametrize(
    ("name", "task", "reported"),
    [
        ("object_rel_distance", "object_rel_distance_v1", "object_rel_distance"),
        ("object_rel_distance_v1", "object_rel_distance_v1", "object_rel_distance"),
        ("object_rel_distance_v2", "object_rel_distance_v2", "object_rel_distance_v2"),
        ("object_rel_direction_hard", "object_rel_direction_v1", "object_rel_direction_hard"),
        ("object_rel_direction_v2", "object_rel_direction_v2", "object_rel_direction_medium"),
        ("object_rel_direction_easy", "object_rel_direction_v3", "object_rel_direction_easy"),
        ("camera_displacement", "camera_displacement", "camera_displacement"),
    ],
)
def test_names_of_generators_fold_into_those_of_the_benchmark(name, task, reported):
    assert parse_task(name) == task
    assert task_name(parse_task(name)) == reported


def test_an_unknown_name_is_no_task():
    with pytest.raises(ValueError, match="nonsense"):
        parse_task("nonsense")


def test_every_category_has_its_published_figures():
    for suite, categories in CATEGORIES.items():
        assert set(PUBLISHED[suite]) == {OVERALL, *(category.name for category in categories)}


def test_published_means_are_those_of_their_columns():
    vsi, vsti = PUBLISHED[Suite.VSI], PUBLISHED[Suite.VSTI]
    for figures, tolerance in ((vsi, 0.1), (vsti, 0.2)):
        columns = [value.model for name, value in figures.items() if name != OVERALL]
        assert sum(columns) / len(columns) == pytest.approx(figures[OVERALL].model, abs=tolerance)


def test_numbers_and_places_are_no_choices():
    assert is_choice(QuestionType.ROUTE_PLANNING)
    assert not is_choice(QuestionType.OBJECT_LOCATION)
    assert not is_choice(QuestionType.CAMERA_DISPLACEMENT)
