import numpy as np
import pytest
from simple_rooms import camera_pose

from vlm3r_ros.navigation.attended import AttendedConfig, AttendedKeyframe, AttendedLocator, lift
from vlm3r_ros.navigation.target import TargetStatus

GRID = (6, 8)


def keyframe(seed, objects, stray=0.0, pixels=(48, 64)):
    """A wall 4 m ahead; objects `(row, column, place)` are seen in one patch each."""
    random = np.random.default_rng(seed)
    height, width = pixels
    points = np.empty((height, width, 3))
    points[..., 0] = 4.0
    points[..., 1], points[..., 2] = np.meshgrid(
        np.linspace(3, -3, width), np.linspace(2.2, 0, height)
    )
    weights = random.uniform(0, 0.2, GRID)
    down, right = height // GRID[0], width // GRID[1]
    for row, column, place in objects:
        block = points[row * down : (row + 1) * down, column * right : (column + 1) * right]
        block[:] = np.asarray(place) + random.normal(0, 0.05, block.shape)
        weights[row, column] = 5.0
    if stray:
        weights[0, random.integers(GRID[1])] = stray
    return AttendedKeyframe(weights, points)


SOFA = (2.0, 1.0, 0.4)


def test_what_several_keyframes_attend_to_is_lifted_to_one_place():
    keyframes = [keyframe(seed, [(3, seed % 8, SOFA)]) for seed in range(5)]
    target = AttendedLocator(lambda name: keyframes).locate("sofa", camera_pose())
    assert target.status is TargetStatus.FOUND
    assert target.position == pytest.approx(SOFA, abs=0.05)
    assert target.radius < 0.2
    assert target.confidence > 0.9


def test_strays_and_wrong_points_are_outweighed():
    keyframes = [keyframe(seed, [(3, 2, SOFA)], stray=4.5) for seed in range(6)]
    spoilt = keyframes[0].points.copy()
    spoilt[24:32, 16:20] = np.nan  # half of the patch
    spoilt[24:26, 20:24] = 50.0
    keyframes[0] = AttendedKeyframe(keyframes[0].weights, spoilt)
    target = lift("sofa", keyframes, camera_pose())
    assert target.position == pytest.approx(SOFA, abs=0.1)
    assert target.confidence < 0.9


def test_of_several_the_nearest_is_taken_and_said_so():
    other = (3.5, -2.0, 0.4)
    keyframes = [keyframe(seed, [(3, 1, SOFA), (4, 6, other)]) for seed in range(4)]
    near_sofa = lift("chair", keyframes, camera_pose())
    assert near_sofa.status is TargetStatus.NEAREST_OF_SEVERAL
    assert near_sofa.count == 2
    assert near_sofa.position == pytest.approx(SOFA, abs=0.05)
    near_other = lift("chair", keyframes, camera_pose(3, -1.5))
    assert near_other.position == pytest.approx(other, abs=0.05)


@pytest.mark.parametrize(
    ("keyframes", "status"),
    [
        ([], TargetStatus.NO_FRAMES),
        ([keyframe(seed, []) for seed in range(3)], TargetStatus.NOT_SEEN),
        ([AttendedKeyframe(np.zeros(GRID), np.zeros((48, 64, 3)))], TargetStatus.NOT_SEEN),
        (
            [AttendedKeyframe(keyframe(0, [(3, 1, SOFA)]).weights, np.full((48, 64, 3), np.nan))],
            TargetStatus.NOT_SEEN,
        ),
        (
            [keyframe(seed, [(3, 1, (seed * 2.0, -seed, 0.4))]) for seed in range(4)],
            TargetStatus.UNSURE,
        ),
    ],
)
def test_where_nothing_stands_out_or_nothing_agrees_no_place_is_invented(keyframes, status):
    target = lift("sofa", keyframes, camera_pose())
    assert target.status is status
    assert np.isnan(target.position).all()


def test_points_that_are_not_trusted_do_not_count():
    keyframes = [keyframe(seed, [(3, 1, SOFA)]) for seed in range(3)]
    doubted = [
        AttendedKeyframe(each.weights, each.points, np.full(each.points.shape[:2], 1.2))
        for each in keyframes
    ]
    assert lift("sofa", doubted, camera_pose()).has_place
    config = AttendedConfig(min_confidence=1.5)
    assert lift("sofa", doubted, camera_pose(), config).status is TargetStatus.NOT_SEEN


def test_grids_that_do_not_divide_the_picture_are_fine():
    keyframes = [keyframe(seed, [(3, 1, SOFA)], pixels=(48, 64)) for seed in range(3)]
    odd = [AttendedKeyframe(each.weights, each.points[:47, :63]) for each in keyframes]
    assert lift("sofa", odd, camera_pose()).position == pytest.approx(SOFA, abs=0.2)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"\[rows, columns\]"):
        lift("sofa", [AttendedKeyframe(np.ones(5), np.ones((4, 4, 3)))], camera_pose())
