"""The published checkpoints' parameter names -> ours.

A conversion is planned on names and shapes alone, before any weight is read: every published name
is either mapped or listed here as unused, with the reason, and every parameter of ours is filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers.initialization import no_init_weights

from vlm3r_ros.models.configuration import Vlm3rConfig
from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig

Shape = tuple[int, ...]
Network = TypeVar("Network", bound=nn.Module)
_LISTED_NAMES = 8


class ConversionError(ValueError):
    """A published checkpoint does not fit: a key is missing, unknown or of another shape."""


@dataclass(frozen=True)
class Rename:
    """Rewrites part of a published name."""

    pattern: str
    replacement: str | Callable[[re.Match[str]], str]


@dataclass(frozen=True)
class Unused:
    """Published names without a counterpart in our networks."""

    pattern: str
    reason: str


@dataclass(frozen=True)
class NameTable:
    """How one kind of published checkpoint is named.

    Attributes:
        renames: applied one after the other.
        unused: names that are left out, matched as a whole.
        duplicates: names that repeat another one: (pattern, the other name).
    """

    renames: tuple[Rename, ...]
    unused: tuple[Unused, ...] = ()
    duplicates: tuple[Rename, ...] = ()

    def rename(self, name: str) -> str:
        """Our name of a published parameter."""
        for rule in self.renames:
            name = re.sub(rule.pattern, rule.replacement, name)
        return name


@dataclass(frozen=True)
class ConversionPlan:
    """Which published tensor goes where.

    Attributes:
        filled: published name -> our name.
        unused: published name -> why it has no counterpart.
        duplicates: published name -> the published name that it must equal.
    """

    filled: dict[str, str]
    unused: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, str] = field(default_factory=dict)


def _minus_one(template: str) -> Callable[[re.Match[str]], str]:
    """Fills `{}` of a template with the match's last group, counted from 0 instead of from 1."""
    return lambda match: template.format(*match.groups()[:-1], int(match.groups()[-1]) - 1)


