"""Networks for recorded cases: configuration from the case's metadata, weights from a file or rule.

Weights are copied in one tensor at a time, and networks stay for the next case with the same ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers import Qwen2Config, SiglipVisionConfig

from vlm3r_ros.benchmarks.conformance_data import CaseError, RecordedFile, RecordedFolder
from vlm3r_ros.benchmarks.formula_weights import formula_fingerprint, formula_tensors
from vlm3r_ros.models.configuration import Vlm3rConfig
from vlm3r_ros.models.conversion import (
    Shape,
    build_empty,
    fill_parameters,
    fusion_plan,
    geometry_plan,
    vlm_plan,
)
from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

FORMULA = "formula"
# The published geometry encoder takes 3.2 GB; two of them are never held at once.
CACHE_BYTES = 4 << 30
Network = TypeVar("Network", bound=nn.Module)

_GEOMETRY_FIELDS = {
    "patch_size": "patch_size",
    "image_channels": "image_channels",
    "enc_dim": "encoder_dim",
    "enc_depth": "encoder_depth",
    "enc_heads": "encoder_heads",
    "dec_dim": "decoder_dim",
    "dec_depth": "decoder_depth",
    "dec_heads": "decoder_heads",
    "state_dec_heads": "state_decoder_heads",
    "state_size": "state_size",
    "mem_size": "memory_size",
    "mem_heads": "memory_heads",
    "mem_write_depth": "memory_write_depth",
    "mem_read_depth": "memory_read_depth",
    "mlp_ratio": "mlp_ratio",
    "norm_eps": "norm_eps",
    "rope_base": "rope_base",
    "head": "head",
    "dpt_feature_dim": "dpt_feature_dim",
    "dpt_last_dim": "dpt_last_dim",
    "dpt_layer_dims": "dpt_layer_dims",
    "dpt_hooks": "dpt_hooks",
    "linear_head_mlp_ratio": "linear_head_mlp_ratio",
    "pose_head_hidden": "pose_head_hidden",
    "final_transform_depth": "final_transform_depth",
    "final_transform_heads": "final_transform_heads",
}
# What our networks do without a switch; a case that asks for something else must not pass.
_FIXED_GEOMETRY = {
    "gelu": "erf",
    "qkv_bias": True,
    "pose_token_position": [-1, -1],
    "pose_dim": 7,
    "depth_mode": "exp",
    "conf_mode": "exp",
    "conf_min": 1.0,
    "pose_mode": "exp",
    "rgb_head": True,
    "pose_head": True,
}
_FIXED_LANGUAGE = {
    "model": "qwen2",
    "qkv_bias": True,
    "sliding_window": False,
    "tie_word_embeddings": False,
}
_VISION_ACTIVATIONS = {"tanh": "gelu_pytorch_tanh", "erf": "gelu"}


@dataclass(frozen=True)
class Weights:
    """Where a network's weights come from.

    Attributes:
        shapes: by published name.
        stream: yields (published name, tensor).
        key: two sources with the same key hold the same weights.
    """

    shapes: dict[str, Shape]
    stream: Callable[[], Iterator[tuple[str, Tensor]]]
    key: str


class NetworkCache:
    """Builds networks for cases and keeps those most lately used, up to `CACHE_BYTES`."""

    def __init__(self, folder: RecordedFolder) -> None:
        self._folder = folder
        self._networks: OrderedDict[str, nn.Module] = OrderedDict()

    def geometry(
        self, case: RecordedFile, settings: Mapping[str, Any], weights_file: str
    ) -> GeometryEncoder:
        """The geometry encoder of a `cut3r` or `tower` case."""
        config = geometry_config(settings)
        weights = read_weights(self._folder, case, weights_file)
        key = f"{weights.key} {config.to_json_string(use_diff=False)}"

        def build() -> GeometryEncoder:
            plan = geometry_plan(weights.shapes, config)
            encoder = build_empty(lambda: GeometryEncoder(config))
            fill_parameters(encoder, weights.stream(), plan)
            return encoder

        return self._get(key, weights.shapes, build)

    def fusion(self, case: RecordedFile) -> SpatialVisualFusion:
        """The fusion of a `fusion` case."""
        config = case.config
        weights = read_weights(self._folder, case, case.text("weights"))
        fusion = build_empty(
            lambda: SpatialVisualFusion(
                config["dim"], config["spatial_dim"], config["heads"], config["norm_eps"]
            )
        )
        fill_parameters(fusion, weights.stream(), fusion_plan(weights.shapes, fusion))
        return fusion

    def vlm(
        self, case: RecordedFile, replaced: Mapping[str, Tensor] | None = None
    ) -> Vlm3rForConditionalGeneration:
        """A whole model of its own.

        Args:
            case: names the weights and the geometry encoder's.
            replaced: tensors under published names that take the place of stored ones.
        """
        config = vlm_config(case.config)
        weights = read_weights(self._folder, case, case.text("weights"))
        spatial = read_weights(self._folder, case, case.text("spatial_weights"))
        replaced = replaced or {}
        shapes = weights.shapes | {name: tuple(value.shape) for name, value in replaced.items()}
        geometry_settings: Any = config.geometry_config
        plan = vlm_plan(shapes, config)
        spatial_plan = geometry_plan(spatial.shapes, geometry_settings)
        model = build_empty(lambda: Vlm3rForConditionalGeneration(config))
        kept = ((name, value) for name, value in weights.stream() if name not in replaced)
        fill_parameters(model, _chain(kept, replaced), plan)
        fill_parameters(model.geometry_encoder, spatial.stream(), spatial_plan)
        return model

    def _get(self, key: str, shapes: Mapping[str, Shape], build: Callable[[], Network]) -> Network:
        if key not in self._networks:
            needed = sum(torch.Size(shape).numel() for shape in shapes.values()) * 4
            held = sum(_bytes(network) for network in self._networks.values())
            while self._networks and held + needed > CACHE_BYTES:
                held -= _bytes(self._networks.popitem(last=False)[1])
            self._networks[key] = build()
        self._networks.move_to_end(key)
        return self._networks[key]  # type: ignore[return-value]


def read_weights(folder: RecordedFolder, case: RecordedFile, source: str) -> Weights:
    """The weights that a case names: a file of the folder, or the formula."""
    if source == FORMULA:
        return _formula_weights(folder, case)
    file = folder[source]
    prefix = case.metadata.get("weights_prefix", "") if source == case.text("weights") else ""
    names = [name for name in file.names if name.startswith(prefix)]
    if not names:
        raise CaseError(f"{source} holds no weights with the prefix {prefix!r}")
    return Weights(
        shapes={name.removeprefix(prefix): file.shape(name) for name in names},
        stream=lambda: ((name.removeprefix(prefix), file.tensor(name)) for name in names),
        key=f"{source} {prefix}",
    )


def _formula_weights(folder: RecordedFolder, case: RecordedFile) -> Weights:
    keys_file = case.text("weights_keys")
    salt = int(case.metadata.get("salt", "0"))
    try:
        keys = folder.read_json(keys_file)
        shapes = {name: tuple(int(size) for size in entry[0]) for name, entry in keys.items()}
    except (TypeError, IndexError, ValueError) as error:
        raise CaseError(f"{keys_file} is not a table of names and shapes: {error}") from error
    expected = case.metadata.get("weights_sha256_first64")
    if expected is not None and formula_fingerprint(shapes, salt) != expected:
        raise CaseError(f"the formula's weights for {keys_file} have another checksum")
    return Weights(
        shapes=shapes,
        stream=lambda: (
            (name, torch.from_numpy(value)) for name, value in formula_tensors(shapes, salt)
        ),
        key=f"{keys_file} {salt}",
    )


def geometry_config(settings: Mapping[str, Any]) -> GeometryEncoderConfig:
    """Our configuration of a recorded geometry encoder.

    Raises:
        CaseError: the case wants something that the encoder cannot do.
    """
    _check_fixed(settings, _FIXED_GEOMETRY)
    known = {_GEOMETRY_FIELDS[key]: settings[key] for key in _GEOMETRY_FIELDS if key in settings}
    config = GeometryEncoderConfig(**known)
    derived = {"state_grid_width": config.state_grid_width, "mem_dim": config.memory_dim}
    _check_fixed(settings, derived)
    return config


def vlm_config(settings: Mapping[str, Any]) -> Vlm3rConfig:
    """Our configuration of a recorded pipeline.

    Raises:
        CaseError: the case wants something that the model cannot do, or lacks a setting.
    """
    try:
        vision, language = settings["vision"], settings["language"]
        _check_fixed(vision, {"post_layernorm": False})
        _check_fixed(language, _FIXED_LANGUAGE)
        _check_fixed(settings.get("projector", {}), {"gelu": "erf"})
        _check_fixed(settings.get("pool", {}), {"stride": 2})
        return Vlm3rConfig(
            vision_config=SiglipVisionConfig(
                hidden_size=vision["hidden_size"],
                intermediate_size=vision["intermediate_size"],
                num_hidden_layers=vision["layers_used"],
                num_attention_heads=vision["heads"],
                image_size=vision["image_size"],
                patch_size=vision["patch_size"],
                layer_norm_eps=vision["norm_eps"],
                hidden_act=_VISION_ACTIVATIONS[vision.get("gelu", "tanh")],
                vision_use_head=False,
            ),
            geometry_config=geometry_config(settings["spatial_tower"]["cut3r"]),
            text_config=Qwen2Config(
                vocab_size=language["vocab_size"],
                hidden_size=language["hidden_size"],
                intermediate_size=language["intermediate_size"],
                num_hidden_layers=language["layers"],
                num_attention_heads=language["heads"],
                num_key_value_heads=language["kv_heads"],
                rms_norm_eps=language["rms_norm_eps"],
                rope_parameters={"rope_type": "default", "rope_theta": language["rope_theta"]},
                bos_token_id=language.get("bos_token_id"),
                eos_token_id=language.get("eos_token_id"),
                pad_token_id=language.get("pad_token_id"),
                tie_word_embeddings=False,
            ),
            fusion_heads=settings["fusion"]["heads"],
            fusion_norm_eps=settings["fusion"]["norm_eps"],
            newline_position=settings.get("newline", "grid"),
            geometry_image_size=settings["spatial_tower"]["resize_to"],
            image_token_index=settings["image_token_index"],
        )
    except KeyError as error:
        raise CaseError(f"the configuration lacks {error}") from error


def _check_fixed(settings: Mapping[str, Any], fixed: Mapping[str, Any]) -> None:
    for name, value in fixed.items():
        if name in settings and settings[name] != value:
            raise CaseError(f"{name} = {settings[name]!r} is not supported, only {value!r}")


def _chain(
    first: Iterator[tuple[str, Tensor]], then: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    yield from first
    yield from then.items()


def _bytes(network: nn.Module) -> int:
    return sum(parameter.nbytes for parameter in network.parameters())
