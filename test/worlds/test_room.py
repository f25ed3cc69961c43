import json
from pathlib import Path

import numpy as np
import pytest

import vlm3r_ros
from vlm3r_ros.recordings import open_recording
from vlm3r_ros.worlds import Box, Camera, Room, Surface, living_room, look_at, render, walk

CAMERA = Camera(width=64, height=48, focal=48.0)
ASSETS = Path(vlm3r_ros.__file__).parent / "assets"


def unproject(depth: np.ndarray, camera: Camera, T_world_camera: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: camera.height, : camera.width]
    pixels = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.matrix()).T
    points = pixels * depth[..., None]
    return points @ T_world_camera[:3, :3].T + T_world_camera[:3, 3]


def test_depth_is_metric_along_the_optical_axis():
    room = Room(size=(6.0, 4.0, 3.0), boxes=())
    view = render(room, CAMERA, look_at(np.array([2.0, 0, 1.5]), np.array([6.0, 0, 1.5])))
    np.testing.assert_allclose(view.depth[20:28, 28:36], 4.0, atol=1e-5)


def test_a_box_hides_the_wall_behind_it_where_it_should():
    box = Box("crate", (3.0, -0.5, 1.0), (4.0, 0.5, 2.0), (0.5, 0.5, 0.5), Surface.WOOD)
    room = Room(size=(6.0, 4.0, 3.0), boxes=(box,))
    view = render(room, CAMERA, look_at(np.array([1.0, 0, 1.5]), np.array([6.0, 0, 1.5])))
    on_box = view.label == 0
    # Its face is 1 m wide at 2 m: 24 by 24 pixels.
    assert on_box.sum() == 24 * 24
    np.testing.assert_allclose(view.depth[on_box], 2.0, atol=1e-5)


def test_left_is_left_and_up_is_up():
    lamp = Box("lamp", (4.0, 1.0, 2.0), (4.2, 1.2, 2.2), (1, 1, 1), Surface.PLASTER)
    view = render(
        Room(size=(6.0, 4.0, 3.0), boxes=(lamp,)),
        CAMERA,
        look_at(np.array([1.0, 0, 1.5]), np.array([6.0, 0, 1.5])),
    )
    rows, columns = np.nonzero(view.label == 0)
    assert columns.max() < CAMERA.width / 2
    assert rows.max() < CAMERA.height / 2


def test_every_pixel_of_a_walk_lies_inside_the_room():
    room = living_room()
    for pose in walk(5):
        points = unproject(render(room, CAMERA, pose).depth, CAMERA, pose)
        assert (points >= room.low - 1e-3).all()
        assert (points <= room.high + 1e-3).all()


def test_two_views_agree_on_colour_and_place():
    room, poses = living_room(), walk(40)
    first, second = (render(room, Camera(), poses[i], samples=2) for i in (10, 12))
    points = unproject(first.depth, Camera(), poses[10])
    inside = (points - poses[12][:3, 3]) @ poses[12][:3, :3]
    pixels = inside @ Camera().matrix().T
    columns, rows = np.rint(pixels[..., :2] / pixels[..., 2:]).astype(int).transpose(2, 0, 1)
    seen = (columns >= 0) & (columns < 320) & (rows >= 0) & (rows < 240)
    columns, rows = columns[seen], rows[seen]
    unhidden = np.abs(second.depth[rows, columns] - inside[seen][:, 2]) < 0.03
    assert unhidden.mean() > 0.9
    difference = np.abs(
        second.color[rows, columns].astype(int) - first.color[seen].astype(int)
    ).mean(-1)[unhidden]
    assert np.median(difference) < 8


def test_the_same_seed_gives_the_same_picture_and_another_seed_another():
    pose = walk(3)[1]
    first = render(living_room(1), CAMERA, pose).color
    np.testing.assert_array_equal(first, render(living_room(1), CAMERA, pose).color)
    assert (first != render(living_room(2), CAMERA, pose).color).any()


def test_walking_is_smooth_and_stays_in_the_room():
    poses, room = walk(90), living_room()
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    assert steps.max() * 10 < 1.0
    assert (poses[:, :3, 3] > room.low).all()
    assert (poses[:, :3, 3] < room.high).all()
    np.testing.assert_allclose(np.linalg.det(poses[:, :3, :3]), 1)


def test_the_packaged_clip_is_the_rendered_walk():
    truth = json.loads((ASSETS / "demo_room.json").read_text())
    clip = open_recording(ASSETS / "demo_room.mp4")
    assert (ASSETS / "demo_room.mp4").stat().st_size < 1_000_000
    frames = list(clip)
    assert len(frames) == len(truth["T_world_camera"])
    assert clip.frame_rate == truth["rate"]
    middle = len(frames) // 2
    view = render(
        living_room(truth["seed"]),
        Camera(truth["width"], truth["height"], truth["intrinsics"][0][0]),
        np.array(truth["T_world_camera"][middle]),
        samples=2,
    )
    difference = np.abs(view.color.astype(int) - frames[middle].image.astype(int))
    assert difference.mean() < 8


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_samples_smooth_edges_without_moving_them(samples):
    view = render(living_room(), CAMERA, walk(3)[0], samples)
    single = render(living_room(), CAMERA, walk(3)[0])
    assert np.abs(view.color.astype(int) - single.color).mean() < 12
    assert (view.label == single.label).mean() > 0.9
