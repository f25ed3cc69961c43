"""Where instruction tuning of a new model starts: random weights, arranged by a look at frames.

From scratch, fusion has no idea of which geometry token belongs to which image token; what all
visual tokens have in common is many times larger than what tells them apart, and than words; and a
word has nothing to do with the tokens of what it names. Each costs thousands of steps. So

* image tokens begin by looking at the geometry tokens of their own place;
* visual tokens begin centred, about as large as what the language model's layers add to them;
* those in which the vision tower sees a thing begin with its name in them, all of them with where
  they are in the image and how far away that is; some heads of the first layers attend from a word
  to what is like it and copy what they find (mimetic initialization: Trockman and Kolter, 2023),
  some of the later ones look everywhere and copy. "Chairs" begin as "chair": what is asked about
  several is found by what one is called.

All of it is ordinary weights, which training may keep or undo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from transformers import Qwen2ForCausalLM

from vlm3r_ros.models.configuration import SpatialFeature, parse_spatial_features
from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.questions.wording import plural
from vlm3r_ros.training.instruct.descriptions import COLUMNS, ROWS
from vlm3r_ros.training.instruct.network import FrameFeatures, InstructNetwork
from vlm3r_ros.training.vision.filming import Patches
from vlm3r_ros.training.vision.losses import PRESENT_SHARE
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES

_WAVES = 3  # of a place's code, by axis: half a turn over the grid, a whole one, one and a half
_SHARPNESS = 4.0  # logits that attention loses from one's own patch to the next
_RIDGE = 1e-2  # of the tokens' variance
_VISUAL_SIZE = 0.3  # root mean square of visual tokens, before names and places are added
_NAMED_SHARE = 0.5  # of the projector's hidden units, at most, that may name things
_NAME_GAIN, _NAME_FROM = 6.0, 0.1  # of what least squares make of "is it there?", 0 or 1
_NAME_SIZE = 0.6  # root mean square of a name in a visual token, of each unit of its gain
_PLACE_GAIN, _PLACE_FROM = 4.0, 0.3  # of what least squares make of "is it in this third?"
_PLACE_SIZE = 0.08  # root mean square of a word for a place, likewise
_MEASURE_SIZE = 0.2  # of a coordinate or of the logarithm of depth, of each standard deviation
_NEAREST, _FARTHEST = 0.3, 12.0  # m
_PLACE_UNITS = 2 * 3 + len(COLUMNS) + len(ROWS)
_LIKENESS_LAYERS = 2
_LIKENESS_GAIN = 2.5  # of queries and keys


@torch.no_grad()
def initialize(network: InstructNetwork, sessions: Sequence[Tensor], patches: Patches) -> None:
    """Arrange fusion, projector and language model; see the module's text.

    Args:
        network: with random ones.
        sessions: frames, uint8 `[T, S, S, 3]` each.
        patches: other frames with what each patch shows.
    """
    model = network.model
    looks = [network.look(frames, 1) for frames in sessions]
    features = FrameFeatures(
        *(
            torch.cat([getattr(look, name) for look in looks]).float()
            for name in ("vision", "camera_tokens", "patch_tokens")
        )
    )
    fusion: SpatialVisualFusion = model.fusion
    used = parse_spatial_features(model.config.spatial_features)
    fused = features.vision
    if used:
        alike = features.vision.shape[1] == features.patch_tokens.shape[1]
        if alike and SpatialFeature.PATCH_TOKENS in used:
            look_at_own_place(fusion, features.vision, features.patch_tokens)
        fused = network.fuse(features)
        fusion.out_norm.bias.sub_((fused - features.vision).flatten(0, 1).mean(0))
        fused = network.fuse(features)
    projected = model.project(fused).flatten(0, 1)
    mean = projected.mean(0)
    gain = _VISUAL_SIZE / (projected - mean).square().mean().sqrt()
    _, last = _linear_layers(model.projector)
    last.weight.mul_(gain)
    last.bias.copy_((last.bias - mean) * gain)
    call_several_as_one(network)
    if _NAMED_SHARE * last.out_features >= len(CATEGORIES) + _PLACE_UNITS:
        name_what_is_seen(network, patches)
        tell_where_it_is(network, patches)
        last.bias.sub_(model.project(fused).flatten(0, 1).mean(0))
    copy_what_is_seen(model.language_model)


@torch.no_grad()
def call_several_as_one(network: InstructNetwork) -> None:
    """Give plurals that are tokens of their own the embeddings of their names.

    Args:
        network: changed in place; one that was trained already may be changed as well.
    """
    tokenizer = network.processor.tokenizer
    words = word_embeddings(network.model.language_model)
    for name in CATEGORIES:
        for before in ("", " "):
            one, several = (tokenizer.encode(before + said) for said in (name, plural(name)))
            if len(one) == len(several) and one[:-1] == several[:-1]:
                words[several[-1]] = words[one[-1]]


@torch.no_grad()
def name_what_is_seen(network: InstructNetwork, patches: Patches) -> None:
    """Let the projector's first hidden units say what a patch shows, and add its name's embedding.

    Args:
        network: changed in place.
        patches: frames with what each patch shows.
    """
    model, tokenizer = network.model, network.processor.tokenizer
    pixels = network.processor.normalize(torch.from_numpy(patches.color))
    visual = model.encode_vision(pixels.to(model.image_newline.device)).float().flatten(0, 1)
    shares = torch.from_numpy(patches.shares).to(visual.device).float().flatten(0, 1)
    present = (shares[:, 1:] >= PRESENT_SHARE).float()
    weight, bias = least_squares(visual, present)
    first, last = _linear_layers(model.projector)
    count = present.shape[1]
    first.weight[:count] = _NAME_GAIN * weight
    first.bias[:count] = _NAME_GAIN * (bias - _NAME_FROM)
    words = word_embeddings(model.language_model)
    for unit, name in enumerate(CATEGORIES):
        ids = sorted({*tokenizer.encode(name), *tokenizer.encode(f" {name}")})
        meaning = words[ids].mean(0)
        last.weight[:, unit] = _NAME_SIZE * meaning / meaning.square().mean().sqrt()


@torch.no_grad()
def tell_where_it_is(network: InstructNetwork, patches: Patches) -> None:
    """Let the projector's next hidden units say where in the image a patch is, and how far away.

    The thirds of the image are told by the embeddings of their words; across, down and the
    logarithm of depth by a direction each, of any value.

    Args:
        network: changed in place.
        patches: frames with the depth of each patch.
    """
    model, tokenizer = network.model, network.processor.tokenizer
    device = model.image_newline.device
    frames = torch.from_numpy(patches.color).to(device)
    rooms = torch.from_numpy(patches.room).to(device)
    looks = [network.look(frames[rooms == room], 1) for room in rooms.unique()]
    fused = torch.cat([network.fuse(look).float() for look in looks])
    side = math.isqrt(fused.shape[1])
    ticks = ((torch.arange(side, device=device) + 0.5) / side).repeat(len(fused), 1)
    across, down = ticks[:, None].expand(-1, side, -1), ticks[:, :, None].expand(-1, -1, side)
    depth = torch.from_numpy(patches.depth).to(device).nan_to_num(_FARTHEST)
    far = depth.clamp(_NEAREST, _FARTHEST).log().flatten()
    measures = torch.stack((across.flatten(), down.flatten(), far), -1)
    measures = (measures - measures.mean(0)) / measures.std(0)
    thirds = torch.cat(
        [
            (place.flatten()[:, None] * len(words)).long() == torch.arange(len(words)).to(device)
            for place, words in ((across, COLUMNS), (down, ROWS))
        ],
        -1,
    ).float()
    tokens = fused.flatten(0, 1)
    first, last = _linear_layers(model.projector)
    begin, count = len(CATEGORIES), measures.shape[1]
    # gelu(z) - gelu(-z) = z: two units each pass a number on as it is.
    directions = torch.nn.init.orthogonal_(last.weight.new_empty(count, last.out_features))
    directions *= _MEASURE_SIZE * math.sqrt(last.out_features)
    weight, bias = least_squares(tokens, measures)
    for sign in (1, -1):
        units = slice(begin, begin + count)
        first.weight[units], first.bias[units] = sign * weight, sign * bias
        last.weight[:, units] = sign * directions.T
        begin += count
    weight, bias = least_squares(tokens, thirds)
    words = word_embeddings(model.language_model)
    for number, name in enumerate((*COLUMNS, *ROWS)):
        unit = begin + number
        first.weight[unit] = _PLACE_GAIN * weight[number]
        first.bias[unit] = _PLACE_GAIN * (bias[number] - _PLACE_FROM)
        meaning = words[tokenizer.encode(f" {name}")].mean(0)
        last.weight[:, unit] = _PLACE_SIZE * meaning / meaning.square().mean().sqrt()


@torch.no_grad()
def copy_what_is_seen(language_model: Qwen2ForCausalLM) -> None:
    """Let the first heads of each layer copy from what they attend to.

    In the first layers they attend from a token to those like it. Only numbers that the rotary
    embedding turns slowly are compared: distance hardly counts. In later layers they attend to all
    tokens alike. A token that has a word's embedding in it makes that word likelier.
    """
    words = word_embeddings(language_model)
    language_model.lm_head.weight.copy_(words)
    config = language_model.config
    assert config.num_key_value_heads is not None
    groups = config.num_attention_heads // config.num_key_value_heads
    head_dim = config.hidden_size // config.num_attention_heads
    slow = slow_numbers(head_dim)
    for number, layer in enumerate(language_model.model.layers):
        attention = layer.self_attn
        copied = torch.nn.init.orthogonal_(words.new_empty(head_dim, config.hidden_size))
        # The heads that share the first keys and values.
        shared = groups * head_dim
        attention.v_proj.weight[:head_dim] = copied
        attention.o_proj.weight[:, :shared] = copied.T.repeat(1, groups) / groups
        attention.q_proj.weight[:shared] = 0
        if number >= _LIKENESS_LAYERS:
            continue
        alike = torch.nn.init.orthogonal_(words.new_empty(len(slow), config.hidden_size))
        attention.k_proj.weight[:head_dim] = 0
        attention.k_proj.weight[slow] = _LIKENESS_GAIN * alike
        for head in range(groups):
            attention.q_proj.weight[head * head_dim + slow] = _LIKENESS_GAIN * alike


@torch.no_grad()
def look_at_own_place(fusion: SpatialVisualFusion, visual: Tensor, spatial: Tensor) -> None:
    """Let half of the heads attend from each image token to the geometry token of its place.

    Both kinds of tokens tell where they are; least squares find out how.

    Args:
        fusion: changed in place.
        visual: image tokens `[F, N, D]` of a square grid.
        spatial: geometry tokens `[F, N, Ds]` of the same grid.
    """
    dim, spatial_dim = fusion.key.weight.shape
    code = _place_code(visual.shape[1]).to(visual)
    target = code.expand(len(visual), -1, -1).flatten(0, 1)
    head_dim = dim // fusion.heads
    gain = math.sqrt(_SHARPNESS / float(code[0] @ (code[0] - code[1])) * math.sqrt(head_dim))
    shared = min(dim, spatial_dim)
    fusion.query.weight.copy_(torch.eye(dim))
    fusion.key.weight[:shared] = torch.eye(shared, spatial_dim)
    fusion.query.bias.zero_()
    fusion.key.bias.zero_()
    maps = (
        (fusion.visual_norm(visual), dim),
        (fusion.spatial_norm(spatial), shared),
    )
    for part, (tokens, width) in enumerate(maps):
        weight, bias = least_squares(tokens.flatten(0, 1)[:, :width], target)
        count = min(head_dim, len(weight))
        for head in range(max(1, fusion.heads // 2)):
            rows = slice(part * dim + head * head_dim, part * dim + (head + 1) * head_dim)
            fusion.attention_in.weight[rows] = 0
            fusion.attention_in.bias[rows] = 0
            fusion.attention_in.weight[rows][:count, :width] = gain * weight[:count]
            fusion.attention_in.bias[rows][:count] = gain * bias[:count]


def _linear_layers(projector: nn.Sequential) -> tuple[nn.Linear, nn.Linear]:
    """The projector's first and last layer."""
    first, *_, last = projector
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    return first, last


