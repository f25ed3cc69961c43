"""The renderer against a slow ray caster that shares nothing with it."""

from dataclasses import replace

import numpy as np
import pytest

from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.filming import Film, FilmSettings
from vlm3r_ros.worlds.primitives import (
    Material,
    Placed,
    Primitive,
    PrimitiveTable,
    Shape,
    Texture,
    build_table,
)
from vlm3r_ros.worlds.rendering import NO_OBJECT, View, render
from vlm3r_ros.worlds.scene import FloorPlan, Intrinsics
from vlm3r_ros.worlds.world import Lighting, Split, World, WorldId

CAMERA = Intrinsics(fx=50.0, fy=52.0, cx=31.0, cy=24.5, width=64, height=48)


def world(*placed: Placed) -> World:
    lamp = np.float32([[0.5, 0.5, 4.0]])
    lighting = Lighting(lamp, np.ones((1, 3), np.float32), np.full(3, 0.4, np.float32))
    plan = FloorPlan((np.array([[0, 0], [9, 0], [9, 9], [0, 9]], float),))
    return World(WorldId(Split.TRAIN, 0, 0), "hall", (), build_table(placed), lighting, plan, 2.5)


def random_pose(rng: np.random.Generator, reach: float = 3.0) -> np.ndarray:
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    pose = np.eye(4)
    pose[:3, :3] = turn * np.sign(np.linalg.det(turn))
    pose[:3, 3] = rng.uniform(-reach, reach, 3)
    return pose


def random_world(rng: np.random.Generator, count: int = 25) -> World:
    placed = []
    for number in range(count):
        shape = Shape(int(rng.integers(3)))
        primitive = Primitive(
            shape,
            tuple(rng.uniform(-1, 1, 3)),
            tuple(rng.uniform(0.1, 0.9, 3)),
            Material(Texture(int(rng.integers(len(Texture))))),
            yaw=rng.uniform(-4, 4),
            pitch=rng.uniform(-2, 2),
        )
        place = tuple(rng.uniform(-5, 5, 3))
        placed.append(Placed([primitive], place, rng.uniform(-4, 4), number, number))
    return world(*placed)


def hits(table: PrimitiveTable, p: int, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Ray parameter at which rays `[R, 3]` meet a primitive first; inf where they do not."""
    half = table.half[p].astype(float)
    turn = table.rotation[p].astype(float)
    start = (origin - table.center[p]) @ turn / half
    rays = rays @ turn / half
    with np.errstate(divide="ignore", invalid="ignore"):
        if table.shape[p] == Shape.BOX:
            ends = np.sort(np.stack([(-1 - start) / rays, (1 - start) / rays]), 0)
            near, far = ends[0].max(1), ends[1].min(1)
        else:
            axes = 2 if table.shape[p] == Shape.CYLINDER else 3
            a = (rays[:, :axes] ** 2).sum(1)
            b = rays[:, :axes] @ start[:axes]
            c = start[:axes] @ start[:axes] - 1
            root = np.sqrt(b * b - a * c)
            near, far = (-b - root) / a, (-b + root) / a
            if axes == 2:
                caps = np.sort(
                    np.stack([(-1 - start[2]) / rays[:, 2], (1 - start[2]) / rays[:, 2]]), 0
                )
                near, far = np.maximum(near, caps[0]), np.minimum(far, caps[1])
        met = (near <= far) & (far > 0)
        return np.where(met, np.where(near > 0, near, far), np.inf)


def cast(place: World, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth and instance of every pixel, all primitives against all rays."""
    rows, columns = np.mgrid[: CAMERA.height, : CAMERA.width]
    x = (columns - CAMERA.cx) / CAMERA.fx
    y = (rows - CAMERA.cy) / CAMERA.fy
    rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3) @ pose[:3, :3].T
    table = place.primitives
    depths = np.stack([hits(table, p, pose[:3, 3], rays) for p in range(len(table))])
    nearest = depths.argmin(0)
    depth = depths.min(0)
    instance = np.where(np.isfinite(depth), table.instance[nearest], NO_OBJECT)
    return depth.reshape(rows.shape), instance.reshape(rows.shape)


def agree(view: View, depth: np.ndarray, instance: np.ndarray) -> None:
    same = view.instance == instance
    # A ray through an edge may fall to either side of it.
    assert same.mean() > 0.995
    both = same & np.isfinite(depth)
    np.testing.assert_allclose(view.depth[both], depth[both], rtol=2e-4)
    assert np.isinf(view.depth[same & ~np.isfinite(depth)]).all()


@pytest.mark.parametrize("seed", range(12))
def test_depth_and_instance_are_those_of_a_slow_ray_caster(seed):
    rng = np.random.default_rng(seed)
    place, pose = random_world(rng), random_pose(rng)
    agree(render(place, CAMERA, pose, color=False), *cast(place, pose))


