"""From projected tokens to the run of visual tokens that a prompt's placeholder stands for."""

from __future__ import annotations

from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from vlm3r_ros.models.configuration import NewlinePosition, PoolMode

POOL_STRIDE = 2


def grid_side(tokens: int) -> int:
    """Side of the square grid that `tokens` tokens form.

    Raises:
        ValueError: if they do not form a square.
    """
    side = isqrt(tokens)
    if side * side != tokens:
        raise ValueError(f"{tokens} tokens of a frame do not form a square grid")
    return side


def pooled_side(side: int, mode: PoolMode) -> int:
    """Side of a grid of `side` x `side` tokens after pooling."""
    if mode == PoolMode.NONE:
        return side
    return side // POOL_STRIDE if mode == PoolMode.AVERAGE else -(-side // POOL_STRIDE)


def tokens_per_frame(side: int, mode: PoolMode, newline: NewlinePosition) -> int:
    """Visual tokens that one frame brings, without the one newline of `one_token`."""
    side = pooled_side(side, mode)
    newlines = {NewlinePosition.GRID: side, NewlinePosition.FRAME: 1}
    return side * side + newlines.get(newline, 0)


def patch_positions(side: int, mode: PoolMode, newline: NewlinePosition) -> Tensor:
    """Where among a frame's visual tokens those of its patches are, newlines left out.

    Args:
        side: of the grid before pooling.
        mode: how it is pooled.
        newline: where newlines stand.

    Returns:
        int64 `[rows, columns]`, each an index into the `[T]` tokens of one frame.
    """
    pooled = pooled_side(side, mode)
    row_length = pooled + (newline == NewlinePosition.GRID)
    return torch.arange(pooled)[:, None] * row_length + torch.arange(pooled)


def pool_grid(tokens: Tensor, mode: PoolMode) -> Tensor:
    """Pool each frame's tokens 2x2.

    Bilinear resizes to half the side, rounded up; average drops an odd last row and column.

    Args:
        tokens: `[F, N, D]`, N a square number, row by row.
        mode: how to pool.

    Returns:
        `[F, C, D]`, row by row.
    """
    side = grid_side(tokens.shape[1])
    if mode == PoolMode.NONE:
        return tokens
    maps = tokens.unflatten(1, (side, side)).permute(0, 3, 1, 2)
    if mode == PoolMode.AVERAGE:
        maps = F.avg_pool2d(maps, POOL_STRIDE)
    else:
        size = pooled_side(side, mode)
        maps = F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)
    return maps.flatten(2).transpose(1, 2)


def append_newlines(tokens: Tensor, newline: Tensor, position: NewlinePosition) -> Tensor:
    """Put the newline embedding after each row or each frame.

    Args:
        tokens: `[F, C, D]`, C a square number where each row ends with a newline.
        newline: `[D]`
        position: `grid` and `frame` act on every frame; the other two leave the tokens as they
            are, because `one_token` ends the whole run, not a frame.

    Returns:
        `[F, T, D]`
    """
    frames, _, dim = tokens.shape
    newline = newline.to(tokens.dtype)
    if position == NewlinePosition.GRID:
        side = grid_side(tokens.shape[1])
        rows = tokens.unflatten(1, (side, side))
        return torch.cat((rows, newline.expand(frames, side, 1, dim)), dim=2).flatten(1, 2)
    if position == NewlinePosition.FRAME:
        return torch.cat((tokens, newline.expand(frames, 1, dim)), dim=1)
    return tokens