_RAY_MAPS = "the encoder of ray maps, an input in place of an image"
GEOMETRY_NAMES = NameTable(
    renames=(
        Rename(r"^patch_embed\.proj\.", "patch_embed."),
        Rename(r"^enc_blocks\.", "encoder."),
        Rename(r"^enc_norm\.", "encoder_norm."),
        Rename(r"^dec_blocks\.", "image_decoder."),
        Rename(r"^dec_norm\.", "image_decoder_norm."),
        Rename(r"^dec_blocks_state\.", "state_decoder."),
        Rename(r"^dec_norm_state\.", "state_decoder_norm."),
        Rename(r"^decoder_embed_state\.", "state_embed."),
        Rename(r"^register_tokens\.", "state_embedding."),
        Rename(r"^pose_retriever\.mem$", "pose_memory.tokens"),
        Rename(r"^pose_retriever\.proj_q\.", "pose_memory.query."),
        Rename(r"^pose_retriever\.", "pose_memory."),
        Rename(r"^downstream_head\.pose_head\.mlp\.", "heads.pose."),
        Rename(r"^downstream_head\.final_transform\.", "heads.world_transform."),
        Rename(r"^downstream_head\.dpt_self\.", "heads.self_points."),
        Rename(r"^downstream_head\.dpt_cross\.", "heads.world_points."),
        Rename(r"^downstream_head\.dpt_rgb\.", "heads.color."),
        Rename(r"^downstream_head\.proj\.", "heads.self_points.mlp."),
        Rename(r"^downstream_head\.cross_proj\.", "heads.world_points.mlp."),
        Rename(r"^downstream_head\.rgb_proj\.", "heads.color.mlp."),
        Rename(r"\.attn\.", ".attention."),
        Rename(r"\.cross_attn\.projq\.", ".cross_attention.query."),
        Rename(r"\.cross_attn\.projk\.", ".cross_attention.key."),
        Rename(r"\.cross_attn\.projv\.", ".cross_attention.value."),
        Rename(r"\.cross_attn\.", ".cross_attention."),
        Rename(r"\.norm_y\.", ".norm_context."),
        Rename(r"\.(norm[12])\.mlp\.1\.", r".\1.modulation."),
        Rename(r"\.act_postprocess\.", ".resample."),
        Rename(r"\.scratch\.layer(\d+)_rn\.", _minus_one(".reduce.{}.")),
        Rename(r"\.scratch\.refinenet(\d+)\.", _minus_one(".fuse.{}.")),
        Rename(r"\.resConfUnit1\.", ".skip_unit."),
        Rename(r"\.resConfUnit2\.", ".unit."),
        Rename(r"\.out_conv\.", ".project."),
        Rename(r"^(heads\.\w+)\.head\.0\.", r"\1.conv1."),
        Rename(r"^(heads\.\w+)\.head\.2\.", r"\1.conv2."),
        Rename(r"^(heads\.\w+)\.head\.4\.", r"\1.conv3."),
    ),
    unused=(
        Unused(r"(patch_embed|enc_blocks|enc_norm)_ray_map\..+", _RAY_MAPS),
        Unused(r"masked_(img|ray_map)_token", "stands for an absent input; no frame is absent"),
        Unused(
            r"downstream_head\.dpt_\w+\.scratch\.refinenet4\.resConfUnit1\..+",
            "takes a second input, and the coarsest level has none",
        ),
    ),
    duplicates=(
        Rename(
            r"(.+\.scratch)\.layer_rn\.(\d+)\.(.+)",
            lambda match: f"{match[1]}.layer{int(match[2]) + 1}_rn.{match[3]}",
        ),
    ),
)
FUSION_NAMES = NameTable(
    renames=(
        Rename(r"^clip_norm\.", "visual_norm."),
        Rename(r"^spatial_encoder_norm\.", "spatial_norm."),
        Rename(r"^clip_query_proj\.", "query."),
        Rename(r"^spatial_encoder_key_proj\.", "key."),
        Rename(r"^spatial_encoder_value_proj\.", "value."),
        Rename(r"^cross_attention\.in_proj_(weight|bias)$", r"attention_in.\1"),
        Rename(r"^cross_attention\.out_proj\.", "attention_out."),
    ),
)
_FUSION_PREFIX = "model.fusion_block."
_VISION_PREFIX = "model.vision_tower.vision_tower.vision_model."
VLM_NAMES = NameTable(
    renames=(
        Rename(
            rf"^{re.escape(_FUSION_PREFIX)}(.+)$",
            lambda match: f"fusion.{FUSION_NAMES.rename(match[1])}",
        ),
        Rename(rf"^{re.escape(_VISION_PREFIX)}", "vision_tower."),
        Rename(r"^model\.mm_projector\.", "projector."),
        Rename(r"^model\.image_newline$", "image_newline"),
        Rename(r"^model\.(embed_tokens|layers|norm)\.", r"language_model.model.\1."),
        Rename(r"^lm_head\.", "language_model.lm_head."),
    ),
    unused=(
        Unused(rf"{re.escape(_VISION_PREFIX)}head\..+", "SigLIP's pooled output is not used"),
        Unused(r".+\.rotary_emb\.inv_freq", "a constant that the network computes itself"),
        Unused(r".+\.embeddings\.position_ids", "a constant that the network computes itself"),
    ),
)


def plan_conversion(
    published: Mapping[str, Shape], table: NameTable, wanted: Mapping[str, Shape]
) -> ConversionPlan:
    """Match a published checkpoint with a network of ours.

    Args:
        published: shapes by published name.
        table: how the published checkpoint is named.
        wanted: shapes by our name; each must be filled exactly once.

    Raises:
        ConversionError: naming every key that is missing, unknown, doubled or misshapen.
    """
    plan = ConversionPlan({})
    problems: list[str] = []
    unknown: list[str] = []
    sources: dict[str, str] = {}
    for name, shape in published.items():
        reason = _why_unused(name, table)
        original = _duplicated_name(name, table)
        if reason is not None:
            plan.unused[name] = reason
        elif original is not None and original in published:
            plan.duplicates[name] = original
        else:
            ours = table.rename(original or name)
            if ours not in wanted:
                unknown.append(name)
            elif ours in sources:
                problems.append(f"{name} and {sources[ours]} are the same parameter, {ours}")
            elif tuple(shape) != tuple(wanted[ours]):
                problems.append(f"{name} is {list(shape)} and should be {list(wanted[ours])}")
            if ours in wanted:
                plan.filled[name] = ours
                sources.setdefault(ours, name)
    missing = [name for name in wanted if name not in sources]
    if unknown:
        problems.append(f"unknown keys: {_listed(unknown)}")
    if missing:
        problems.append(f"no key fills our parameters: {_listed(missing)}")
    if problems:
        raise ConversionError("the checkpoint does not fit: " + "; ".join(_shortened(problems)))
    return plan


def parameter_shapes(build: Callable[[], nn.Module]) -> dict[str, Shape]:
    """Shapes of a network's state dict, without memory for its weights."""
    with torch.device("meta"):
        network = build()
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def geometry_plan(published: Mapping[str, Shape], config: GeometryEncoderConfig) -> ConversionPlan:
    """Plan for a published CUT3R state dict; see `plan_conversion`."""
    return plan_conversion(
        published, GEOMETRY_NAMES, parameter_shapes(lambda: GeometryEncoder(config))
    )


