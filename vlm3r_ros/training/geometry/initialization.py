"""Where training starts from: random weights, arranged so that frames are compared from the start.

From scratch, nothing makes cross-attention compare a frame with what is remembered of the one
before, and sharp attention takes thousands of steps to form. So it is given: the state begins as a
memory of the newest frame, patch by patch, beside a code of each patch's place; image tokens begin
by looking at what is remembered of their own place and of places that look like themselves, and by
telling how far apart the two are. All of it is ordinary weights, which training may keep or undo.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm3r_ros.models.geometry import GeometryEncoder
from vlm3r_ros.models.geometry.layers import CrossAttention, DecoderBlock, EncoderBlock

COMPARING_LAYERS = 2
"""Layers of the image decoder, from the first, that compare a frame with the memory."""

PLACE_DIMS = 4
"""First numbers of image tokens: how far away they looked, and where they are."""

_USUAL_DEPTH = 2.0  # m
_HEAD_GAIN, _POSE_GAIN = 0.05, 0.02
_PLACE_UNIT = 8  # numbers of a wave: sine and cosine of row and column, and their opposites
_PLACE_SHARE = 4  # a quarter of a state token tells its place
_WAVES = (40.0, 2.5)  # state tokens: longest and shortest wave of the code
_FLOW_GAIN, _OWN_GAIN = 0.5, 0.25  # numbers of a token for a patch's width
_SHARPNESS = 5.0  # logits that attention to a place loses per frequency at the opposite phase
_SHARP_FREQUENCIES = 4  # highest ones of the rotary embedding, which tell neighbours apart
_LIKENESS = 1.4  # gain of queries and keys that compare what patches look like
_BRANCH_GAIN, _QUIET_GAIN = 0.25, 0.1  # of what a layer adds to its input


@torch.no_grad()
def initialize(encoder: GeometryEncoder) -> None:
    """Arrange random weights; see the module's text. Uses PyTorch's random numbers."""
    for block in [*encoder.encoder, *encoder.image_decoder]:
        _scale_branches(block, _BRANCH_GAIN)
    for block in encoder.state_decoder:
        _scale_branches(block, _QUIET_GAIN)
    places = _place_numbers(encoder.config.decoder_dim)
    _embed_patches(encoder)
    _place_state_tokens(encoder, places)
    # Until the last layer the state is what it was, so that all image layers can look at it.
    _remember_newest_frame(encoder.state_decoder[-1], places)
    for block in list(encoder.image_decoder)[:COMPARING_LAYERS]:
        _compare_with_memory(block, places)
    for block in encoder.image_decoder:
        _leave_alone(block, PLACE_DIMS)
    for block in list(encoder.image_decoder)[COMPARING_LAYERS:]:
        _leave_alone(block, PLACE_DIMS, looking=True)
    for block in encoder.state_decoder:
        _leave_alone(block, places, looking=True)
    _remember_newest_pose(encoder)
    _answer_sensibly(encoder)


def _place_numbers(dim: int) -> int:
    """How many of a state token's first numbers tell its place."""
    return dim // (_PLACE_SHARE * _PLACE_UNIT) * _PLACE_UNIT


def _scale_branches(block: nn.Module, gain: float) -> None:
    """Let a layer begin by changing its input but little."""
    assert isinstance(block, (EncoderBlock, DecoderBlock))
    block.attention.proj.weight.mul_(gain)
    block.mlp.fc2.weight.mul_(gain)
    if isinstance(block, DecoderBlock):
        block.cross_attention.proj.weight.mul_(gain)


def _embed_patches(encoder: GeometryEncoder) -> None:
    """Take over what is encoded as it is, but for the numbers that will hold places."""
    weight = encoder.decoder_embed.weight
    weight.copy_(torch.eye(*weight.shape))
    weight[:PLACE_DIMS] = 0


