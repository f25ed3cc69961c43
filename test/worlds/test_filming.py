from dataclasses import replace

import numpy as np
import pytest

from vlm3r_ros.worlds.camera_effects import CameraEffects
from vlm3r_ros.worlds.filming import Film, FilmSettings, film_scene, model_frames
from vlm3r_ros.worlds.world import Split, WorldId

WORLD = WorldId(Split.VAL, 0, 3)
SMALL = FilmSettings(frames=6, fps=5, width=64, height=48)


@pytest.mark.parametrize("frames", [1, 5, 31, 32, 33, 100, 1201])
def test_a_model_is_shown_32_frames_spread_from_first_to_last(frames):
    shown = model_frames(frames)
    assert len(shown) == min(frames, 32)
    assert shown[0] == 0
    assert shown[-1] == frames - 1
    assert shown == sorted(set(shown))
    if frames >= 32:
        assert shown == [int(i) for i in np.linspace(0, frames - 1, 32)]


def test_a_film_has_its_frames_with_poses_times_and_pictures():
    film = Film.of(WORLD, SMALL)
    frames = list(film.frames())
    assert [frame.index for frame in frames] == list(range(6))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(6) / 5)
    for frame in frames:
        assert frame.color.shape == (48, 64, 3)
        assert frame.view.depth.shape == frame.view.instance.shape == (48, 64)
        np.testing.assert_array_equal(frame.T_world_camera, film.path.T_world_camera[frame.index])
    assert (frames[0].color != frames[-1].color).any()


def test_a_frame_does_not_depend_on_which_others_are_rendered():
    every = list(Film.of(WORLD, SMALL).frames())
    (alone,) = Film.of(WORLD, SMALL).frames([4])
    np.testing.assert_array_equal(alone.color, every[4].color)
    np.testing.assert_array_equal(alone.view.depth, every[4].view.depth)


def test_depth_and_instances_are_the_same_without_colour():
    film = Film.of(WORLD, SMALL)
    (with_color,), (without,) = film.frames([2]), film.frames([2], color=False)
    with pytest.raises(ValueError, match="frame 2 was rendered without colour"):
        _ = without.color
    np.testing.assert_array_equal(without.view.depth, with_color.view.depth)
    np.testing.assert_array_equal(without.view.instance, with_color.view.instance)


@pytest.mark.parametrize("effect", ["motion_blur", "exposure", "noise"])
def test_camera_effects_change_colours_alone_and_always_in_the_same_way(effect):
    settings = replace(SMALL, effects=CameraEffects(**{effect: 0.8}))
    plain = list(Film.of(WORLD, SMALL).frames())
    film = Film.of(WORLD, settings)
    changed, again = list(film.frames()), list(film.frames())
    assert any((one.color != two.color).any() for one, two in zip(plain, changed, strict=True))
    for one, two, three in zip(plain, changed, again, strict=True):
        assert np.corrcoef(one.color.ravel(), two.color.ravel())[0, 1] > 0.9
        np.testing.assert_array_equal(one.view.depth, two.view.depth)
        np.testing.assert_array_equal(one.view.instance, two.view.instance)
        np.testing.assert_array_equal(two.color, three.color)


def test_blur_needs_a_camera_that_moves():
    settings = replace(SMALL, frames=1, effects=CameraEffects(motion_blur=1.0))
    (blurred,) = Film.of(WORLD, settings).frames()
    (still,) = Film.of(WORLD, replace(SMALL, frames=1)).frames()
    np.testing.assert_array_equal(blurred.color, still.color)


def test_a_scene_in_memory_says_what_its_frames_show():
    scene, frames = film_scene(WORLD, SMALL)
    assert scene.name == WORLD.name
    assert scene.intrinsics is not None
    assert (scene.intrinsics.width, scene.intrinsics.height) == (64, 48)
    assert [frame.frame_id for frame in scene.frames] == [frame.index for frame in frames]
    names = {item.instance_id for item in scene.objects}
    shown = 0
    for described, filmed in zip(scene.frames, frames, strict=True):
        listed = {seen.instance_id: seen for seen in described.visible}
        assert set(listed) == set(np.unique(filmed.view.instance)) - {-1}
        assert set(listed) <= names
        for identity, seen in listed.items():
            rows, columns = np.nonzero(filmed.view.instance == identity)
            assert seen.pixels == len(rows)
            assert seen.bbox == (columns.min(), rows.min(), columns.max(), rows.max())
            assert 0 < seen.fraction <= 1
        shown += len(listed)
    assert shown > 0


def test_worlds_of_different_splits_differ():
    first, second = (Film.of(WorldId(split, 0, 3), SMALL) for split in (Split.TRAIN, Split.TEST))
    places = [tuple(item.box.centroid) for item in first.world.objects]
    assert not set(places) & {tuple(item.box.centroid) for item in second.world.objects}
    assert (first.path.T_world_camera != second.path.T_world_camera).any()


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"fps": 0.0}, {"fps": float("nan")}, {"width": 0}, {"samples": 0}]
)
def test_settings_of_no_sense_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FilmSettings(**wrong)
