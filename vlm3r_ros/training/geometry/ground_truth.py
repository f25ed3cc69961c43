"""What the network should say about a batch of sequences, from depth and poses; on any device."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vlm3r_ros.training.geometry.filming import Sequences

# A surface seen at the nearest pixel, half a pixel off, may lie so much deeper or nearer.
_RELATIVE_TOLERANCE, _TOLERANCE = 0.05, 0.03


@dataclass(frozen=True, eq=False)
class GeometryBatch:
    """Sequences as the network takes them, with the truth.

    Attributes:
        images: `[B, T, 3, H, W]` in [-1, 1].
        depth: `[B, T, H, W]`, metres; 0 where it is not known.
        valid: bool `[B, T, H, W]`, where depth teaches something.
        lens: `[B, 4]`: fx, fy, cx, cy.
        T_world_camera: `[B, T, 4, 4]`; the world is the first camera.
        points_self: pointmaps in the camera's frame `[B, T, H, W, 3]`.
        points_world: the same in the world's.
    """

    images: Tensor
    depth: Tensor
    valid: Tensor
    lens: Tensor
    T_world_camera: Tensor
    points_self: Tensor
    points_world: Tensor

    @classmethod
    def of(cls, sequences: Sequences, max_depth: float, device: torch.device) -> GeometryBatch:
        """Bring sequences to a device and work out the truth there."""
        poses = torch.from_numpy(sequences.T_world_camera)
        relative = (torch.linalg.inv(poses[:, :1]) @ poses).float().to(device)
        color = torch.from_numpy(sequences.color).to(device)
        images = color.permute(0, 1, 4, 2, 3).float().div_(127.5).sub_(1)
        depth = torch.from_numpy(sequences.depth).to(device)
        valid = torch.isfinite(depth) & (depth > 0) & (depth < max_depth)
        depth = torch.where(valid, depth, 0.0)
        lens = torch.from_numpy(sequences.lens).to(device)
        points = rays(lens, *depth.shape[-2:])[:, None] * depth[..., None]
        return cls(images, depth, valid, lens, relative, points, transform(relative, points))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in order."""
        return tuple(getattr(self, item.name) for item in fields(self))

    @property
    def step_motion(self) -> Tensor:
        """From each camera after the first to the one before `[B, T - 1, 4, 4]`."""
        return step_motion(self.T_world_camera)


@dataclass(frozen=True, eq=False)
class Matches:
    """Where the patches of one frame were in another.

    Attributes:
        place: row and column on the other frame's grid of patches, whose centres are at whole
            numbers `[B, N, 2]`.
        visible: bool `[B, N]`, whether the other frame shows the same surface there.
        known: bool `[B, N]`, whether the patch's centre has a depth at all.
    """

    place: Tensor
    visible: Tensor
    known: Tensor


def step_motion(T_world_camera: Tensor) -> Tensor:
    """Poses `[B, T, 4, 4]` -> each but the first in the frame of the one before it."""
    return rigid_inverse(T_world_camera[:, :-1]) @ T_world_camera[:, 1:]


def rigid_inverse(T: Tensor) -> Tensor:
    """Inverse of rigid transforms `[..., 4, 4]`."""
    R = T[..., :3, :3].transpose(-1, -2)
    inverse = torch.zeros_like(T)
    inverse[..., :3, :3] = R
    inverse[..., :3, 3:] = -R @ T[..., :3, 3:]
    inverse[..., 3, 3] = 1
    return inverse


def transform(T: Tensor, points: Tensor) -> Tensor:
    """Apply `[..., 4, 4]` to points `[..., H, W, 3]`."""
    R, t = T[..., None, :3, :3], T[..., None, None, :3, 3]
    return points @ R.transpose(-1, -2) + t


def rays(lens: Tensor, height: int, width: int) -> Tensor:
    """Directions through the pixels' centres, of length 1 along the optical axis `[B, H, W, 3]`."""
    fx, fy, cx, cy = lens[:, :, None, None].unbind(1)
    x = (torch.arange(width, device=lens.device)[None, None] - cx) / fx
    y = (torch.arange(height, device=lens.device)[None, :, None] - cy) / fy
    shape = (len(lens), height, width)
    return torch.stack((x.expand(shape), y.expand(shape), torch.ones(shape, device=x.device)), -1)


def find_matches(batch: GeometryBatch, frame: int, other: int, patch: int) -> Matches:
    """Follow the centres of `frame`'s patches into the frame `other`."""
    height, width = batch.depth.shape[-2:]
    # The centre lies between four pixels; of those, the one below and to the right.
    centres = slice(patch // 2, None, patch)
    points = batch.points_world[:, frame, centres, centres].flatten(1, 2)
    known = batch.valid[:, frame, centres, centres].flatten(1, 2)
    T_other_world = rigid_inverse(batch.T_world_camera[:, other])
    points = points @ T_other_world[:, :3, :3].transpose(-1, -2) + T_other_world[:, None, :3, 3]
    z = points[..., 2].clamp(min=1e-3)
    fx, fy, cx, cy = batch.lens[:, :, None].unbind(1)
    u, v = points[..., 0] / z * fx + cx, points[..., 1] / z * fy + cy
    inside = (points[..., 2] > 1e-3) & (u > -0.5) & (u < width - 0.5)
    inside &= (v > -0.5) & (v < height - 0.5)
    column = u.round().long().clamp(0, width - 1)
    row = v.round().long().clamp(0, height - 1)
    index = row * width + column
    seen = batch.depth[:, other].flatten(1).gather(1, index)
    there = batch.valid[:, other].flatten(1).gather(1, index)
    same = (z - seen).abs() < (seen * _RELATIVE_TOLERANCE).clamp(min=_TOLERANCE)
    place = torch.stack((v - patch // 2, u - patch // 2), -1) / patch
    return Matches(place, known & inside & there & same, known)


def spread(place: Tensor, rows: int, columns: int) -> Tensor:
    """Places `[..., 2]` as weights of the four patches around them `[..., rows * columns]`.

    They sum to 1; a place outside the grid is brought to its edge.
    """

    def along(at: Tensor, count: int) -> Tensor:
        at = at.clamp(0, count - 1)
        grid = torch.arange(count, device=at.device)
        return (1 - (at[..., None] - grid).abs()).clamp(min=0)

    weights = along(place[..., 0], rows)[..., :, None] * along(place[..., 1], columns)[..., None, :]
    return weights.flatten(-2)
