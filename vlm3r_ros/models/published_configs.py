"""Configurations of the published checkpoints, from their shapes and stored settings."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from math import isqrt
from typing import Any

from transformers import Qwen2Config, SiglipVisionConfig

from vlm3r_ros.models.configuration import Vlm3rConfig
from vlm3r_ros.models.conversion import ConversionError, Shape
from vlm3r_ros.models.geometry import GeometryEncoderConfig
from vlm3r_ros.models.published_names import VISION_PREFIX

# Head counts do not show in shapes. CUT3R: 64 channels a head, except for the state decoder, which
# keeps its default of 16 heads whatever its width. SigLIP-SO400M: 16 heads of 72 channels.
GEOMETRY_HEAD_DIM = 64
GEOMETRY_STATE_DECODER_HEADS = 16
SIGLIP_HEADS = {1152: 16}
FUSION_HEADS = 18
_HEAD_SETTINGS = {
    "enc_num_heads": "encoder_heads",
    "dec_num_heads": "decoder_heads",
    "state_dec_num_heads": "state_decoder_heads",
}
_TEXT_FIELDS = (
    "max_position_embeddings",
    "rms_norm_eps",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "hidden_act",
)


def geometry_config(
    shapes: Mapping[str, Shape], arguments: Mapping[str, Any] | None = None
) -> GeometryEncoderConfig:
    """Configuration of a published CUT3R checkpoint.

    Args:
        shapes: of its state dict, under the published names.
        arguments: the training arguments stored with it; `model` there is an expression, from
            which the numbers of attention heads are read (as text: nothing is evaluated). Without
            it the published ones are taken.

    Raises:
        ConversionError: a key that tells a dimension is missing.
    """
    shape = _Shapes(shapes)
    encoder_dim = shape["patch_embed.proj.weight"][0]
    decoder_dim = shape["decoder_embed.weight"][0]
    decoder_depth = shape.count(r"dec_blocks\.(\d+)\.")
    settings: dict[str, Any] = {
        "patch_size": shape["patch_embed.proj.weight"][-1],
        "image_channels": shape["patch_embed.proj.weight"][1],
        "encoder_dim": encoder_dim,
        "encoder_depth": shape.count(r"enc_blocks\.(\d+)\."),
        "encoder_heads": max(1, encoder_dim // GEOMETRY_HEAD_DIM),
        "decoder_dim": decoder_dim,
        "decoder_depth": decoder_depth,
        "decoder_heads": max(1, decoder_dim // GEOMETRY_HEAD_DIM),
        "state_decoder_heads": GEOMETRY_STATE_DECODER_HEADS,
        "state_size": shape["register_tokens.weight"][0],
        "memory_size": shape["pose_retriever.mem"][1],
        "memory_read_depth": shape.count(r"pose_retriever\.read_blocks\.(\d+)\."),
        "memory_write_depth": shape.count(r"pose_retriever\.write_blocks\.(\d+)\."),
        "mlp_ratio": shape["enc_blocks.0.mlp.fc1.weight"][0] / encoder_dim,
        "pose_head_hidden": shape["downstream_head.pose_head.mlp.fc1.weight"][0],
        "final_transform_depth": shape.count(r"downstream_head\.final_transform\.(\d+)\."),
    }
    settings |= _stated_heads(arguments or {})
    settings["memory_heads"] = settings["final_transform_heads"] = settings["decoder_heads"]
    dpt = "downstream_head.dpt_self."
    if dpt + "head.0.weight" in shapes:
        settings |= {
            "head": "dpt",
            "dpt_feature_dim": shape[dpt + "head.0.weight"][1],
            "dpt_last_dim": shape[dpt + "head.4.weight"][1],
            "dpt_layer_dims": [shape[f"{dpt}act_postprocess.{i}.0.weight"][0] for i in range(4)],
            "dpt_hooks": [0, decoder_depth // 2, decoder_depth * 3 // 4, decoder_depth],
        }
    else:
        hidden = shape["downstream_head.proj.fc1.weight"][0]
        settings |= {"head": "linear", "linear_head_mlp_ratio": hidden / decoder_dim}
    return GeometryEncoderConfig(**settings)


def vlm_config(
    settings: Mapping[str, Any], shapes: Mapping[str, Shape], geometry: GeometryEncoderConfig
) -> Vlm3rConfig:
    """Configuration of a published VLM-3R checkpoint.

    Args:
        settings: its `config.json`.
        shapes: of its state dict (base, fusion and projector), under the published names.
        geometry: of the geometry encoder that goes with it.

    Raises:
        ConversionError: a needed setting or key is missing.
    """
    vision = _vision_config(settings, shapes)
    grid = isqrt(shapes[VISION_PREFIX + "embeddings.position_embedding.weight"][0])
    return Vlm3rConfig(
        vision_config=vision,
        geometry_config=geometry,
        text_config=_text_config(settings, shapes),
        fusion_heads=FUSION_HEADS,
        spatial_features=_spatial_features(settings),
        pool_mode=settings.get("mm_spatial_pool_mode") or "bilinear",
        newline_position=settings.get("mm_newline_position") or "grid",
        # The published tower resizes so that geometry tokens and vision tokens are as many.
        geometry_image_size=grid * geometry.patch_size,
    )


class _Shapes:
    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes

    def __getitem__(self, name: str) -> Shape:
        if name not in self._shapes:
            raise ConversionError(f"the checkpoint has no key {name}, which tells its dimensions")
        return tuple(self._shapes[name])

    def count(self, pattern: str) -> int:
        """Number of layers whose index the pattern's group finds at the start of a name."""
        found = (re.match(pattern, name) for name in self._shapes)
        return max((int(match[1]) for match in found if match), default=-1) + 1


