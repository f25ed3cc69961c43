"""Tasks about given frames and the live one, in rooms whose numbers are worked out by hand."""

from random import Random

import numpy as np
import pytest
from scenes import camera_pose, frame, scene, thing

from vlm3r_ros.questions.camera_distance import (
    camera_obj_abs_dist,
    camera_obj_rel_dist_v1,
    camera_obj_rel_dist_v2,
    camera_obj_rel_dist_v3,
)
from vlm3r_ros.questions.camera_motion import camera_displacement, camera_movement_direction
from vlm3r_ros.questions.distance_change import camera_obj_dist_change
from vlm3r_ros.questions.object_location import object_location
from vlm3r_ros.questions.object_position import (
    obj_obj_relative_pos_lr,
    obj_obj_relative_pos_nf,
    obj_obj_relative_pos_ud,
)
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.scene_view import SceneView

EXACT, PUBLISHED = RuleSet.EXACT, RuleSet.PUBLISHED
CUBE = [0.2, 0.2, 0.2]
BOX = (100, 100, 140, 140)


def drafts(task, room, rules=EXACT, wanted=1000, seed=0):
    return task(SceneView(room, rules), Random(seed), wanted)


def walk(*places, **named):
    """Frames of a camera that looks along +x from each of the places."""
    return [frame(10 * i, camera_pose(place, **named), {}) for i, place in enumerate(places)]


# ---- distance to the camera


def test_distance_is_from_the_camera_to_the_nearest_point():
    objects = [
        thing("bed", [3, 0, 1.5], [1, 1, 1], 0),
        thing("wall lamp", [0.25, 0, 1.5], CUBE, 1),
        thing("door", [12, 0, 1.5], CUBE, 2),
        thing("sofa", [2, 2, 1.5], CUBE, 3),
    ]
    shown = frame(7, camera_pose([0, 0, 1.5]), dict.fromkeys(range(3), BOX))
    (draft,) = drafts(camera_obj_abs_dist, scene(objects, [shown]))
    # The lamp is 15 cm off, the door 11.9 m, and the sofa is not in view.
    assert (draft.fields["object_name"], draft.truth) == ("bed", 2.5)
    assert draft.frames == (7,)
    assert draft.fields["frame_description"] == "frame 1 of 1"


@pytest.mark.parametrize(
    ("task", "options"),
    [(camera_obj_rel_dist_v1, 4), (camera_obj_rel_dist_v2, 3), (camera_obj_rel_dist_v3, 2)],
)
def test_the_closest_to_the_camera_is_closest_by_the_gap(task, options):
    places = {"bed": 0.3, "sofa": 1.0, "tv": 1.1, "desk": 1.3, "lamp": 2.0, "door": 3.0}
    objects = [thing(n, [x + 0.1, 0, 0], CUBE, i) for i, (n, x) in enumerate(places.items())]
    shown = frame(0, camera_pose([0, 0, 0]), dict.fromkeys(range(6), BOX))
    truths = set()
    for seed in range(30):
        (draft,) = drafts(task, scene(objects, [shown]), seed=seed)
        assert len(draft.distractors) == options - 1
        nearest = places[draft.truth]
        assert min(places[name] for name in draft.distractors) >= nearest + 0.15 - 1e-9
        truths.add(draft.truth)
        (published,) = drafts(task, scene(objects, [shown]), PUBLISHED, seed=seed)
        # The bed is nearer than half a metre, and silently no option.
        assert published.truth == "sofa"
    assert "bed" in truths


def test_published_variants_round_differently():
    objects = [thing("bed", [1.1, 0, 0], CUBE, 0), thing("tv", [1.26, 0, 0], CUBE, 1)]
    shown = frame(0, camera_pose([0, 0, 0]), dict.fromkeys(range(2), BOX))
    # 1.00 and 1.16 m are 0.2 apart when rounded, 1.00 and 1.14 are 0.1 apart.
    assert drafts(camera_obj_rel_dist_v3, scene(objects, [shown]), PUBLISHED)
    objects[1] = thing("tv", [1.24, 0, 0], CUBE, 1)
    assert not drafts(camera_obj_rel_dist_v3, scene(objects, [shown]), PUBLISHED)


