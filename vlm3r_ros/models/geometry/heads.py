"""Heads of the geometry encoder: camera pose, pointmaps in two views, confidence, colour."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configuration import GeometryEncoderConfig, HeadType
from .dpt import DptHead
from .layers import Mlp, ModulatedBlock
from .rotary import RotaryTable

_TINY = 1e-8
_COLOR_MARGIN = 1e-6


class GeometryHeads(nn.Module):
    """Everything that turns decoded tokens into geometry; each part runs only when called."""

    def __init__(self, config: GeometryEncoderConfig) -> None:
        super().__init__()
        self.hooks = config.dpt_hooks if config.head == HeadType.DPT else (config.decoder_depth,)
        # The linear head was trained to see nothing behind the camera; the DPT head was not.
        self.self_points_in_front = config.head == HeadType.LINEAR
        self.pose = Mlp(config.decoder_dim, config.pose_head_hidden, 7)
        self.world_transform = nn.ModuleList(
            ModulatedBlock(
                config.decoder_dim, config.final_transform_heads, config.mlp_ratio, config.norm_eps
            )
            for _ in range(config.final_transform_depth)
        )
        self.self_points = _pixel_head(config, 4)
        self.world_points = _pixel_head(config, 4)
        self.color = _pixel_head(config, 3)

    def read_pose(self, camera_token: Tensor) -> Tensor:
        """Camera token `[B, 1, D]` -> pose encoding `[B, 7]` float32 (see `GeometryOutput`)."""
        # In bfloat16 the last layer alone would round a 3 m translation to centimetres.
        # Autocast would do so in training, whatever the types of its arguments.
        hidden = F.gelu(self.pose.fc1(camera_token[:, 0])).float()
        with torch.autocast(hidden.device.type, enabled=False):
            raw = F.linear(hidden, self.pose.fc2.weight.float(), self.pose.fc2.bias.float())
        quaternion = F.normalize(raw[:, 3:], dim=-1)
        quaternion = torch.where(quaternion[:, :1] < 0, -quaternion, quaternion)
        return torch.cat((_signed_exponential(raw[:, :3]), quaternion), dim=-1)

    def read_self_points(
        self, layers: Sequence[Tensor], grid: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Pointmap `[B, H, W, 3]` in the camera's frame and confidence `[B, H, W]`."""
        raw = _channels_last_float(self.self_points(layers, grid))
        xyz = raw[..., :3]
        if self.self_points_in_front:
            xyz = xyz * xyz[..., 2:].sign()
        return _signed_exponential(xyz), _confidence(raw)

    def read_world_points(
        self,
        layers: Sequence[Tensor],
        grid: tuple[int, int],
        camera_token: Tensor,
        rotary: RotaryTable,
    ) -> tuple[Tensor, Tensor]:
        """The same in the world's frame; `rotary` holds the image tokens' positions."""
        tokens = layers[-1]
        for block in self.world_transform:
            tokens = block(tokens, camera_token, rotary)
        raw = _channels_last_float(self.world_points((*layers[:-1], tokens), grid))
        return _signed_exponential(raw[..., :3]), _confidence(raw)

    def read_color(self, layers: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
        """The image as the network sees it: `[B, H, W, 3]` in (-1, 1)."""
        unit = torch.sigmoid(_channels_last_float(self.color(layers, grid)))
        return 2 * (unit * (1 - 2 * _COLOR_MARGIN) + _COLOR_MARGIN) - 1


class LinearHead(nn.Module):
    """An MLP that gives all pixels of a patch from the patch's last token."""

    def __init__(self, dim: int, hidden_dim: int, patch_size: int, out_channels: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.mlp = Mlp(dim, hidden_dim, out_channels * patch_size**2)

    def forward(self, layers: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
        """Token sequences `[B, N, D]`, of which the last counts -> `[B, out_channels, H, W]`."""
        patches = self.mlp(layers[-1]).transpose(1, 2).unflatten(2, grid)
        return F.pixel_shuffle(patches, self.patch_size)


def _pixel_head(config: GeometryEncoderConfig, out_channels: int) -> nn.Module:
    if config.head == HeadType.LINEAR:
        hidden_dim = int(config.decoder_dim * config.linear_head_mlp_ratio)
        return LinearHead(config.decoder_dim, hidden_dim, config.patch_size, out_channels)
    token_dims = [
        config.encoder_dim if hook == 0 else config.decoder_dim for hook in config.dpt_hooks
    ]
    return DptHead(
        token_dims, config.dpt_layer_dims, config.dpt_feature_dim, config.dpt_last_dim, out_channels
    )


def _channels_last_float(maps: Tensor) -> Tensor:
    """`[B, C, H, W]` -> `[B, H, W, C]` in float32, in which the exponentials are taken."""
    return maps.permute(0, 2, 3, 1).float()


def _signed_exponential(vectors: Tensor) -> Tensor:
    """Stretch vectors `[..., 3]` along themselves from length n to e^n - 1."""
    length = vectors.norm(dim=-1, keepdim=True)
    return vectors / length.clamp(min=_TINY) * torch.expm1(length)


def _confidence(raw: Tensor) -> Tensor:
    return 1 + raw[..., 3].exp()
