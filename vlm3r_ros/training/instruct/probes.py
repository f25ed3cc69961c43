"""Where things and the camera are, as linear maps read it: losses of training alone.

What a linear map can read somewhere in the network is there to be used by what comes after. Poses
are told by the geometry encoder's camera token, one among the many tokens that fusion attends to:
they are read from the visual tokens. The rest is read behind some of the language model's layers
from the word that completes the naming: places from a thing's name; what takes two, motions of the
camera and offsets between things, from the name of the second one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_POSE = 5  # x, y, z in metres; sine and cosine of the heading
_VECTOR = 3  # see `Looks`


class Probes(nn.Module):
    """Reads poses, places, motions and offsets; it is no part of what is shipped.

    Args:
        dim: width of the language model.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pose = nn.Linear(dim, _POSE)
        self.place, self.motion, self.offset = (
            nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, _VECTOR)) for _ in range(3)
        )

    def pose_loss(self, visual: Tensor, poses: Tensor) -> Tensor:
        """How far poses are from what is read, mean over frames and entries.

        Args:
            visual: what the language model reads of keyframes `[F, T, H]`.
            poses: of the camera in the optical frame of its session's first keyframe `[F, 4, 4]`.
        """
        truth = torch.cat((poses[:, :3, 3], poses[:, (0, 2), 2]), 1)
        return F.smooth_l1_loss(self.pose(visual.float().mean(1)), truth)

    def word_loss(self, reader: nn.Module, hidden: Tensor, truth: Tensor) -> Tensor:
        """How far vectors are from what is read, mean over words and entries.

        Args:
            reader: `place`, `motion` or `offset`.
            hidden: of the language model at words `[N, H]`.
            truth: `[N, 3]`, see `Looks`; rows that are NaN are left out.
        """
        known = ~truth.isnan().any(1)
        if not known.any():
            return hidden.sum() * 0
        return F.smooth_l1_loss(reader(hidden[known].float()), truth[known])