def test_closer_and_farther_need_a_clear_change_of_one_thing():
    bed = thing("bed", [3.5, 0, 1.5], [1, 1, 1], 0)
    frames = [
        frame(i, camera_pose([x, 0, 1.5]), {0: BOX})
        for i, x in enumerate([0.0, 0.5, 0.2, 2.0, 1.9, 1.0])
    ]
    found = {(d.frames, d.truth) for d in drafts(camera_obj_dist_change, scene([bed], frames))}
    # Distances are 3.0, 2.5, 2.8, 1.0, 1.1, 2.0; the margin is 0.3 m or a tenth.
    assert found == {
        ((0, 3), "Closer"),
        ((0, 4), "Closer"),
        ((0, 5), "Closer"),
        ((1, 3), "Closer"),
        ((1, 4), "Closer"),
        ((1, 5), "Closer"),
        ((2, 4), "Closer"),
        ((2, 5), "Closer"),
        ((3, 5), "Farther"),
    }


def test_two_chairs_in_two_frames_are_not_one_that_moved():
    chairs = [thing("chair", [2, 0, 1], CUBE, 0), thing("chair", [6, 0, 1], CUBE, 1)]
    pose = camera_pose([0, 0, 1.5])
    frames = [frame(0, pose, {0: BOX}), frame(1, pose, {}), frame(2, pose, {1: BOX})]
    assert drafts(camera_obj_dist_change, scene(chairs, frames)) == []


# ---- position of one thing from another


def left_and_right(task, objects, pixels, rules=EXACT, pose=None):
    pose = camera_pose([0, 0, 1.5]) if pose is None else pose
    room = scene(objects, [frame(0, pose, pixels)])
    return {
        (d.fields["obj_A_name"], d.truth, d.fields["obj_B_name"]) for d in drafts(task, room, rules)
    }


PAIR = [thing("bed", [3, 1, 1.5], CUBE, 0), thing("tv", [3.5, 0, 1.5], CUBE, 1)]
LEFT_OF = {0: (50, 100, 90, 140), 1: (140, 100, 180, 140)}


def test_left_right_and_near_far_are_asked_both_ways_round_and_as_published_one():
    assert left_and_right(obj_obj_relative_pos_lr, PAIR, LEFT_OF) == {
        ("bed", "Left", "tv"),
        ("tv", "Right", "bed"),
    }
    assert left_and_right(obj_obj_relative_pos_lr, PAIR, LEFT_OF, PUBLISHED) == {
        ("bed", "Left", "tv")
    }
    assert left_and_right(obj_obj_relative_pos_nf, PAIR, LEFT_OF) == {
        ("bed", "Near", "tv"),
        ("tv", "Far", "bed"),
    }


def test_the_published_order_is_that_of_instance_ids():
    swapped = [thing("bed", [3, 1, 1.5], CUBE, 1), thing("tv", [3.5, 0, 1.5], CUBE, 0)]
    pixels = {1: LEFT_OF[0], 0: LEFT_OF[1]}
    assert left_and_right(obj_obj_relative_pos_lr, swapped, pixels, PUBLISHED) == {
        ("tv", "Right", "bed")
    }


def test_empty_space_of_15_cm_is_needed():
    near = [thing("bed", [3, 0.34, 1.5], CUBE, 0), thing("tv", [3, 0, 1.5], CUBE, 1)]
    assert left_and_right(obj_obj_relative_pos_lr, near, LEFT_OF) == set()
    assert left_and_right(obj_obj_relative_pos_lr, near, LEFT_OF, PUBLISHED) == set()
    near[0] = thing("bed", [3, 0.36, 1.5], CUBE, 0)
    assert len(left_and_right(obj_obj_relative_pos_lr, near, LEFT_OF)) == 2


