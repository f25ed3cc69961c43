from collections import Counter

import numpy as np
import pytest
import shapely
from furnished_rooms import box, rectangle, world

from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.camera_path import CLEARANCE, CameraPath, PathStyle, walk
from vlm3r_ros.worlds.free_space import floor_area
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.world import Split, WorldId

WORLDS = 18  # each is filmed in one style, so that every style occurs three times


def film(place, seed=0, style=None, *, frames=100, fps=10.0, width=64, height=48):
    generator = np.random.default_rng(seed)
    return walk(
        place,
        frames=frames,
        fps=fps,
        width=width,
        height=height,
        generator=generator,
        style=style,
    )


@pytest.fixture(scope="module")
def filmed():
    """Worlds with a path through each."""
    styles = list(PathStyle)
    worlds = [build_world(WorldId(Split.TEST, 0, index)) for index in range(WORLDS)]
    return [
        (place, film(place, index, styles[index % len(styles)]))
        for index, place in enumerate(worlds)
    ]


def speeds(path: CameraPath):
    """m/s and degrees a second between frames, `[F - 1]` each."""
    steps = np.diff(path.times)
    centres, turns = path.T_world_camera[:, :3, 3], path.T_world_camera[:, :3, :3]
    cosines = (np.einsum("nij,nij->n", turns[1:], turns[:-1]) - 1) / 2
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return np.linalg.norm(np.diff(centres, axis=0), axis=1) / steps, angles / steps


def furnished():
    return world(
        [
            ("table", box(2.5, 2, 1.2, 0.8)),
            ("sofa", box(2.5, 3.6, 2, 0.8)),
            ("bookshelf", box(0.2, 1.5, 0.4, 1.2, top=1.9)),
            ("lamp", box(4.6, 0.5, 0.3, 0.3, top=1.6)),
            ("picture", box(2.5, 0.02, 0.8, 0.04, bottom=1.3, top=1.8)),
        ]
    )


def test_no_camera_comes_near_walls_or_things(filmed):
    for place, path in filmed:
        centres = path.T_world_camera[:, :3, 3]
        nearest = np.min([item.box.distance(centres) for item in place.objects], axis=0)
        assert nearest.min() >= CLEARANCE, (place.id.name, path.style)
        floor = floor_area(place.floor_plan)
        points = shapely.points(centres[:, :2])
        assert shapely.contains(floor, points).all(), place.id.name
        assert shapely.distance(floor.boundary, points).min() >= CLEARANCE, place.id.name


def test_no_camera_passes_over_furniture(filmed):
    for place, path in filmed:
        low = path.T_world_camera[:, :3, 3].copy()
        for item in place.objects:
            if item.box.low[2] < 1.0 and item.box.high[2] > 0.1:
                low[:, 2] = (max(item.box.low[2], 0.0) + item.box.high[2]) / 2
                assert item.box.distance(low).min() > 0.1, (place.id.name, item.category)


def test_speeds_are_those_of_people_and_robots(filmed):
    for place, path in filmed:
        speed, turning = speeds(path)
        assert speed.max() < 1.25, (place.id.name, path.style)
        assert turning.max() < 90, (place.id.name, path.style)
        centres = path.T_world_camera[:, :2, 3]
        acceleration = np.linalg.norm(np.diff(centres, n=2, axis=0), axis=1) * 100
        assert acceleration.max() < 4, (place.id.name, path.style)


