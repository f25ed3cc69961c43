"""Losses of the geometry stage. All are means, so that their size does not depend on the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_EPSILON = 1e-6
# Of a camera that hardly moves, an error of so many metres or radians counts as one of all its
# motion.
_STANDING = 0.15
_STEADY = 0.1


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the values where the mask holds; 0 where it holds nowhere."""
    mask = mask.to(values.dtype)
    return (values * mask).sum() / mask.sum().clamp(min=1)


def pointmap_loss(
    points: Tensor, confidence: Tensor, target: Tensor, valid: Tensor, scale: Tensor, alpha: float
) -> tuple[Tensor, Tensor]:
    """Confidence-weighted regression of metric pointmaps.

    Args:
        points: `[..., 3]`
        confidence: `[...]`, from 1 up.
        target: `[..., 3]`, metres.
        valid: bool `[...]`
        scale: `[...]`, metres: errors are measured in it, so that near and far count alike.
        alpha: reward of being sure.

    Returns:
        Mean of confidence * error - alpha * log(confidence), and the mean error itself.
    """
    error = ((points - target).square().sum(-1) + _EPSILON).sqrt() / scale
    weighted = confidence * error - alpha * confidence.log()
    return masked_mean(weighted, valid), masked_mean(error.detach(), valid)


def rotation_angle(R: Tensor) -> Tensor:
    """Angles of rotations `[..., 3, 3]` in radians `[...]`; no gradient is needed of it."""
    cosine = (R.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    # The sine is exact for small angles, where the cosine is not.
    axis = torch.stack(
        (
            R[..., 2, 1] - R[..., 1, 2],
            R[..., 0, 2] - R[..., 2, 0],
            R[..., 1, 0] - R[..., 0, 1],
        ),
        -1,
    )
    return torch.atan2(axis.norm(dim=-1) / 2, cosine)


def rotation_loss(R: Tensor, target: Tensor) -> Tensor:
    """Mean error of rotations `[B, T, 3, 3]` as a share of the sequence's mean turn.

    The distance of two rotations is that of the matrices; of near ones, the angle between them.
    """
    turn = rotation_angle(target).mean(dim=1, keepdim=True) + _STEADY
    square = (R - target).square().sum((-1, -2)) / 2
    return (((square + _EPSILON).sqrt() - _EPSILON**0.5) / turn).mean()


def translation_loss(t: Tensor, target: Tensor) -> Tensor:
    """Mean error of translations `[B, T, 3]` as a share of the sequence's mean motion."""
    motion = target.norm(dim=-1).mean(dim=1, keepdim=True) + _STANDING
    error = ((t - target).square().sum(-1) + _EPSILON).sqrt()
    return (error / motion).mean()


def matching_loss(logits: Tensor, target: Tensor, visible: Tensor) -> Tensor:
    """Cross entropy of logits with weights, both `[..., N, M]`, where visible `[..., N]`."""
    return masked_mean(-(target * F.log_softmax(logits.float(), -1)).sum(-1), visible)


def flow_loss(flow: Tensor, target: Tensor, visible: Tensor) -> Tensor:
    """Robust error of displacements `[..., N, 2]`, in patches, where visible `[..., N]`."""
    return masked_mean(((flow - target).square().sum(-1) + 1e-4).sqrt(), visible)
