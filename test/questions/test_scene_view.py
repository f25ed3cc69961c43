import numpy as np
import pytest
from scenes import camera_pose, frame, scene, thing

from vlm3r_ros.questions.drafting import DraftPlan, draft_scene
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.scene import SceneFrame, SceneObject, VisibleObject
from vlm3r_ros.worlds.skipping import SceneError

EXACT, PUBLISHED = RuleSet.EXACT, RuleSet.PUBLISHED
POSE = camera_pose([0, 0, 1.5])
ALL = dict.fromkeys(TASKS, 5)


def seen(pixels: int | None, fraction: float | None, size: int = 40) -> VisibleObject:
    return VisibleObject(0, (10, 10, 9 + size, 9 + size), pixels, fraction)


@pytest.mark.parametrize(
    ("what", "clear"),
    [
        (seen(77, 1.0), True),  # a thousandth of 320x240 is 76.8
        (seen(76, 1.0), False),
        (seen(500, 0.25), True),
        (seen(500, 0.24), False),
        (seen(None, None, size=9), True),  # the rectangle, 81 pixels, is an upper bound
        (seen(None, None, size=8), False),
    ],
)
def test_an_object_is_seen_from_a_share_of_the_image_and_of_itself(what, clear):
    room = scene([thing("bed", [3, 0, 0.5], [1, 1, 1], 0)], [SceneFrame(0, POSE, (what,))])
    view = SceneView(room, EXACT)
    assert bool(view.frames[0].named) is clear
    assert bool(view.unique) is clear
    assert SceneView(room, PUBLISHED).frames[0].named


def test_a_name_must_fit_one_thing_only():
    objects = [
        thing("chair", [2, 0, 0.5], [0.5, 0.5, 1], 0),
        thing("office chair", [3, 1, 0.5], [0.5, 0.5, 1], 1),
        thing("table", [3, 0, 0.5], [1, 1, 1], 2),
        thing("table", [4, 0, 0.5], [1, 1, 1], 3),
    ]
    box = (10, 10, 100, 100)
    room = scene(objects, [frame(0, POSE, dict.fromkeys(range(3), box))])
    view = SceneView(room, EXACT)
    assert [view.category(i) for i in view.unique] == ["office chair"]
    # The second table is not in this frame; "chair" could mean the office chair here too.
    assert [view.category(s.index) for s in view.frames[0].named] == ["office chair", "table"]
    assert view.countable == ("office chair",)
    published = SceneView(room, PUBLISHED)
    assert [published.category(i) for i in published.unique] == ["chair", "office chair"]


def test_a_second_instance_that_barely_shows_makes_a_name_doubtful():
    objects = [thing("lamp", [2, 0, 1], [0.3] * 3, 0), thing("lamp", [2, 1, 1], [0.3] * 3, 1)]
    glimpse = VisibleObject(1, (0, 0, 0, 5), 3, 0.01)
    shown = frame(0, POSE, {0: (10, 10, 100, 100)})
    room = scene(objects, [SceneFrame(0, POSE, (*shown.visible, glimpse))])
    assert SceneView(room, EXACT).frames[0].named == ()


def test_boxes_that_are_listed_twice_are_one_thing():
    printer = thing("printer", [2, 0, 1], [0.4] * 3, 7)
    bed = thing("bed", [4, 0, 0.5], [2, 1.5, 1], 8)
    box = (10, 10, 100, 100)
    room = scene(
        [printer, printer, bed], [frame(0, POSE, {7: box, 8: box})], counts={"printer": 1, "bed": 1}
    )
    assert len(SceneView(room, EXACT).unique) == 2
    drafts = draft_scene(room, DraftPlan(ALL, EXACT)).drafts
    assert {d.truth for d in next(iter(drafts.values()))} == {1}
    assert draft_scene(room, DraftPlan(ALL, PUBLISHED)).drafts


def test_frames_keep_their_numbers_where_a_pose_is_lost():
    lost = np.full((4, 4), np.nan)
    infinite = np.full((4, 4), -np.inf)
    room = scene([], [frame(0, lost, {}), frame(5, POSE, {}), frame(9, infinite, {})])
    view = SceneView(room, EXACT)
    assert [(f.number, f.frame.frame_id) for f in view.frames] == [(2, 5)]
    assert view.one_frame(view.frames[0]) == "frame 2 of 3"
    (problem,) = view.problems
    assert problem.field == "camera_pose_camera_to_world"
    assert "2 of 3 frames" in problem.problem
    assert SceneView(room, PUBLISHED).frames[0].number == 1


