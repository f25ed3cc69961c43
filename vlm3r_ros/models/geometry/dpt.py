"""Dense prediction transformer (DPT) head: tokens of four layers -> a map at full resolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualConvUnit(nn.Module):
    """Two 3x3 convolutions behind ReLUs, around a residual."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1)
        self.conv2 = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, h, w]` -> the same shape."""
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class FeatureFusionBlock(nn.Module):
    """Adds a finer layer's features to the coarser ones and doubles the resolution."""

    def __init__(self, dim: int, has_skip: bool = True) -> None:
        super().__init__()
        self.skip_unit = ResidualConvUnit(dim) if has_skip else None
        self.unit = ResidualConvUnit(dim)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """`[B, C, h, w]` and optionally a skip of that shape -> `[B, C, 2h, 2w]`."""
        if self.skip_unit is not None and skip is not None:
            x = x + self.skip_unit(skip)
        # A 1x1 convolution commutes with interpolation: before it, it costs a quarter.
        return _double(self.project(self.unit(x)))


class DptHead(nn.Module):
    """Reads tokens after four layers of the network and regresses `out_channels` per pixel."""

    def __init__(
        self,
        token_dims: Sequence[int],
        layer_dims: Sequence[int],
        feature_dim: int,
        last_dim: int,
        out_channels: int,
    ) -> None:
        super().__init__()
        (t0, t1, t2, t3), (d0, d1, d2, d3) = token_dims, layer_dims
        # Tokens of successive layers become maps at 4, 2, 1 and 1/2 times the patch grid.
        self.resample = nn.ModuleList(
            (
                nn.Sequential(nn.Conv2d(t0, d0, 1), nn.ConvTranspose2d(d0, d0, 4, stride=4)),
                nn.Sequential(nn.Conv2d(t1, d1, 1), nn.ConvTranspose2d(d1, d1, 2, stride=2)),
                nn.Sequential(nn.Conv2d(t2, d2, 1)),
                nn.Sequential(nn.Conv2d(t3, d3, 1), nn.Conv2d(d3, d3, 3, stride=2, padding=1)),
            )
        )
        self.reduce = nn.ModuleList(
            nn.Conv2d(dim, feature_dim, 3, padding=1, bias=False) for dim in layer_dims
        )
        self.fuse = nn.ModuleList(
            FeatureFusionBlock(feature_dim, has_skip=layer < 3) for layer in range(4)
        )
        self.conv1 = nn.Conv2d(feature_dim, feature_dim // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(feature_dim // 2, last_dim, 3, padding=1)
        self.conv3 = nn.Conv2d(last_dim, out_channels, 1)

    def forward(self, layers: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
        """Four token sequences `[B, N, C_i]` on a `grid` -> `[B, out_channels, H, W]`."""
        maps = [
            reduce(resample(tokens.transpose(1, 2).unflatten(2, grid)))
            for tokens, resample, reduce in zip(layers, self.resample, self.reduce, strict=True)
        ]
        # An odd grid, halved and doubled again, is one row and column too large.
        x = self.fuse[3](maps[3])[:, :, : grid[0], : grid[1]]
        for layer in (2, 1, 0):
            x = self.fuse[layer](x, maps[layer])
        return self.conv3(F.relu(self.conv2(_double(self.conv1(x)))))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
