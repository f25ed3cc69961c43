"""Two-dimensional rotary position embedding (RoPE) over (row, column) positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

CAMERA_TOKEN_POSITION = -1
"""Row and column of the camera token: one step outside the image's grid."""


@dataclass(frozen=True)
class RotaryTable:
    """Where the tokens of a sequence are, as attention needs it.

    Attributes:
        cos: `[N, heads, 2, 2, Q]`: by axis (row, column), member of the pair, frequency.
        sin: the same shape; negative for the first member of a pair, positive for the second.
        key_mask: `[1, 1, 1, N]`, added to the scores of these tokens as keys: minus infinity hides
            padding. None where there is none.
    """

    cos: Tensor
    sin: Tensor
    key_mask: Tensor | None = None

    @classmethod
    def build(
        cls,
        positions: Tensor,
        heads: int,
        head_dim: int,
        base: float,
        dtype: torch.dtype,
        padding: int = 0,
    ) -> RotaryTable:
        """Tabulate the rotations of tokens at `positions` `[N, 2]` (row, column).

        The angles are computed in float32 whatever `dtype` the network runs in. `padding` more
        tokens follow, which no query sees.
        """
        quarter = head_dim // 4
        exponent = torch.arange(quarter, device=positions.device, dtype=torch.float32) / quarter
        places = F.pad(positions, (0, 0, 0, padding)).float()
        angle = places[:, :, None] * base**-exponent  # [N, 2, Q]
        cos, sin = angle.cos().to(dtype), angle.sin().to(dtype)
        # Spelled out for every head: with a table as wide as the tokens a CPU multiplies whole
        # rows, instead of a quarter of a head at a time.
        cos = torch.stack((cos, cos), dim=2)[:, None].repeat(1, heads, 1, 1, 1)
        sin = torch.stack((-sin, sin), dim=2)[:, None].repeat(1, heads, 1, 1, 1)
        mask = None
        if padding:
            mask = torch.zeros(1, 1, 1, len(places), device=positions.device, dtype=dtype)
            mask[..., len(positions) :] = -torch.inf
        return cls(cos, sin, mask)

    def rotate(self, x: Tensor) -> Tensor:
        """Rotate heads `x` `[..., N, heads, head_dim]`.

        The first half of a head turns with the token's row, the second with its column; inside a
        half, element d is paired with element d + Q, where Q is a quarter of the head.
        """
        pairs = x.unflatten(-1, (2, 2, -1))
        return torch.addcmul(pairs * self.cos, pairs.flip(-2), self.sin).flatten(-3)


def grid_positions(rows: int, columns: int, device: torch.device | None = None) -> Tensor:
    """(row, column) of each patch of an image, row by row: `[rows * columns, 2]`."""
    return torch.cartesian_prod(
        torch.arange(rows, device=device), torch.arange(columns, device=device)
    )


def camera_and_grid_positions(
    rows: int, columns: int, device: torch.device | None = None
) -> Tensor:
    """Positions of the camera token, then of the image's patches: `[1 + rows * columns, 2]`."""
    camera = torch.full((1, 2), CAMERA_TOKEN_POSITION, device=device)
    return torch.cat((camera, grid_positions(rows, columns, device)))


def state_positions(count: int, width: int, device: torch.device | None = None) -> Tensor:
    """Positions of `count` state tokens laid row by row on a grid `width` wide: `[count, 2]`."""
    index = torch.arange(count, device=device)
    return torch.stack((index // width, index % width), dim=-1)
