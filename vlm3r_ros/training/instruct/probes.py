"""Where things and the camera are, as linear maps read it: losses of training alone.

What a linear map can read somewhere in the network is there to be used by what comes after. Poses
are told by the geometry encoder's camera token, one among the many tokens that fusion attends to:
they are read from the visual tokens. The rest is read behind some of the language model's layers
from the word that completes the naming: places from a thing's name; what takes two, motions of the
camera and offsets between things, from the name of the second one, and once more from the end of
the question, where the answer begins.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm3r_ros.training.instruct.grounding import VectorKind

_POSE = 5  # x, y, z in metres; sine and cosine of the heading
_VECTOR = 3  # see `VectorKind`


class Probes(nn.Module):
    """Reads poses, and vectors of all kinds; it is no part of what is shipped.

    Args:
        dim: width of the language model.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pose = nn.Linear(dim, _POSE)
        self.vectors = nn.ModuleDict(
            {kind: nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, _VECTOR)) for kind in VectorKind}
        )

    def pose_loss(self, visual: Tensor, poses: Tensor) -> Tensor:
        """How far poses are from what is read, mean over frames and entries.

        Args:
            visual: what the language model reads of keyframes `[F, T, H]`.
            poses: of the camera in the optical frame of its session's first keyframe `[F, 4, 4]`.
        """
        truth = torch.cat((poses[:, :3, 3], poses[:, (0, 2), 2]), 1)
        return F.smooth_l1_loss(self.pose(visual.float().mean(1)), truth)

    def vector_loss(self, kind: VectorKind, hidden: Tensor, truth: Tensor) -> Tensor:
        """How far vectors are from what is read, mean over words and entries.

        Args:
            kind: of the vectors.
            hidden: of the language model at words `[V, H]`.
            truth: `[V, 3]`
        """
        if not len(truth):
            return hidden.sum() * 0
        return F.smooth_l1_loss(self.vectors[kind](hidden.float()), truth)
