"""Tasks about a whole video, in rooms whose numbers are worked out by hand."""

from random import Random

import numpy as np
import pytest
from scenes import camera_pose, frame, scene, thing

from vlm3r_ros.questions.appearance_order import obj_appearance_order
from vlm3r_ros.questions.counting import object_counting
from vlm3r_ros.questions.object_distance import object_abs_distance
from vlm3r_ros.questions.object_size import object_size_estimation
from vlm3r_ros.questions.relative_direction import (
    LEFT_RIGHT_BACK,
    QUADRANTS,
    object_rel_direction_v1,
    object_rel_direction_v2,
    object_rel_direction_v3,
)
from vlm3r_ros.questions.relative_distance import (
    object_rel_distance_v1,
    object_rel_distance_v2,
    object_rel_distance_v3,
)
from vlm3r_ros.questions.room_size import room_size_estimation
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.worlds.scene import FloorPlan
from vlm3r_ros.worlds.skipping import SceneError

EXACT, PUBLISHED = RuleSet.EXACT, RuleSet.PUBLISHED
CUBE = [0.2, 0.2, 0.2]


def drafts(task, room, rules=EXACT, wanted=1000, seed=0):
    return task(SceneView(room, rules), Random(seed), wanted)


# ---- counting


def test_every_category_is_counted_and_the_published_rules_leave_out_single_ones():
    room = scene(
        [thing("chair", [i, 0, 0], CUBE) for i in range(3)] + [thing("bed", [9, 0, 0], CUBE)]
    )
    assert {(d.subject, d.truth) for d in drafts(object_counting, room)} == {
        ("chair", 3),
        ("bed", 1),
    }
    (published,) = drafts(object_counting, room, PUBLISHED)
    assert (published.truth, published.fields["category"]) == (3, "chair")


def test_things_that_were_never_seen_are_not_counted():
    objects = [thing("chair", [i, 0, 0], CUBE, i) for i in range(2)]
    shown = frame(0, camera_pose([-3, 0, 1]), {0: (5, 5, 60, 60)})
    assert drafts(object_counting, scene(objects, [shown])) == []
    both = frame(1, camera_pose([-3, 0, 1]), {1: (5, 5, 60, 60)})
    assert [d.truth for d in drafts(object_counting, scene(objects, [shown, both]))] == [2]


# ---- sizes


def test_the_longest_side_counts_in_whole_centimetres():
    room = scene([thing("bed", [0, 0, 0], [1.5, 2.034, 0.6])])
    (draft,) = drafts(object_size_estimation, room)
    assert draft.truth == 203
    assert len(draft.distractors) == 3


def test_the_room_has_its_size_to_a_tenth():
    (draft,) = drafts(room_size_estimation, scene([], room_size=23.46))
    assert draft.truth == 23.5


@pytest.mark.parametrize("size", [0.0, -3.0, float("nan"), 0.04])
def test_a_room_without_size_is_named(size):
    with pytest.raises(SceneError, match="room: room_size"):
        drafts(room_size_estimation, scene([], room_size=size))


def test_the_size_of_two_rooms_is_asked_where_the_camera_was_in_both():
    square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])
    plan = FloorPlan((square, square + np.array([4, 0])))
    one = frame(0, camera_pose([2, 2, 1]), {})
    two = frame(1, camera_pose([6, 2, 1]), {})
    assert drafts(room_size_estimation, scene([], [one], floor_plan=plan)) == []
    assert len(drafts(room_size_estimation, scene([], [one, two], floor_plan=plan))) == 1


# ---- distances between objects


def test_distances_are_between_the_nearest_points_of_unique_things():
    room = scene(
        [
            thing("bed", [0, 0, 0.5], [2, 2, 1]),
            thing("sofa", [3.04, 0, 0.5], [2, 1, 1]),
            thing("lamp", [1.13, 0, 0.5], [0.2, 0.2, 0.2]),
            thing("chair", [0, 5, 0.5], [1, 1, 1]),
            thing("chair", [0, 7, 0.5], [1, 1, 1]),
        ]
    )
    found = {
        frozenset(d.fields.values()): d.truth for d in drafts(object_abs_distance, room, seed=3)
    }
    # Bed to lamp is 3 cm: as good as touching.
    assert found == {frozenset({"bed", "sofa"}): 1.0, frozenset({"sofa", "lamp"}): 0.8}
    (published,) = drafts(object_abs_distance, room, PUBLISHED, wanted=1)
    assert published.categories["category, first object"] in {"sofa", "lamp"}


# ---- which is closest


LINE = [
    thing("bed", [0, 0, 0], CUBE),
    *(thing(name, [x, 0, 0], CUBE) for name, x in [("sofa", 1.0), ("tv", 1.5), ("desk", 2.1)]),
    thing("lamp", [3.0, 0, 0], CUBE),
    thing("chair", [1.1, 0, 0], CUBE),
    thing("chair", [8.0, 0, 0], CUBE),
]


