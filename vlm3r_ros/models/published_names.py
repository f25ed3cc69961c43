"""How the published checkpoints name their parameters, and how ours are named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


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
FUSION_PREFIX = "model.fusion_block."
VISION_PREFIX = "model.vision_tower.vision_tower.vision_model."
VLM_NAMES = NameTable(
    renames=(
        Rename(
            rf"^{re.escape(FUSION_PREFIX)}(.+)$",
            lambda match: f"fusion.{FUSION_NAMES.rename(match[1])}",
        ),
        Rename(rf"^{re.escape(VISION_PREFIX)}", "vision_tower."),
        Rename(r"^model\.mm_projector\.", "projector."),
        Rename(r"^model\.image_newline$", "image_newline"),
        Rename(r"^model\.(embed_tokens|layers|norm)\.", r"language_model.model.\1."),
        Rename(r"^lm_head\.", "language_model.lm_head."),
    ),
    unused=(
        Unused(rf"{re.escape(VISION_PREFIX)}head\..+", "SigLIP's pooled output is not used"),
        Unused(r".+\.rotary_emb\.inv_freq", "a constant that the network computes itself"),
        Unused(r".+\.embeddings\.position_ids", "a constant that the network computes itself"),
    ),
)
