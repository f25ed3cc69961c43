"""Where the camera was and how it moved, as linear maps read it: losses of training alone.

What a linear map can read somewhere in the network is there to be used by what comes after. Poses
are told by the geometry encoder's camera token, one among the many tokens that fusion attends to:
they are read from the visual tokens. Motions take two frames: they are read behind some of the
language model's layers, from the word that names the second one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_POSE = 5  # x, y, z in metres; sine and cosine of the heading
_MOTION = 3  # x, y, z in metres


class Probes(nn.Module):
    """Reads poses and motions; it is no part of what is shipped.

    Args:
        dim: width of the language model.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pose = nn.Linear(dim, _POSE)
        self.motion = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, _MOTION))

    def pose_loss(self, visual: Tensor, poses: Tensor) -> Tensor:
        """How far poses are from what is read, mean over frames and entries.

        Args:
            visual: what the language model reads of keyframes `[F, T, H]`.
            poses: of the camera in the optical frame of its session's first keyframe `[F, 4, 4]`.
        """
        truth = torch.cat((poses[:, :3, 3], poses[:, (0, 2), 2]), 1)
        return F.smooth_l1_loss(self.pose(visual.float().mean(1)), truth)

    def motion_loss(self, hidden: Tensor, motion: Tensor) -> Tensor:
        """How far motions are from what is read, mean over tokens and entries.

        Args:
            hidden: of the language model at tokens `[M, H]`.
            motion: `[M, 3]`, metres.
        """
        if not len(motion):
            return hidden.sum() * 0
        return F.smooth_l1_loss(self.motion(hidden.float()), motion)