@pytest.mark.parametrize(
    ("task", "options"),
    [(object_rel_distance_v1, 4), (object_rel_distance_v2, 3), (object_rel_distance_v3, 2)],
)
def test_the_closest_option_is_closest_by_the_gap_and_instances_count_by_the_nearest(task, options):
    places = {"bed": [0], "sofa": [1], "tv": [1.5], "desk": [2.1], "lamp": [3], "chair": [1.1, 8]}
    found = drafts(task, scene(LINE))
    assert found
    for draft in found:
        assert len(draft.distractors) == options - 1
        at = places[draft.fields["category"]][0]
        gaps = [
            min(abs(at - place) for place in places[name]) - 0.2
            for name in (draft.truth, *draft.distractors)
        ]
        assert gaps[0] >= 0.15 - 1e-9
        assert min(gaps[1:]) >= gaps[0] + 0.15 - 1e-9
        assert draft.fields["category"] not in (draft.truth, *draft.distractors)
    assert "chair" not in {draft.fields["category"] for draft in found}
    if options == 2:
        # Sofa and chair are 0.1 apart as seen from the bed.
        pairs = [{d.truth, *d.distractors} for d in found if d.fields["category"] == "bed"]
        assert {"sofa", "chair"} not in pairs


def test_in_a_large_room_the_gap_doubles_in_every_variant():
    room = [
        thing("bed", [0, 0, 0], CUBE),
        *(
            thing(n, [x, 0, 0], CUBE)
            for n, x in [("tv", 1.0), ("sofa", 1.2), ("desk", 1.4), ("lamp", 1.6)]
        ),
    ]
    small, large = scene(room, room_size=40.0), scene(room, room_size=40.1)

    def of_bed(task, place, rules):
        return [d for d in drafts(task, place, rules) if d.fields["category"] == "bed"]

    assert of_bed(object_rel_distance_v1, small, EXACT)
    assert not of_bed(object_rel_distance_v1, large, EXACT)
    # The published four-way task forgets about it.
    assert of_bed(object_rel_distance_v1, large, PUBLISHED)
    assert {d.truth for d in of_bed(object_rel_distance_v3, large, PUBLISHED)} == {"tv", "sofa"}


def test_the_published_cut_comes_before_the_filters():
    room = scene(LINE)
    assert len(drafts(object_rel_distance_v1, room, PUBLISHED, wanted=3)) <= 3
    few = [len(drafts(object_rel_distance_v1, room, PUBLISHED, 3, seed)) for seed in range(30)]
    assert min(few) < 3
    assert all(len(drafts(object_rel_distance_v1, room, EXACT, 3, s)) == 3 for s in range(30))


# ---- directions


def triangle(degrees: float, sides: float = 0.1):
    """A bed to stand by, a tv one metre ahead of it, and a sofa 2 m off at an angle to the left."""
    angle = np.radians(degrees)
    return scene(
        [
            thing("bed", [0, 0, 0], [0.1] * 3),
            thing("tv", [1, 0, 0], [0.1] * 3),
            thing("sofa", [2 * np.cos(angle), 2 * np.sin(angle), 0], [sides, sides, 0.1]),
        ]
    )


def sofa_seen_from_bed(task, room, rules=EXACT):
    found = [
        draft.truth
        for draft in drafts(task, room, rules)
        if draft.fields["positioning_object"] == "bed" and draft.fields["querying_object"] == "sofa"
    ]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("degrees", "exact", "published"),
    [
        (75, "front-left", "front-left"),
        (85, None, None),
        (95, None, "back-left"),
        (105, "back-left", "back-left"),
        (175, None, None),
        (195, "back-right", "back-right"),
        (265, None, None),
        (275, None, "front-right"),
        (300, "front-right", "front-right"),
        (355, None, None),
    ],
)
def test_quadrants_have_a_margin_that_is_one_sided_as_published(degrees, exact, published):
    room = triangle(degrees, sides=0.01)
    assert sofa_seen_from_bed(object_rel_direction_v1, room) == exact
    assert sofa_seen_from_bed(object_rel_direction_v1, room, PUBLISHED) == published


@pytest.mark.parametrize("rules", [EXACT, PUBLISHED])
@pytest.mark.parametrize(
    ("degrees", "three", "two"),
    [
        (30, "left", "left"),
        (120, "left", "left"),
        (130, None, None),
        (140, None, None),
        (150, "back", None),
        (210, "back", None),
        (240, "right", "right"),
        (340, "right", "right"),
        (352, None, None),
    ],
)
def test_what_needs_a_turn_of_135_degrees_is_at_the_back(degrees, three, two, rules):
    room = triangle(degrees, sides=0.01)
    assert sofa_seen_from_bed(object_rel_direction_v2, room, rules) == three
    assert sofa_seen_from_bed(object_rel_direction_v3, room, rules) == two


def test_a_thing_whose_corners_stray_into_another_sector_is_not_asked_for():
    assert sofa_seen_from_bed(object_rel_direction_v1, triangle(75, sides=0.1)) == "front-left"
    assert sofa_seen_from_bed(object_rel_direction_v1, triangle(75, sides=1.6)) is None