def vlm_plan(published: Mapping[str, Shape], config: Vlm3rConfig) -> ConversionPlan:
    """Plan for a published VLM-3R state dict, which lacks the geometry encoder.

    A vision layer after the last one that `config` counts is dropped, as the published code does.
    """
    from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

    wanted = {
        name: shape
        for name, shape in parameter_shapes(lambda: Vlm3rForConditionalGeneration(config)).items()
        if not name.startswith("geometry_encoder.")
    }
    vision: Any = config.vision_config
    dropped_layer = vision.num_hidden_layers
    dropped = Unused(
        rf"{re.escape(_VISION_PREFIX)}encoder\.layers\.{dropped_layer}\..+",
        "the vision tower's last layer, whose output is not used",
    )
    table = NameTable(VLM_NAMES.renames, (*VLM_NAMES.unused, dropped))
    return plan_conversion(published, table, wanted)


def fusion_plan(published: Mapping[str, Shape], fusion: SpatialVisualFusion) -> ConversionPlan:
    """Plan for a published fusion block alone, without a prefix."""
    wanted = {name: tuple(tensor.shape) for name, tensor in fusion.state_dict().items()}
    return plan_conversion(published, FUSION_NAMES, wanted)


def convert_geometry_state_dict(
    published: Mapping[str, Tensor], config: GeometryEncoderConfig
) -> dict[str, Tensor]:
    """A published CUT3R state dict under our names.

    Raises:
        ConversionError: see `plan_conversion`; also where two names of one tensor differ.
    """
    return _convert(published, geometry_plan(_shapes(published), config))


def convert_vlm_state_dict(
    published: Mapping[str, Tensor], config: Vlm3rConfig
) -> dict[str, Tensor]:
    """A published VLM-3R state dict (without the geometry encoder) under our names.

    Raises:
        ConversionError: see `plan_conversion`.
    """
    return _convert(published, vlm_plan(_shapes(published), config))


def build_empty(build: Callable[[], Network], dtype: torch.dtype = torch.float32) -> Network:
    """A network in evaluation mode whose weights are still undefined memory."""
    with no_init_weights():
        return build().to(dtype).eval()


@torch.no_grad()
def fill_parameters(
    network: nn.Module,
    tensors: Iterable[tuple[str, Tensor]],
    plan: ConversionPlan,
    prefix: str = "",
) -> None:
    """Copy published tensors into a network as they come, one at a time.

    Args:
        network: receives the weights, in its own dtype.
        tensors: (published name, tensor); names that the plan does not fill are passed over.
        plan: made for this network.
        prefix: of our names, where the plan covers a part of the network.

    Raises:
        ConversionError: if `tensors` ended before everything planned was filled.
    """
    own = network.state_dict()
    waiting = dict(plan.filled)
    for name, tensor in tensors:
        if name in waiting:
            own[prefix + waiting.pop(name)].copy_(tensor)
    if waiting:
        raise ConversionError(f"the checkpoint ended without {_listed(list(waiting))}")


def _convert(published: Mapping[str, Tensor], plan: ConversionPlan) -> dict[str, Tensor]:
    check_duplicates(published, plan)
    return {ours: published[name] for name, ours in plan.filled.items()}


def check_duplicates(published: Mapping[str, Tensor], plan: ConversionPlan) -> None:
    """Check that second names of one tensor hold the same values.

    Raises:
        ConversionError: naming the two that differ.
    """
    for name, original in plan.duplicates.items():
        first, second = published[original], published[name]
        if first.is_meta or first is second:
            continue
        if not torch.equal(first, second):
            raise ConversionError(f"{name} and {original} name one parameter but differ")


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _why_unused(name: str, table: NameTable) -> str | None:
    for rule in table.unused:
        if re.fullmatch(rule.pattern, name):
            return rule.reason
    return None


def _duplicated_name(name: str, table: NameTable) -> str | None:
    for rule in table.duplicates:
        if re.fullmatch(rule.pattern, name):
            return re.sub(rule.pattern, rule.replacement, name)
    return None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED_NAMES} more" if len(names) > _LISTED_NAMES else ""
    return ", ".join(names[:_LISTED_NAMES]) + more


def _shortened(problems: list[str]) -> list[str]:
    if len(problems) <= _LISTED_NAMES:
        return problems
    return [*problems[:_LISTED_NAMES], f"and {len(problems) - _LISTED_NAMES} more problems"]
