"""What a camera token says of where its camera is, and how to make it say something better.

The geometry encoder's camera token (VLM-3R, section 3.1) carries the camera's pose as well as the
network knows it. Where visual odometry knows it better, the token is told, so that answers rest on
the same poses as everything else that is published.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

POSE_SIZE = 6
"""Numbers of a pose: the camera's place, metres, and the direction of its view, both in the optical
frame of the session's first camera."""

_RIDGE = 0.1
"""Of the tokens' variance, added to keep the map small: the smaller it is, the farther tokens move,
and the louder poses are in them."""


class PoseReadout(nn.Module):
    """A linear map from camera tokens to poses, fitted once and kept with the weights.

    Args:
        dim: D, width of camera tokens.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(POSE_SIZE, dim))
        self.register_buffer("bias", torch.zeros(POSE_SIZE))

    @property
    def fitted(self) -> bool:
        """Whether there is anything to read by."""
        return bool(self.weight.any())

    @torch.no_grad()
    def fit(self, camera_tokens: Tensor, camera_to_first: Tensor) -> None:
        """Fits by least squares.

        Args:
            camera_tokens: `[F, 1, D]`, of many sessions.
            camera_to_first: true poses of their cameras in the first one's frame `[F, 4, 4]`.
        """
        tokens = camera_tokens[:, 0].double()
        poses = _numbers(camera_to_first).double()
        middle = tokens.mean(0)
        apart = tokens - middle
        square = apart.T @ apart
        ridge = _RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
        weight = torch.linalg.solve(square + ridge.to(square.device), apart.T @ poses).T
        self.weight.copy_(weight)
        self.bias.copy_(poses.mean(0) - weight @ middle)

    def read(self, camera_tokens: Tensor) -> Tensor:
        """Camera tokens `[F, 1, D]` -> what they say of the poses `[F, 6]`, float32."""
        # Autocast would round places of metres to centimetres.
        with torch.autocast(camera_tokens.device.type, enabled=False):
            return camera_tokens[:, 0].float() @ self.weight.float().T + self.bias.float()

    def write(self, camera_tokens: Tensor, camera_to_first: Tensor) -> Tensor:
        """Moves tokens as little as possible so that poses are read from them.

        Args:
            camera_tokens: `[F, 1, D]`
            camera_to_first: poses of the cameras in the first one's frame `[F, 4, 4]`.

        Returns:
            `[F, 1, D]`, in the tokens' number format.
        """
        wanted = _numbers(camera_to_first).to(self.weight.device, torch.float32)
        weight = self.weight.float()
        missing = wanted - self.read(camera_tokens)
        with torch.autocast(camera_tokens.device.type, enabled=False):
            moved = torch.linalg.solve(weight @ weight.T, missing.T).T @ weight
        return (camera_tokens.float() + moved[:, None]).to(camera_tokens.dtype)


def _numbers(poses: Tensor) -> Tensor:
    """Poses `[F, 4, 4]` -> places and directions of view `[F, 6]`."""
    return torch.cat((poses[:, :3, 3], poses[:, :3, 2]), dim=1)