def test_poses_are_rigid_and_upright(filmed):
    for _, path in filmed:
        turns = path.T_world_camera[:, :3, :3]
        assert np.abs(turns @ turns.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
        assert np.linalg.det(turns) == pytest.approx(1)
        assert (path.T_world_camera[:, 3] == [0, 0, 0, 1]).all()
        assert (turns[:, 2, 1] < -0.6).all(), "y points down"
        roll = np.degrees(np.arcsin(turns[:, 2, 0]))
        assert np.abs(roll).max() < 6


def test_heights_stay_those_of_one_person_or_robot(filmed):
    for _, path in filmed:
        height = path.T_world_camera[:, 2, 3]
        assert height.min() > 0.35
        assert height.max() < 1.75
        assert np.ptp(height) < 0.08


def test_most_things_are_seen(filmed):
    shares = {style: [] for style in PathStyle}
    empty = 0
    for place, path in filmed:
        seen = set()
        for pose in path.T_world_camera[::4]:
            instance = render(place, path.intrinsics, pose, color=False).instance
            ids, pixels = np.unique(instance[instance >= 0], return_counts=True)
            seen.update(ids[pixels >= 12].tolist())
            empty += len(ids) == 0
        shares[path.style].append(len(seen) / len(place.objects))
    assert np.mean([np.mean(share) for share in shares.values()]) > 0.5, shares
    assert empty / (25 * len(filmed)) < 0.08


@pytest.fixture(scope="module")
def many_paths():
    """Paths through one room, styles as they come."""
    place = furnished()
    return [film(place, seed) for seed in range(60)]


def test_cameras_move_in_all_directions(many_paths):
    directions, distances = Counter(), []
    for path in many_paths:
        poses = path.T_world_camera[::6]
        for first in range(len(poses)):
            away = (poses[first + 1 :, :3, 3] - poses[first, :3, 3]) @ poses[first, :3, :3]
            distances += np.linalg.norm(away, axis=1).tolist()
            for x, _, z in away:
                if max(abs(x), abs(z)) > 0.5:
                    ahead = abs(z) >= abs(x)
                    directions["FB"[int(z < 0)] if ahead else "RL"[int(x < 0)]] += 1
    shares = {name: directions[name] / directions.total() for name in "FBLR"}
    assert min(shares.values()) > 0.07, shares
    assert np.quantile(distances, 0.9) > 1.5
    assert np.mean(np.array(distances) > 0.2) > 0.5


def turned(path):
    """Between the leftmost and the rightmost direction, rad."""
    forward = path.T_world_camera[:, :2, 2]
    return np.ptp(np.unwrap(np.arctan2(forward[:, 1], forward[:, 0])))


def test_cameras_turn_and_some_look_all_around(many_paths):
    assert np.median([turned(path) for path in many_paths]) > np.radians(90)
    place = furnished()
    standing = [film(place, seed, PathStyle.LOOK_AROUND, frames=120) for seed in range(20)]
    assert max(turned(path) for path in standing) > 2 * np.pi


def test_a_robot_looks_where_it_drives_and_a_person_shakes():
    place = furnished()
    path = film(place, 3, PathStyle.ROBOT)
    steps = np.diff(path.T_world_camera[:, :2, 3], axis=0)
    forward = path.T_world_camera[1:, :2, 2]
    drives = np.linalg.norm(steps, axis=1) > 0.02
    along = (steps * forward).sum(1)[drives] / np.linalg.norm(steps[drives], axis=1)
    assert np.abs(along).min() > 0.9

    person = film(place, 3, PathStyle.STROLL)
    rise_and_fall = [np.ptp(each.T_world_camera[:, 2, 3]) for each in (path, person)]
    assert rise_and_fall[0] < 0.005
    assert 0.01 < rise_and_fall[1] < 0.08


def test_the_generator_decides_everything():
    place = furnished()
    first, again, other = film(place, 5), film(place, 5), film(place, 6)
    assert (first.T_world_camera == again.T_world_camera).all()
    assert first.intrinsics == again.intrinsics
    assert first.style == again.style
    assert (first.T_world_camera != other.T_world_camera).any()


def test_every_style_occurs(many_paths):
    assert {path.style for path in many_paths} == set(PathStyle)


def test_intrinsics_vary_around_those_of_ordinary_cameras(many_paths):
    cameras = [path.intrinsics for path in many_paths]
    views = np.degrees([2 * np.arctan(32 / camera.fx) for camera in cameras])
    assert views.min() >= 55
    assert views.max() <= 95
    assert np.ptp(views) > 20
    for camera in cameras:
        assert camera.fx == camera.fy
        assert abs(camera.cx - 31.5) < 2
        assert abs(camera.cy - 23.5) < 2
        assert (camera.width, camera.height) == (64, 48)


@pytest.mark.parametrize(("frames", "fps"), [(1, 10.0), (2, 1.0), (300, 30.0), (32, 0.5)])
def test_any_number_of_frames_at_any_rate(frames, fps):
    path = film(furnished(), 1, frames=frames, fps=fps)
    assert path.T_world_camera.shape == (frames, 4, 4)
    assert path.times == pytest.approx(np.arange(frames) / fps)
    if frames == 300:
        speed, turning = speeds(path)
        assert speed.max() < 1.3
        assert turning.max() < 95


@pytest.mark.parametrize("style", list(PathStyle))
def test_an_empty_room_can_be_filmed(style):
    path = film(world(), 2, style)
    centres = path.T_world_camera[:, :2, 3]
    assert ((centres > CLEARANCE) & (centres < [5 - CLEARANCE, 4 - CLEARANCE])).all()
    turned = np.ptp(path.T_world_camera[:, 0, 2]) > 0.1
    assert turned or np.ptp(centres, axis=0).max() > 0.3, "it does not just stand"


def test_where_one_can_only_stand_one_turns():
    walls = [("wardrobe", box(x, 2, 2.1, 4, top=2)) for x in (1.05, 3.95)]
    path = film(world(walls), 0, PathStyle.STROLL)
    assert np.ptp(path.T_world_camera[:, :2, 3], axis=0)[0] < 0.3
    assert speeds(path)[1].max() > 10


def test_a_room_without_a_free_place_is_refused():
    full = world([("wardrobe", box(2.5, 2, 5, 4, top=2))])
    with pytest.raises(SceneError, match="room_test_0_000000: objects: leave no room"):
        film(full)


def test_a_passage_is_walked_through():
    rooms = (rectangle(0, 0, 3, 3), rectangle(3.16, 0, 6, 3))
    place = world(rooms=rooms, passages=(rectangle(3, 1, 3.16, 1.9),))
    crossed = 0
    for seed in range(12):
        x = film(place, seed, PathStyle.STROLL, frames=150).T_world_camera[:, 0, 3]
        crossed += x.min() < 3 and x.max() > 3.16
    assert crossed >= 2
