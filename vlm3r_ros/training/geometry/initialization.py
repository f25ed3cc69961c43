"""Where training starts from: random weights, but answers of a sensible size."""

from __future__ import annotations

import math

import torch
from torch import nn

from vlm3r_ros.models.geometry import GeometryEncoder

_USUAL_DEPTH = 2.0  # m
_SHRINK = 0.05
_WAVES = (2.5, 32.0)  # state tokens: shortest and longest wave of their places' code


@torch.no_grad()
def initialize(encoder: GeometryEncoder) -> None:
    """Have the state tokens know their places, and the heads begin with likely answers.

    At random, state tokens would first have to learn to differ, and cameras would be metres away
    and upside down, which makes for large gradients that teach nothing.
    """
    _place_state_tokens(encoder)
    pose = encoder.heads.pose.fc2
    pose.weight.mul_(_SHRINK)
    pose.bias.zero_()
    pose.bias[3] = 1.0  # the unit quaternion
    for head in (encoder.heads.self_points, encoder.heads.world_points):
        last = [m for m in head.modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
        last.weight.mul_(_SHRINK)
        # Channels x, y, z, confidence, each for all pixels of a patch.
        assert last.bias is not None
        last.bias.zero_()
        last.bias.unflatten(0, (4, -1))[2] = math.log1p(_USUAL_DEPTH)


def _place_state_tokens(encoder: GeometryEncoder) -> None:
    config = encoder.config
    index = torch.arange(config.state_size)
    width = config.state_grid_width
    places = torch.stack((index // width, index % width), -1)
    shortest, longest = (math.log(wave) for wave in _WAVES)
    waves = torch.linspace(shortest, longest, config.encoder_dim // 4).exp()
    angle = places[..., None] * (2 * torch.pi / waves)
    code = torch.cat((angle.sin(), angle.cos()), -1).flatten(1)
    encoder.state_embedding.weight[:, : code.shape[1]] = code
