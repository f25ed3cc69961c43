"""Low-rank adapters of the published checkpoints, merged into the weights they adapt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from peft.utils import set_peft_model_state_dict
from torch import Tensor
from transformers import PreTrainedModel

from vlm3r_ros.models.conversion import ConversionError

_WRAPPER = "base_model."
_ADAPTER_ROOT = "base_model.model."
_FACTORS = (".lora_A.weight", ".lora_B.weight")


def adapted_modules(names: Iterable[str]) -> list[str]:
    """The modules that an adapter's tensors belong to, such as `model.layers.0.mlp.up_proj`.

    Raises:
        ConversionError: a name that is not one of a low-rank factor.
    """
    modules: dict[str, None] = {}
    for name in names:
        for ending in _FACTORS:
            if name.startswith(_ADAPTER_ROOT) and name.endswith(ending):
                modules[name.removeprefix(_ADAPTER_ROOT).removesuffix(ending)] = None
                break
        else:
            raise ConversionError(f"{name} is not a low-rank factor (lora_A or lora_B) of a layer")
    return list(modules)


def adapter_config(tensors: Mapping[str, Tensor], scaling: float) -> LoraConfig:
    """An adapter's configuration from its own tensors: W += scaling * B A, each at its rank."""
    modules = adapted_modules(tensors)
    ranks = {}
    for module in modules:
        name = f"{_ADAPTER_ROOT}{module}{_FACTORS[0]}"
        if name not in tensors:
            raise ConversionError(f"the adapter has no {name}")
        ranks[module] = tensors[name].shape[0]
    return LoraConfig(
        target_modules=modules,
        rank_pattern=ranks,
        alpha_pattern={module: scaling * rank for module, rank in ranks.items()},
        bias="none",
    )


def merge_adapter(
    language_model: PreTrainedModel, tensors: Mapping[str, Tensor], config: LoraConfig
) -> None:
    """Add an adapter to the weights of a language model, in place.

    Args:
        language_model: with the modules that the adapter names (`model.layers...`).
        tensors: the adapter's tensors under their published names.
        config: the adapter's configuration.

    Raises:
        ConversionError: tensors of the adapter are missing, unknown or misshapen.
    """
    adapted_modules(tensors)
    try:
        wrapped: Any = get_peft_model(language_model, config)
    except ValueError as error:
        raise ConversionError(f"the adapter does not fit the language model: {error}") from error
    wanted = {name: value.shape for name, value in get_peft_model_state_dict(wrapped).items()}
    _check_names(set(tensors), set(wanted))
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name]:
            raise ConversionError(
                f"{name} is {list(tensor.shape)} and should be {list(wanted[name])}"
            )
    set_peft_model_state_dict(wrapped, dict(tensors))
    with torch.no_grad():
        merged: Any = wrapped.merge_and_unload(safe_merge=False)
    if merged is not language_model:
        raise ConversionError("merging the adapter did not give back the language model")


def strip_wrapper(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors trained beside the adapter, under the names of the model that it wraps.

    `base_model.model.model.fusion_block.*` becomes `model.fusion_block.*`.
    """
    stripped = {name.removeprefix(_WRAPPER): tensor for name, tensor in tensors.items()}
    if any(name.startswith("model.model.") for name in stripped):
        stripped = {name.removeprefix("model."): tensor for name, tensor in stripped.items()}
    return stripped


def _check_names(given: set[str], wanted: set[str]) -> None:
    missing, unknown = sorted(wanted - given), sorted(given - wanted)
    problems = []
    if unknown:
        problems.append(f"has tensors for no adapted layer: {', '.join(unknown[:8])}")
    if missing:
        problems.append(f"lacks {', '.join(missing[:8])}")
    if problems:
        raise ConversionError(f"the adapter {' and '.join(problems)}")