def slow_numbers(head_dim: int) -> Tensor:
    """Which numbers of a head's queries and keys the rotary embedding turns slowly: one half."""
    half = head_dim // 2
    return torch.cat((torch.arange(half // 2, half), torch.arange(half + half // 2, head_dim)))


def word_embeddings(language_model: Qwen2ForCausalLM) -> Tensor:
    """Of all tokens `[V, H]`."""
    return cast(nn.Embedding, language_model.get_input_embeddings()).weight


def _place_code(patches: int) -> Tensor:
    """A code of each place on a square grid `[N, C]`, the more alike the nearer two places are."""
    side = math.isqrt(patches)
    angle = torch.arange(side)[:, None] * torch.pi / side * torch.arange(1, _WAVES + 1)
    waves = torch.cat((angle.cos(), angle.sin()), -1)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.cat((waves[rows.flatten()], waves[columns.flatten()]), -1)


def least_squares(x: Tensor, y: Tensor, ridge: float = _RIDGE) -> tuple[Tensor, Tensor]:
    """Weights `[O, I]` and bias `[O]` from features `[N, I]` to targets `[N, O]`.

    Args:
        x: features.
        y: targets.
        ridge: added to the features' variance, as a share of it.
    """
    mean, offset = x.mean(0), y.mean(0)
    centred = x - mean
    products = centred.T @ centred
    products += ridge * products.diagonal().mean() * torch.eye(len(products), device=x.device)
    weight = torch.linalg.solve(products, centred.T @ (y - offset)).T
    return weight, offset - weight @ mean