@pytest.mark.parametrize("index", range(6))
def test_furnished_rooms_are_seen_as_by_a_slow_ray_caster(index):
    film = Film.of(WorldId(Split.TRAIN, 3, index), FilmSettings(frames=10))
    for pose in film.path.T_world_camera[::5]:
        view = render(film.world, CAMERA, pose, color=False)
        depth, instance = cast(film.world, pose)
        assert (view.instance == instance).mean() > 0.99
        # Surfaces that coincide, such as a door in its wall, are at one depth.
        near = np.abs(view.depth - depth) < 1e-3 * depth
        assert near.mean() > 0.99


@pytest.mark.parametrize("shape", list(Shape))
def test_a_solid_that_holds_the_camera_is_seen_from_inside(shape):
    ball = Placed([Primitive(shape, (0, 0, 0), (1.0, 1.0, 1.0), Material())], instance=4)
    view = render(world(ball), CAMERA, np.eye(4))
    assert (view.instance == 4).all()
    assert view.depth[24, 31] == pytest.approx(1.0, abs=0.01)


def test_left_is_left_and_up_is_up():
    crate = Placed(
        [Primitive(Shape.BOX, (-1.0, -1.0, 4.0), (0.2, 0.2, 0.2), Material())], instance=0
    )
    rows, columns = np.nonzero(render(world(crate), CAMERA, np.eye(4)).instance == 0)
    assert columns.max() < CAMERA.cx
    assert rows.max() < CAMERA.cy


def test_an_empty_world_is_infinitely_far():
    view = render(world(), CAMERA, np.eye(4))
    assert np.isinf(view.depth).all()
    assert (view.instance == NO_OBJECT).all()


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_samples_smooth_colours_and_leave_depth_and_instances(samples):
    place = build_world(WorldId(Split.TRAIN, 3, 1))
    pose = Film.of(place.id, FilmSettings(frames=3)).path.T_world_camera[0]
    once, more = render(place, CAMERA, pose), render(place, CAMERA, pose, samples=samples)
    np.testing.assert_array_equal(once.depth, more.depth)
    np.testing.assert_array_equal(once.instance, more.instance)
    assert np.abs(once.color.astype(int) - more.color).mean() < 12


def test_without_colour_the_rest_is_the_same():
    place = build_world(WorldId(Split.TRAIN, 3, 2))
    pose = Film.of(place.id, FilmSettings(frames=3)).path.T_world_camera[1]
    with_color, without = render(place, CAMERA, pose), render(place, CAMERA, pose, color=False)
    assert without.color is None
    np.testing.assert_array_equal(with_color.depth, without.depth)
    np.testing.assert_array_equal(with_color.instance, without.instance)


def test_the_same_world_gives_the_same_picture_and_another_another():
    pictures = []
    for index in (5, 5, 6):
        film = Film.of(WorldId(Split.TRAIN, 3, index), FilmSettings(frames=3))
        pictures.append(render(film.world, CAMERA, film.path.T_world_camera[0]).color)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).any()


def test_two_views_agree_on_the_colour_of_a_place():
    film = Film.of(WorldId(Split.TRAIN, 3, 4), FilmSettings(frames=60, width=160, height=120))
    camera, poses = film.path.intrinsics, film.path.T_world_camera
    differences = []
    for first in range(0, 58, 10):
        a, b = (render(film.world, camera, poses[i], samples=2) for i in (first, first + 1))
        rows, columns = np.mgrid[: camera.height, : camera.width]
        x, y = (columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy
        points = np.stack([x, y, np.ones_like(x)], -1) * a.depth[..., None]
        points = points @ poses[first][:3, :3].T + poses[first][:3, 3]
        inside = (points - poses[first + 1][:3, 3]) @ poses[first + 1][:3, :3]
        u = np.rint(inside[..., 0] / inside[..., 2] * camera.fx + camera.cx).astype(int)
        v = np.rint(inside[..., 1] / inside[..., 2] * camera.fy + camera.cy).astype(int)
        good = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
        u, v = np.where(good, u, 0), np.where(good, v, 0)
        good &= np.abs(b.depth[v, u] - inside[..., 2]) < 0.02 * inside[..., 2]
        change = np.abs(a.color.astype(int) - b.color[v, u]).mean(-1)
        differences.append(np.median(change[good]))
    assert max(differences) < 10


@pytest.mark.parametrize("pose", [np.full((4, 4), np.nan), np.eye(3)])
def test_a_pose_that_is_none_is_refused(pose):
    with pytest.raises(ValueError, match="pose"):
        render(world(), CAMERA, pose)


def test_every_texture_paints_something_of_its_own():
    pictures = []
    for texture in Texture:
        material = Material(texture, (0.8, 0.5, 0.3), (0.1, 0.2, 0.6))
        plate = Placed([Primitive(Shape.BOX, (0, 0, 1.0), (0.6, 0.5, 0.05), material)], instance=0)
        pictures.append(render(world(plate), replace(CAMERA), np.eye(4)).color.astype(int))
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            assert np.abs(one - other).max() > 3