def test_things_must_be_neither_too_near_nor_too_far():
    room = triangle(60)
    far = scene([*room.objects[:2], thing("sofa", [0, 5.2, 0], [0.1] * 3)])
    near = scene([*room.objects[:2], thing("sofa", [0, 0.35, 0], [0.1] * 3)])
    above = scene([*room.objects[:2], thing("sofa", [0.0, 0.2, 2], [0.1] * 3)])
    assert sofa_seen_from_bed(object_rel_direction_v2, far) is None
    assert sofa_seen_from_bed(object_rel_direction_v2, near) is None
    assert sofa_seen_from_bed(object_rel_direction_v2, above) is None
    assert sofa_seen_from_bed(object_rel_direction_v2, above, PUBLISHED) == "left"


def test_all_six_orders_are_asked_and_three_as_published():
    room = triangle(60, sides=0.01)
    assert len(drafts(object_rel_direction_v2, room)) == 6
    orders = {tuple(d.fields.values()) for d in drafts(object_rel_direction_v2, room, PUBLISHED)}
    assert orders == {("bed", "tv", "sofa"), ("bed", "sofa", "tv"), ("tv", "bed", "sofa")}


def test_sectors_are_those_of_the_wording():
    angles = np.array([0.0, 89.9, 90.0, 134.9, 135.0, 225.0, 270.0])
    words = np.array(QUADRANTS.words)[QUADRANTS.sector(angles)]
    assert words.tolist() == ["front-left"] * 2 + ["back-left"] * 3 + ["back-right", "front-right"]
    words = np.array(LEFT_RIGHT_BACK.words)[LEFT_RIGHT_BACK.sector(angles)]
    assert words.tolist() == ["left"] * 4 + ["back", "right", "right"]


# ---- appearance


def showing(*firsts: int, frames: int = 12, dataset: str = "rooms", step: int = 1):
    """Things that come into view in the given frames, one after the other, and stay."""
    names = ["bed", "sofa", "tv", "desk", "lamp"][: len(firsts)]
    objects = [thing(name, [3, i, 0.5], CUBE, i) for i, name in enumerate(names)]
    shown = [
        frame(
            step * rank,
            camera_pose([0, 0, 1]),
            {i: (10 * i, 10, 10 * i + 20, 40) for i, first in enumerate(firsts) if rank >= first},
        )
        for rank in range(frames)
    ]
    return scene(objects, shown, dataset=dataset)


def test_things_appear_in_the_order_of_their_first_frames():
    (draft,) = drafts(obj_appearance_order, showing(4, 0, 8, 2))
    assert draft.truth == "sofa, desk, bed, tv"
    assert sorted(draft.categories["categories_involved"]) == ["bed", "desk", "sofa", "tv"]
    assert sorted(draft.fields) == ["choice_a", "choice_b", "choice_c", "choice_d"]
    assert len({draft.truth, *draft.distractors}) == 4
    for other in draft.distractors:
        assert sorted(other.split(", ")) == ["bed", "desk", "sofa", "tv"]


def test_things_that_appear_at_about_the_same_time_have_no_order():
    assert drafts(obj_appearance_order, showing(4, 0, 8, 5)) == []


def test_a_glimpse_before_makes_the_order_doubtful():
    room = showing(4, 0, 8, 2)
    glimpse = frame(0, camera_pose([0, 0, 1]), {**dict.fromkeys([1], (10, 10, 30, 40))})
    tiny = frame(0, camera_pose([0, 0, 1]), {1: (10, 10, 30, 40), 2: (0, 0, 1, 1)})
    clear = scene(room.objects, [glimpse, *room.frames[1:]])
    assert len(drafts(obj_appearance_order, clear)) == 1
    doubtful = scene(room.objects, [tiny, *room.frames[1:]])
    assert drafts(obj_appearance_order, doubtful) == []


def test_published_times_are_whole_seconds_that_differ_by_two():
    # ScanNet's videos count 24 frames a second: 30 frames are 1.25 s.
    assert (
        drafts(obj_appearance_order, showing(0, 1, 2, 3, dataset="scannet", step=30), PUBLISHED)
        == []
    )
    room = showing(0, 2, 4, 6, dataset="scannet", step=30)
    (draft,) = drafts(obj_appearance_order, room, PUBLISHED)
    assert draft.truth == "bed, sofa, tv, desk"


def test_frames_that_do_not_tell_objects_apart_are_named():
    with pytest.raises(SceneError, match="instance_id"):
        drafts(obj_appearance_order, scene([thing("bed", [1, 0, 0], CUBE)]))


def test_nobody_stands_by_what_hangs_from_the_ceiling():
    room = scene(
        [
            thing("bed", [0, 0, 0.1], [0.1, 0.1, 0.2]),
            thing("tv", [1, 0, 1], [0.1] * 3),
            thing("ceiling light", [1, 2, 2.4], [0.1] * 3),
        ]
    )
    found = drafts(object_rel_direction_v1, room) + drafts(object_rel_direction_v2, room)
    assert found
    assert {d.fields["positioning_object"] for d in found} <= {"bed", "tv"}
    assert "ceiling light" in {d.fields["querying_object"] for d in found}
