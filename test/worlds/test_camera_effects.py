import numpy as np
import pytest

from vlm3r_ros.worlds.camera_effects import (
    CameraEffects,
    Sensor,
    blurred,
    shutter_poses,
    to_linear,
    to_srgb,
)

GREY = np.full((60, 80, 3), 128, np.uint8)


def sensor(seed: int = 0, **effects: float) -> Sensor:
    return Sensor(CameraEffects(**effects), np.random.default_rng(seed))


def turned(degrees: float, x: float) -> np.ndarray:
    angle = np.radians(degrees)
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    pose[0, 3] = x
    return pose


def test_an_ideal_camera_changes_nothing():
    assert sensor().expose(GREY) is GREY


def test_every_value_survives_the_way_to_light_and_back():
    values = np.arange(256, dtype=np.uint8)
    # The darkest ones lie closer together than the table's levels.
    back = to_srgb(to_linear(values)).astype(int)
    assert np.abs(back - values).max() <= 1
    assert (back[20:] == values[20:]).all()


def test_noise_has_the_strength_asked_for_at_grey_and_is_seeded():
    noisy = sensor(noise=4.0).expose(GREY)
    assert noisy.std() == pytest.approx(4.0, rel=0.1)
    assert noisy.mean() == pytest.approx(128, abs=1)
    np.testing.assert_array_equal(noisy, sensor(noise=4.0).expose(GREY))
    assert (noisy != sensor(1, noise=4.0).expose(GREY)).any()


def test_dark_places_are_noisier_for_their_light():
    dark = sensor(noise=4.0).expose(GREY // 4).astype(float)
    bright = sensor(noise=4.0).expose(GREY).astype(float)
    assert dark.std() / dark.mean() > bright.std() / bright.mean()


def test_exposure_is_one_gain_for_a_clip_and_varies_between_clips():
    one = sensor(exposure=0.5)
    first = one.expose(GREY)
    np.testing.assert_array_equal(first, one.expose(GREY))
    means = [sensor(seed, exposure=0.5).expose(GREY).mean() for seed in range(40)]
    assert min(means) < 120
    assert max(means) > 136


def test_what_is_too_bright_is_white():
    assert to_srgb(np.float32([2.0, 1.0, -1.0])).tolist() == [255, 255, 0]


def test_the_shutter_opens_at_the_frame_and_closes_on_the_way_to_the_next():
    poses = shutter_poses(turned(0, 0), turned(10, 1), 0.5)
    np.testing.assert_allclose(poses[0], turned(0, 0), atol=1e-9)
    np.testing.assert_allclose(poses[-1], turned(5, 0.5), atol=1e-9)
    for pose in poses:
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)


def test_blur_is_the_mean_of_light_not_of_values():
    pictures = {0.0: np.full((1, 1, 3), 0, np.uint8), 1.0: np.full((1, 1, 3), 255, np.uint8)}
    poses = [turned(0, 0), turned(0, 1)]
    # Half of white's light is 188 in sRGB, not 128.
    assert blurred(lambda pose: pictures[pose[0, 3]], poses)[0, 0, 0] == 188


@pytest.mark.parametrize(
    "effects", [{"noise": -1.0}, {"motion_blur": 1.5}, {"exposure": float("nan")}]
)
def test_strengths_that_make_no_sense_are_refused(effects):
    with pytest.raises(ValueError, match=next(iter(effects))):
        CameraEffects(**effects)