def test_the_first_frame_is_1_and_the_last_32():
    view = SceneView(scene([], [frame(i, POSE, {}) for i in range(32)]), EXACT)
    assert view.one_frame(view.frames[0]) == "frame 1 of 32"
    assert view.one_frame(view.frames[-1]) == "frame 32 of 32"
    assert view.two_frames(view.frames[9], view.frames[29]) == {
        "start_frame_description": "frame 10",
        "end_frame_description": "frame 30 of 32",
    }


def test_the_camera_is_the_fourth_column_unless_the_published_rules_are_followed():
    pose = camera_pose([1.0, 2.0, 1.5], yaw=0.7)
    room = scene([], [frame(0, pose, {})])
    np.testing.assert_allclose(SceneView(room, EXACT).camera_centers, [[1.0, 2.0, 1.5]])
    np.testing.assert_allclose(
        SceneView(room, PUBLISHED).camera_centers, [-pose[:3, :3].T @ [1.0, 2.0, 1.5]]
    )


def test_a_side_of_0_is_measured_exactly_and_refused_by_the_published_rules():
    objects = [thing("picture", [2, 0, 1], [0.6, 0, 0.4]), thing("bed", [2, 2, 0.5], [1, 1, 1])]
    view = SceneView(scene(objects), EXACT)
    assert view.object_distances[0, 1] == pytest.approx(1.5)
    with pytest.raises(SceneError, match=r"room: object_bboxes/picture/axesLengths: a side is 0 m"):
        SceneView(scene(objects), PUBLISHED)


@pytest.mark.parametrize("rules", list(RuleSet))
@pytest.mark.parametrize(
    "room",
    [
        scene([]),
        scene([], [frame(0, POSE, {})]),
        scene([thing("bed", [2, 0, 0.5], [1, 2, 1], 0)], [frame(0, POSE, {0: (5, 5, 90, 90)})]),
        scene([thing("bed", [2, 0, 0.5], [1, 2, 1])]),
        scene([], counts={"sofa": 2}),
        scene([thing("bed", [0, 0, 1.5], [1, 2, 1], 0)], [frame(0, POSE, {0: (5, 5, 90, 90)})] * 8),
        scene([thing("bed", [2, 0, 0.5], [1, 2, 1])], room_size=0.0),
        scene([thing("bed", [2, 0, 0.5], [1, 2, 1])], [frame(0, np.full((4, 4), np.nan), {})]),
        scene([], [frame("DSC1", POSE, {}), frame("DSC2", camera_pose([9, 0, 1]), {})] * 4),
    ],
    ids=[
        *("empty", "nothing seen", "one object", "no instances", "a category nobody has"),
        *("camera within an object", "no size", "no pose", "names of images"),
    ],
)
def test_scenes_with_little_in_them_break_nothing(room, rules):
    result = draft_scene(room, DraftPlan(ALL, rules))
    for drafts in result.drafts.values():
        for draft in drafts:
            assert draft.truth not in (0, 0.0, "")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_box_that_is_not_finite_is_named(number):
    broken = SceneObject("sofa", OrientedBox.upright([number, 0, 0], [1, 1, 1]))
    result = draft_scene(scene([broken]), DraftPlan(ALL))
    assert not result.drafts
    assert [str(error) for error in result.problems] == [
        "room: object_bboxes/sofa: a box is not finite"
    ]


def test_a_camera_within_an_object_is_at_no_distance_from_it():
    objects = [thing("bed", [0, 0, 1.5], [1, 1, 1], 0), thing("sofa", [3, 0, 0.5], [1, 1, 1], 1)]
    box = (5, 5, 90, 90)
    shown = [frame(i, camera_pose([0.1 * i, 0, 1.5]), {0: box, 1: box}) for i in range(4)]
    result = draft_scene(scene(objects, shown), DraftPlan(ALL))
    about = {
        (str(task), draft.subject)
        for task, drafts in result.drafts.items()
        for draft in drafts
        if str(task).startswith(("camera_obj", "object_location"))
    }
    assert about == {("camera_obj_abs_dist", "sofa"), ("object_location", "sofa")}
