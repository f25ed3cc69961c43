"""The pose head's last layer by least squares, when everything before it has been trained.

While tokens change with every step, a last layer can only follow what they tell on average, and
lags behind. Once they stand still, all that they tell linearly can be read off them by solving the
normal equations once. Fitted earlier, it would be no help: the first steps of training undo it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from scipy.spatial.transform import Rotation
from torch import Tensor

from vlm3r_ros.models.geometry import GeometryEncoder
from vlm3r_ros.training.geometry.ground_truth import GeometryBatch
from vlm3r_ros.training.geometry.settings import MIN_FITTED

_RIDGES = (1e-4, 1e-3, 1e-2, 1e-1)
"""Of the features' mean square: how much weights cost. The one that predicts best is taken."""


def pose_targets(T_world_camera: Tensor) -> Tensor:
    """What the pose head's last layer should say for poses `[..., 4, 4]`: `[..., 7]`.

    The translation's length n as log(1 + n), then the unit quaternion (w, x, y, z) with w >= 0; see
    `GeometryHeads.read_pose`.
    """
    translation = T_world_camera[..., :3, 3]
    length = translation.norm(dim=-1, keepdim=True)
    shrunk = translation / length.clamp(min=1e-8) * torch.log1p(length)
    turned = Rotation.from_matrix(T_world_camera[..., :3, :3].reshape(-1, 3, 3).cpu().numpy())
    quaternion = shrunk.new_tensor(turned.as_quat(canonical=True)).view(*length.shape[:-1], 4)
    return torch.cat((shrunk, quaternion.roll(1, -1)), -1)


@torch.no_grad()
def fit_pose_head(
    encoder: GeometryEncoder,
    batches: Iterable[GeometryBatch],
    computing: Callable[[], AbstractContextManager[object]],
) -> float:
    """Set the last layer of the pose head to what fits the batches best.

    Args:
        encoder: whose other weights stay as they are.
        batches: sequences.
        computing: gives the context in which the network computes.

    Returns:
        The share of the targets' variance around a camera that stands still which is left
        unexplained in the sequences kept back: 1 for a head that says nothing.

    Raises:
        ValueError: there are fewer than five sequences.
    """
    found, wanted, sequence = [], [], []
    count = 0
    for batch in batches:
        numbers = torch.arange(count, count + len(batch.images))
        count += len(numbers)
        with computing():
            state = encoder.initial_state(len(batch.images))
        for frame, true in zip(batch.images.unbind(1), batch.T_world_camera.unbind(1), strict=True):
            state = state.to(dtype=torch.float32)
            with computing():
                output, state = encoder.step(frame, state)
                hidden = F.gelu(encoder.heads.pose.fc1(output.camera_token[:, 0]))
            found.append(hidden.float())
            wanted.append(pose_targets(true).float())
            sequence.append(numbers)
    x, y = torch.cat(found).double(), torch.cat(wanted).double()
    # These choose the ridge, and are fitted to only then.
    kept = (torch.cat(sequence) % MIN_FITTED == 0).to(x.device)
    if count < MIN_FITTED:
        raise ValueError(f"{count} sequences are too few; give {MIN_FITTED} or more")
    standing = y.new_tensor([0, 0, 0, 1, 0, 0, 0])

    def unexplained(ridge: float) -> float:
        weight, bias = _solve(x[~kept], y[~kept], ridge)
        left = (x[kept] @ weight.T + bias - y[kept]).square().sum()
        return float(left / (y[kept] - standing).square().sum().clamp(min=1e-12))

    best = min(_RIDGES, key=unexplained)
    weight, bias = _solve(x, y, best)
    layer = encoder.heads.pose.fc2
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    return unexplained(best)


def _solve(x: Tensor, y: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """Weights `[O, I]` and bias `[O]` for features `[N, I]` and targets `[N, O]`."""
    mean, offset = x.mean(0), y.mean(0)
    centred = x - mean
    products = centred.T @ centred
    products += ridge * products.diagonal().mean() * torch.eye(len(products), device=x.device)
    weight = torch.linalg.solve(products, centred.T @ (y - offset)).T
    return weight, offset - weight @ mean