def _place_state_tokens(encoder: GeometryEncoder, places: int) -> None:
    """Write the code of each token's place on the state's grid into its first `places` numbers."""
    config = encoder.config
    width = config.state_grid_width
    index = torch.arange(config.state_size)
    at = torch.stack((index // width, index % width), -1)
    longest, shortest = (math.log(wave) for wave in _WAVES)
    waves = torch.linspace(longest, shortest, places // _PLACE_UNIT).exp()
    # From the middle, so that the longest wave's sine is nearly the place itself.
    angle = (at - (width - 1) / 2)[..., None] * (2 * torch.pi / waves)
    code = math.sqrt(2) * torch.cat((angle.sin(), angle.cos()), -1).flatten(1)
    # With its opposite beside it the code has no mean, and norms leave it as it is.
    code = torch.cat((code, -code), -1)
    weight = encoder.state_embed.weight
    encoder.state_embedding.weight[:, : code.shape[1]] = code
    weight.mul_(_QUIET_GAIN)
    weight[: code.shape[1]] = torch.eye(*weight.shape)[: code.shape[1]]


def _remember_newest_frame(block: nn.Module, places: int) -> None:
    """State tokens drop what they hold, keep their place, and copy the patch that lies there."""
    assert isinstance(block, DecoderBlock)
    keep = torch.ones(block.cross_attention.proj.weight.shape[0])
    keep[:places] = 0
    dim = len(keep)
    qkv = block.attention.qkv
    for part in range(2):
        rows = slice(part * dim, (part + 1) * dim)
        _attend_to_place(qkv.weight[rows], qkv.bias[rows], block.attention.heads)
    qkv.weight[2 * dim :] = torch.eye(dim)
    block.attention.proj.weight.copy_(-torch.diag(keep))
    cross = block.cross_attention
    for layer in (cross.query, cross.key):
        _attend_to_place(layer.weight, layer.bias, cross.heads)
    cross.value.weight.copy_(torch.eye(dim))
    # What is copied has no mean either.
    cross.proj.weight.copy_(torch.diag(keep) - torch.outer(keep, keep) / keep.sum())


def _remember_newest_pose(encoder: GeometryEncoder) -> None:
    """The pose memory keeps the newest camera token, which the next frame's begins as."""
    memory, dim = encoder.pose_memory, encoder.config.decoder_dim
    for block in [*memory.read_blocks, *memory.write_blocks]:
        _scale_branches(block, _QUIET_GAIN)
    camera = torch.zeros(2 * dim)
    camera[dim:] = 1
    for block in (memory.read_blocks[-1], memory.write_blocks[-1]):
        assert isinstance(block, DecoderBlock)
        block.cross_attention.value.weight.copy_(torch.eye(2 * dim))
        block.cross_attention.proj.weight.copy_(torch.diag(camera))
    # All tokens of the memory hold the same camera token; the old one is their normed mean.
    block = memory.write_blocks[-1]
    assert isinstance(block, DecoderBlock)
    qkv = block.attention.qkv
    qkv.weight[: 4 * dim] = 0
    qkv.weight[4 * dim :] = torch.eye(2 * dim)
    # Half of its numbers are near zero, so that norming makes the others larger by the root of 2.
    block.attention.proj.weight.copy_(-torch.diag(camera) / math.sqrt(2))


def _compare_with_memory(block: nn.Module, places: int) -> None:
    """Half of the heads look where it looks alike, the others at their own place."""
    assert isinstance(block, DecoderBlock)
    # What is compared is the patch itself, before its neighbours change it.
    block.attention.proj.weight.mul_(_QUIET_GAIN)
    cross = block.cross_attention
    alike = max(1, cross.heads // 2)
    for head in range(alike):
        _attend_to_likeness(cross, head, places)
    head_dim = cross.query.out_features // cross.heads
    rows = alike * head_dim
    for layer in (cross.query, cross.key):
        _attend_to_place(layer.weight[rows:], layer.bias[rows:], cross.heads - alike)
    _tell_places(cross, places, head_dim)


def _tell_places(cross: CrossAttention, places: int, head_dim: int) -> None:
    """Write into a token how far from its own place it looked, and its own place.

    The first head looks where it looks alike, the last one at its own place.
    """
    own = cross.query.out_features - head_dim
    half = places // 2
    # The longest wave's sine comes first, by row and by column.
    sines = (0, places // 4)
    gain = _WAVES[0] / (2 * math.pi * math.sqrt(2)) / (2 * COMPARING_LAYERS)
    cross.proj.weight[:PLACE_DIMS] = 0
    for axis, number in enumerate(sines):
        for first in (0, own):
            cross.value.weight[first + axis] = 0
            cross.value.weight[first + axis, number] = gain
            cross.value.weight[first + axis, half + number] = -gain
        cross.proj.weight[axis, axis] = _FLOW_GAIN
        cross.proj.weight[axis, own + axis] = -_FLOW_GAIN
        cross.proj.weight[2 + axis, own + axis] = _OWN_GAIN


def _leave_alone(block: nn.Module, count: int, *, looking: bool = False) -> None:
    """Let a layer write nothing into its tokens' first `count` numbers, which tell places.

    Its cross-attention may, unless `looking` is True.
    """
    assert isinstance(block, DecoderBlock)
    if looking:
        block.cross_attention.proj.weight[:count] = 0
    block.attention.proj.weight[:count] = 0
    block.mlp.fc2.weight[:count] = 0


def remembered(tokens: Tensor, places: Tensor) -> Tensor:
    """State tokens as they begin to remember image tokens `[B, N, D]`.

    Args:
        tokens: the image's.
        places: state tokens at their places `[1, N, D]`.
    """
    count = _place_numbers(tokens.shape[-1])
    content = F.layer_norm(tokens, tokens.shape[-1:])[..., count:]
    content = content - content.mean(-1, keepdim=True)
    return torch.cat((places[..., :count].expand(len(tokens), -1, -1), content), -1)


def _attend_to_place(weight: Tensor, bias: Tensor, heads: int) -> None:
    """Make queries or keys constant: the rotary embedding then favours what lies at one's place."""
    weight.zero_()
    bias.zero_()
    # A head's numbers by axis (row, column), member of the rotating pair, and frequency.
    pairs = bias.view(heads, 2, 2, -1)
    count = min(_SHARP_FREQUENCIES, pairs.shape[-1])
    head_dim = bias.shape[0] // heads
    pairs[:, :, 0, :count] = math.sqrt(_SHARPNESS * math.sqrt(head_dim))


def _attend_to_likeness(cross: CrossAttention, head: int, places: int) -> None:
    """Let a head ask and answer with the same numbers, made of all but the code of the place."""
    dim = cross.query.out_features
    head_dim = dim // cross.heads
    rows = slice(head * head_dim, (head + 1) * head_dim)
    mixed = torch.nn.init.orthogonal_(torch.empty(head_dim, dim - places))
    for layer in (cross.query, cross.key):
        layer.weight[rows] = 0
        layer.weight[rows, places:] = _LIKENESS * mixed
        layer.bias[rows] = 0


def _answer_sensibly(encoder: GeometryEncoder) -> None:
    """Begin with a camera that stands still and a wall in front of it.

    Random answers are metres away and upside down, and their gradients teach nothing else.
    """
    pose = encoder.heads.pose.fc2
    pose.weight.mul_(_POSE_GAIN)
    pose.bias.zero_()
    pose.bias[3] = 1.0  # the unit quaternion
    for head in (encoder.heads.self_points, encoder.heads.world_points):
        last = [m for m in head.modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
        last.weight.mul_(_HEAD_GAIN)
        assert last.bias is not None
        last.bias.zero_()
        # Channels x, y, z and confidence, each for all pixels of a patch.
        last.bias.view(4, -1)[2] = math.log1p(_USUAL_DEPTH)