def test_where_pixels_and_metres_disagree_only_the_published_rules_ask():
    # The far door is 1.2 m to the left and the near tv 1 m, yet the door appears further right.
    things = [thing("door", [9, 1.4, 1.5], CUBE, 0), thing("tv", [2, 1, 1.5], CUBE, 1)]
    pixels = {0: (120, 100, 130, 140), 1: (20, 100, 60, 140)}
    assert left_and_right(obj_obj_relative_pos_lr, things, pixels) == set()
    assert left_and_right(obj_obj_relative_pos_lr, things, pixels, PUBLISHED) == {
        ("door", "Left", "tv")
    }


def test_what_reaches_behind_the_camera_takes_part_only_as_published():
    things = [thing("bed", [0.5, 1, 1.5], [2, 0.2, 1], 0), PAIR[1]]
    assert left_and_right(obj_obj_relative_pos_lr, things, LEFT_OF) == set()
    assert left_and_right(obj_obj_relative_pos_lr, things, LEFT_OF, PUBLISHED)


def test_up_is_up_in_the_image_and_above_the_floor():
    things = [thing("clock", [3, 0, 2.3], CUBE, 0), thing("stool", [3, 0, 0.4], CUBE, 1)]
    pixels = {0: (140, 20, 180, 60), 1: (140, 180, 180, 220)}
    assert left_and_right(obj_obj_relative_pos_ud, things, pixels) == {
        ("clock", "Up", "stool"),
        ("stool", "Down", "clock"),
    }
    # A camera that looks steeply down sees the far one of two things on a floor higher up.
    floor = [thing("rug", [4, 0, 0.1], CUBE, 0), thing("stool", [2, 0, 0.4], CUBE, 1)]
    pose = camera_pose([0, 0, 1.5], pitch=-0.8)
    assert left_and_right(obj_obj_relative_pos_ud, floor, pixels, PUBLISHED, pose) == {
        ("rug", "Up", "stool")
    }
    assert left_and_right(obj_obj_relative_pos_ud, floor, pixels, EXACT, pose) == set()


# ---- motion


def test_displacement_is_the_distance_of_the_camera_centres():
    room = scene([], walk(*([0.1 * i, 0, 1.5] for i in range(5)), [3, 4, 1.5]))
    found = {(d.frames, d.truth) for d in drafts(camera_displacement, room)}
    assert found == {((0, 50), 5.0)}


def test_displacement_does_not_depend_on_the_world_and_the_published_one_does():
    poses = [camera_pose([0.3 * i, 0.1 * i, 1.5], yaw=0.2 * i) for i in range(6)]
    turn = np.eye(4)
    turn[:3, :3] = camera_pose([0, 0, 0], yaw=0.9)[:3, :3]
    turn[:3, 3] = [5, -3, 2]

    def truth(poses, rules):
        room = scene([], [frame(i, pose, {}) for i, pose in enumerate(poses)])
        return [d.truth for d in drafts(camera_displacement, room, rules)]

    moved = [turn @ pose for pose in poses]
    assert truth(poses, EXACT) == truth(moved, EXACT) == [1.6]
    assert truth(poses, PUBLISHED) != truth(moved, PUBLISHED)


def test_published_displacement_of_a_camera_that_only_shifts_is_right():
    room = scene([], walk(*([0.3 * i, 0, 1.5] for i in range(6)), yaw=0.4))
    assert [d.truth for d in drafts(camera_displacement, room, PUBLISHED)] == [1.5]


def moves(room, rules=EXACT, variant="V2"):
    return {
        d.frames: d.truth
        for d in drafts(camera_movement_direction, room, rules)
        if d.variant == variant
    }


