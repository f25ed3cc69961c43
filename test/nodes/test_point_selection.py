import numpy as np
import pytest
import torch
from std_msgs.msg import Header

from vlm3r_ros.assistant.tracking import SceneObservation
from vlm3r_ros.nodes.message_conversion import cloud_to_points, points_to_cloud
from vlm3r_ros.nodes.point_selection import select_points


def observation(points, confidence=None):
    nothing = torch.empty(0)
    return SceneObservation(
        0.0, "a", 0, nothing, nothing, (1, 1), np.eye(4), 1.0, points, confidence, None, nothing, 0
    )


@pytest.fixture
def ramp():
    y, x = np.mgrid[0:12, 0:16].astype(np.float32)
    return np.stack([x, y, np.ones_like(x)], -1)


@pytest.mark.parametrize("most", [1, 7, 48, 191, 192, 10_000])
def test_thinning_keeps_rows_and_columns_and_the_bound(ramp, most):
    colors = np.zeros((12, 16, 3), np.uint8)
    points, chosen = select_points(observation(ramp), colors, 1.0, most)
    assert points.shape == chosen.shape
    assert 0 < points.shape[0] * points.shape[1] <= most
    assert (points[..., 0] == points[:1, :, 0]).all()
    assert (points[..., 1] == points[:, :1, 1]).all()


def test_points_that_are_not_trusted_become_nan(ramp):
    confidence = np.full((12, 16), 3.0, np.float32)
    confidence[2, 3] = 1.2
    ramp[4, 5] = np.inf
    points, _ = select_points(observation(ramp, confidence), np.zeros_like(ramp), 1.5, 10_000)
    unknown = np.isnan(points).any(-1)
    assert unknown[2, 3]
    assert unknown[4, 5]
    assert unknown.sum() == 2


def test_an_organised_cloud_there_and_back_is_the_same(ramp):
    ramp[1, 1] = np.nan
    colors = np.arange(12 * 16 * 3, dtype=np.uint8).reshape(12, 16, 3)
    cloud = points_to_cloud(ramp, colors, Header(frame_id="map"))
    assert (cloud.height, cloud.width, cloud.row_step) == (12, 16, 16 * cloud.point_step)
    assert not cloud.is_dense
    points, back = cloud_to_points(cloud)
    np.testing.assert_array_equal(points.reshape(12, 16, 3), ramp)
    np.testing.assert_array_equal(back.reshape(12, 16, 3), colors)
