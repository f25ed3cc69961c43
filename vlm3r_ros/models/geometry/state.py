"""What one step of the geometry encoder takes over from the last, and what it gives out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from .configuration import GeometryEncoderConfig


class GeometryHead(StrEnum):
    """Results beyond the tokens, each computed only when asked for."""

    POSE = "pose"
    SELF_POINTS = "self_points"
    WORLD_POINTS = "world_points"
    COLOR = "color"


@dataclass(frozen=True)
class GeometryState:
    """All that a stream leaves behind; its size does not depend on how long the stream was.

    Attributes:
        tokens: `[B, S, D]`, the scene as the state decoder left it.
        memory: `[B, M, 2D]`, the pose memory.
        step: `[B]` int64, frames processed; the very first one has no memory to read.
        fresh: `[B]` bool, whether tokens and memory are the initial ones.
    """

    tokens: Tensor
    memory: Tensor
    step: Tensor
    fresh: Tensor

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> GeometryState:
        """The same state elsewhere, or in another floating-point type."""
        return replace(
            self,
            tokens=self.tokens.to(device=device, dtype=dtype),
            memory=self.memory.to(device=device, dtype=dtype),
            step=self.step.to(device=device),
            fresh=self.fresh.to(device=device),
        )


@dataclass(frozen=True)
class GeometryOutput:
    """Tokens of one frame and the results that were asked for.

    Distances are metres where the weights were trained on metric data. The world is the first
    camera of the sequence; camera frames are optical (x right, y down, z forward; REP-103).

    Attributes:
        camera_token: `[B, 1, D]`
        patch_tokens: `[B, N, D]`, row by row.
        grid: rows and columns of the N patches.
        pose_encoding: `[B, 7]` float32, camera to world: translation, then the unit quaternion
            w, x, y, z with w >= 0.
        points_self, confidence_self: pointmap `[B, H, W, 3]` in this camera's frame, float32, and
            its confidence `[B, H, W]`, from 1 up.
        points_world, confidence_world: the same in the world frame.
        color: `[B, H, W, 3]`, the image as the network sees it, in [-1, 1].
    """

    camera_token: Tensor
    patch_tokens: Tensor
    grid: tuple[int, int]
    pose_encoding: Tensor | None = None
    points_self: Tensor | None = None
    confidence_self: Tensor | None = None
    points_world: Tensor | None = None
    confidence_world: Tensor | None = None
    color: Tensor | None = None

    @property
    def camera_to_world(self) -> Tensor:
        """The pose as matrices `T_world_camera` `[B, 4, 4]`.

        Raises:
            ValueError: the pose was not among the outputs asked for.
        """
        if self.pose_encoding is None:
            raise ValueError("the step was run without GeometryHead.POSE in `outputs`")
        return pose_matrix(self.pose_encoding)


class GeometryBackend(Protocol):
    """What runs the step: `GeometryEncoder` in PyTorch, `OnnxGeometryEncoder` in ONNX Runtime."""

    @property
    def config(self) -> GeometryEncoderConfig:
        """Shapes and options of the network."""

    @property
    def device(self) -> torch.device:
        """Where images and states are taken from."""

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of images and states."""

    def initial_state(self, batch: int = 1) -> GeometryState:
        """The state before the first frame."""

    def step(
        self, images: Tensor, state: GeometryState, outputs: Collection[GeometryHead] = ()
    ) -> tuple[GeometryOutput, GeometryState]:
        """Take in one frame; see `GeometryEncoder.step`."""


def pose_matrix(pose_encoding: Tensor) -> Tensor:
    """Translation and quaternion w, x, y, z `[..., 7]` -> homogeneous matrices `[..., 4, 4]`."""
    translation, quaternion = pose_encoding.split((3, 4), dim=-1)
    w, x, y, z = F.normalize(quaternion, dim=-1).unbind(-1)
    rotation = torch.stack(
        (
            *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        ),
        dim=-1,
    ).unflatten(-1, (3, 3))
    upper = torch.cat((rotation, translation[..., None]), dim=-1)
    # Padded rather than copied from the host, which a CUDA graph could not record.
    last_row = F.pad(torch.ones_like(upper[..., :1, :1]), (3, 0))
    return torch.cat((upper, last_row), dim=-2)