@pytest.mark.parametrize("yaw", [0.0, 1.1])
@pytest.mark.parametrize(
    ("ahead", "left", "up", "word"),
    [
        (1.0, 0.3, 0.0, "Forward"),
        (-0.8, 0.0, 0.1, "Backward"),
        (0.2, 0.7, 0.0, "Left"),
        (0.0, -0.6, 0.0, "Right"),
        (1.0, 0.6, 0.0, None),  # not twice as much
        (0.4, 0.0, 0.0, None),  # too short
        (0.6, 0.0, 0.5, None),  # about as much up
    ],
)
def test_the_main_direction_is_clear_in_the_plane(ahead, left, up, word, yaw):
    forward, side = (
        np.array([np.cos(yaw), np.sin(yaw), 0]),
        np.array([-np.sin(yaw), np.cos(yaw), 0]),
    )
    end = [0, 0, 1.2] + ahead * forward + left * side + [0, 0, up]
    room = scene([], walk([0, 0, 1.2], end, yaw=yaw, pitch=-0.5))
    assert moves(room).get((0, 10)) == word


def test_going_back_on_the_way_is_no_consistent_direction():
    steady = scene([], walk([0, 0, 1], [0.5, 0, 1], [1.0, 0, 1]))
    back_and_forth = scene([], walk([0, 0, 1], [1.6, 0, 1], [1.0, 0, 1]))
    assert moves(steady)[0, 20] == "Forward"
    assert (0, 20) not in moves(back_and_forth)
    assert moves(back_and_forth, PUBLISHED)[0, 20] == "Forward"


def test_a_camera_that_looks_at_the_floor_has_no_direction():
    room = scene([], walk([0, 0, 1], [1, 0, 1], pitch=-1.3))
    assert moves(room) == {}


def test_published_moves_take_the_larger_axis_and_more_in_the_first_variant():
    room = scene([], walk([0, 0, 1], [0.7, 0.69, 1]))
    assert moves(room, PUBLISHED) == {(0, 10): "Forward"}
    assert moves(room, PUBLISHED, "V1") == {}
    assert moves(room) == {}


def test_variants_have_four_three_and_two_options():
    room = scene([], walk([0, 0, 1], [2, 0, 1]))
    options = {d.variant: d.distractors for d in drafts(camera_movement_direction, room)}
    assert {variant: len(others) for variant, others in options.items()} == {
        "V1": 3,
        "V2": 2,
        "V3": 1,
    }
    assert all("Forward" not in others for others in options.values())


# ---- where is it now


def test_a_place_is_told_from_the_last_frame_also_of_what_is_out_of_view():
    objects = [
        thing("sofa", [0, 3, 0.5], [1, 1, 1], 0),
        thing("tv", [0, -2, 1], CUBE, 1),
        thing("lamp", [-1, 0, 1], CUBE, 2),
        thing("bed", [5, 5, 1], CUBE, 3),
        thing("clock", [0.1, 0, 2.5], CUBE, 4),
    ]
    first = frame(0, camera_pose([0, 0, 1], yaw=1), dict.fromkeys((0, 1, 2, 4), BOX))
    last = frame(1, camera_pose([0, 0, 1]), {})
    found = {
        d.fields["object_name"]: d.truth
        for d in drafts(object_location, scene(objects, [first, last]))
    }
    # The bed was never seen; the clock hangs above the camera.
    assert found == {
        "sofa": "90 degrees left, 2.5 meters",
        "tv": "90 degrees right, 1.9 meters",
        "lamp": "behind, 0.9 meters",
    }


def test_without_a_pose_of_the_last_frame_nothing_is_told():
    sofa = [thing("sofa", [0, 3, 0.5], [1, 1, 1], 0)]
    first = frame(0, camera_pose([0, 0, 1]), {0: BOX})
    lost = frame(1, np.full((4, 4), np.nan), {0: BOX})
    assert drafts(object_location, scene(sofa, [first, lost])) == []
    assert len(drafts(object_location, scene(sofa, [lost, first]))) == 1
