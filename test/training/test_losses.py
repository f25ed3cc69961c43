import math

import pytest
import torch

from vlm3r_ros.training.geometry.losses import (
    flow_loss,
    masked_mean,
    matching_loss,
    pointmap_loss,
    rotation_angle,
    rotation_loss,
    translation_loss,
)


def about_z(angle: float) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def test_masked_mean_takes_what_is_valid_and_survives_nothing():
    values, mask = torch.tensor([1.0, 2.0, 30.0]), torch.tensor([True, True, False])
    assert masked_mean(values, mask) == 1.5
    assert masked_mean(values, torch.zeros(3, dtype=torch.bool)) == 0


def test_pointmap_loss_by_hand():
    points = torch.tensor([[0.0, 0.0, 2.5], [0.0, 3.0, 4.0]])
    target = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    confidence = torch.tensor([2.0, 1.0])
    valid = torch.tensor([True, False])
    loss, error = pointmap_loss(points, confidence, target, valid, torch.tensor([2.0, 1.0]), 0.2)
    assert error.item() == pytest.approx(0.25, abs=1e-3)  # half a metre at two metres
    assert loss.item() == pytest.approx(2 * 0.25 - 0.2 * math.log(2), abs=1e-3)


def test_confidence_is_best_where_error_equals_its_reward():
    points, target = torch.zeros(1, 3), torch.tensor([[0.0, 0.0, 0.05]])
    one, valid = torch.ones(1), torch.ones(1, dtype=torch.bool)
    losses = [
        pointmap_loss(points, one * c, target, valid, one, 0.2)[0].item() for c in (2.0, 4.0, 8.0)
    ]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]  # 0.2 / 0.05 = 4


@pytest.mark.parametrize("degrees", [0.01, 1.0, 45.0, 120.0, 179.9])
def test_rotation_angle(degrees):
    angle = rotation_angle(about_z(math.radians(degrees)).double())
    assert math.degrees(angle) == pytest.approx(degrees, rel=1e-4)


def test_rotation_loss_is_a_share_of_the_turn():
    still = torch.eye(3).expand(1, 2, 3, 3)
    target = torch.stack((about_z(0.1), about_z(0.3)))[None]  # 0.2 rad on average
    loss = rotation_loss(still, target)
    assert loss.item() == pytest.approx(0.2 / (0.2 + 0.1), rel=0.02)
    assert rotation_loss(target, target).item() == pytest.approx(0, abs=1e-3)


def test_rotation_loss_has_a_gradient_at_the_truth():
    R = torch.eye(3)[None, None].requires_grad_()
    rotation_loss(R, torch.eye(3)[None, None]).backward()
    assert R.grad is not None
    assert torch.isfinite(R.grad).all()


def test_translation_loss_is_a_share_of_the_motion():
    target = torch.tensor([[[0.1, 0.0, 0.0], [0.0, 0.3, 0.0]]])  # 0.2 m on average
    loss = translation_loss(torch.zeros(1, 2, 3), target)
    assert loss.item() == pytest.approx(0.2 / (0.2 + 0.15), rel=0.01)


def test_matching_loss_is_cross_entropy_where_visible():
    logits = torch.tensor([[0.0, math.log(3.0)], [5.0, 0.0]])
    target = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    loss = matching_loss(logits, target, torch.tensor([True, False]))
    assert loss.item() == pytest.approx(-0.5 * math.log(0.25) - 0.5 * math.log(0.75))


def test_flow_loss_is_the_distance_where_visible():
    flow = torch.tensor([[3.0, 4.0], [100.0, 0.0]])
    loss = flow_loss(flow, torch.zeros(2, 2), torch.tensor([True, False]))
    assert loss.item() == pytest.approx(5.0, rel=1e-3)
