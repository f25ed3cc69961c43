"""A trained model as a folder that `load_model` and `vlm3r evaluate` read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.training.instruct.adapters import merge_adapters
from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.instruct.settings import ModelSettings, WeightFormat

_DTYPES = {WeightFormat.FLOAT16: torch.float16, WeightFormat.FLOAT32: torch.float32}


def export_model(
    network: InstructNetwork, weights: Mapping[str, Tensor], settings: ModelSettings, folder: Path
) -> None:
    """Write the model, with adapters merged, and its processor.

    Args:
        network: for its configuration and processor.
        weights: state dict of its model.
        settings: which adapters and number format it has.
        folder: to write.
    """
    if settings.lora is not None:
        weights = merge_adapters(weights, settings.lora)
    dtype = _DTYPES[settings.export]
    cast = {
        name: value.to(dtype) if value.is_floating_point() else value
        for name, value in weights.items()
    }
    # Of the shapes that are written: the one in training may have adapters in it.
    with torch.device("meta"):
        plain = Vlm3rForConditionalGeneration(network.model.config)
    plain.generation_config = network.model.generation_config
    plain.save_pretrained(folder, state_dict=cast)
    network.processor.save_pretrained(folder)