def _stated_heads(arguments: Mapping[str, Any]) -> dict[str, int]:
    """Numbers of heads among the keywords of the stored model expression."""
    expression = arguments.get("model")
    if not isinstance(expression, str):
        return {}
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return {}
    return {
        _HEAD_SETTINGS[node.arg]: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg in _HEAD_SETTINGS
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, int)
    }


def _vision_config(settings: Mapping[str, Any], shapes: Mapping[str, Shape]) -> SiglipVisionConfig:
    shape = _Shapes(shapes)
    dim, _, patch, _ = shape[VISION_PREFIX + "embeddings.patch_embedding.weight"]
    grid = isqrt(shape[VISION_PREFIX + "embeddings.position_embedding.weight"][0])
    layers = shape.count(re.escape(VISION_PREFIX) + r"encoder\.layers\.(\d+)\.")
    stated: Mapping[str, Any] = settings.get("vision_config") or {}
    tower = str(settings.get("mm_vision_tower") or "")
    # "...-patch14-384": 384 pixels give 27 patches and leave a few pixels over.
    size = re.search(r"-(\d+)$", tower)
    image_size = int(size[1]) if size else int(stated.get("image_size", grid * patch))
    if image_size // patch != grid:
        raise ConversionError(
            f"vision tower {tower!r} has {grid}x{grid} positions, not {image_size} px / {patch} px"
        )
    heads = stated.get("num_attention_heads", SIGLIP_HEADS.get(dim))
    if heads is None:
        raise ConversionError(
            f"the number of attention heads of a {dim} wide vision tower is not known; "
            "add vision_config.num_attention_heads to config.json"
        )
    # The base may still hold SigLIP's last layer, which the published model deletes.
    published_layers = stated.get("num_hidden_layers", 27 if "so400m" in tower else layers + 1)
    return SiglipVisionConfig(
        hidden_size=dim,
        intermediate_size=shape[VISION_PREFIX + "encoder.layers.0.mlp.fc1.weight"][0],
        num_hidden_layers=min(layers, published_layers - 1),
        num_attention_heads=heads,
        image_size=image_size,
        patch_size=patch,
        vision_use_head=False,
    )


def _text_config(settings: Mapping[str, Any], shapes: Mapping[str, Shape]) -> Qwen2Config:
    shape = _Shapes(shapes)
    vocabulary, hidden = shape["model.embed_tokens.weight"]
    for name in ("num_attention_heads", "num_key_value_heads"):
        if name not in settings:
            raise ConversionError(f"config.json does not state {name}")
    rope = {"rope_type": "default", "rope_theta": float(settings.get("rope_theta", 1e6))}
    if scaling := settings.get("rope_scaling"):
        rope |= {("rope_type" if key == "type" else key): value for key, value in scaling.items()}
    return Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=shape["model.layers.0.mlp.gate_proj.weight"][0],
        num_hidden_layers=shape.count(r"model\.layers\.(\d+)\."),
        num_attention_heads=settings["num_attention_heads"],
        num_key_value_heads=settings["num_key_value_heads"],
        rope_parameters=rope,
        tie_word_embeddings=False,
        **{name: settings[name] for name in _TEXT_FIELDS if settings.get(name) is not None},
    )


def _spatial_features(settings: Mapping[str, Any]) -> str:
    """The fusion's choice of geometry tokens; the training script's name for all is known too."""
    stated = [
        str(value)
        for name, value in settings.items()
        if "spatial" in name and name.endswith("select_feature") and value
    ]
    return "all" if not stated or stated[0] == "all_tokens" else stated[0]
