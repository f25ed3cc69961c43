import pytest

from vlm3r_ros.worlds.scene import Intrinsics


def test_a_resized_image_shows_a_point_at_the_same_share_of_its_sides():
    camera = Intrinsics(200.0, 210.0, 159.5, 118.0, 320, 240)
    small = camera.resized(64, 48)
    x, y, z = 0.4, -0.3, 2.0
    across = (x / z * camera.fx + camera.cx + 0.5) / 320
    down = (y / z * camera.fy + camera.cy + 0.5) / 240
    assert (x / z * small.fx + small.cx + 0.5) / 64 == pytest.approx(across)
    assert (y / z * small.fy + small.cy + 0.5) / 48 == pytest.approx(down)
