"""Low-rank adapters in training: put into a language model, and merged into its weights."""

from __future__ import annotations

from collections.abc import Mapping

from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn

from vlm3r_ros.training.instruct.settings import LoraSettings

_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_BASE, _DOWN, _UP = ".base_layer.", ".lora_A.default.weight", ".lora_B.default.weight"


def add_adapters(language_model: nn.Module, settings: LoraSettings) -> None:
    """Put adapters beside the linear layers of all blocks; nothing else is trained any more."""
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]
        lora_dropout=settings.dropout,
        target_modules=_LAYERS,
        bias="none",
    )
    language_model.requires_grad_(False)
    inject_adapter_in_model(config, language_model)
    for name, parameter in language_model.named_parameters():
        if ".lora_" in name:
            # Adapters start small and move little: they are kept finer than what they adapt.
            parameter.data = parameter.data.float()


def merge_adapters(weights: Mapping[str, Tensor], settings: LoraSettings) -> dict[str, Tensor]:
    """Weights of a model with adapters as those of a model without.

    Args:
        weights: its state dict, of whatever it is a part.
        settings: of the adapters.
    """
    merged: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if ".lora_" in name:
            continue
        if name.endswith(f"{_BASE}weight"):
            stem = name.removesuffix(f"{_BASE}weight")
            change = weights[stem + _UP].float() @ weights[stem + _DOWN].float()
            weight = (weight.float() + settings.alpha / settings.rank * change).to(weight.dtype)
        merged[name.replace(_BASE, ".")] = weight
    return merged
