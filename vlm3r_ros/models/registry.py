"""Models by name: a registered size, a folder, or a model on the Hugging Face Hub."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from vlm3r_ros.models.configuration import Vlm3rConfig
from vlm3r_ros.models.devices import resolve_device, resolve_dtype
from vlm3r_ros.models.image_sizes import WEIGHTS_FOLDER
from vlm3r_ros.models.model_folder import (
    ModelFolderError,
    check_model_folder,
    download_model,
    is_hub_name,
)
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.sizes import SIZES, ModelSize
from vlm3r_ros.models.tokenization import build_tokenizer
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

__all__ = [
    "SIZES",
    "ModelFolderError",
    "ModelSize",
    "build_model",
    "load_model",
    "resolve_device",
    "resolve_dtype",
]

UNTRAINED_SEED = 6
"""Random weights babble; with this seed `nano` babbles whole words, which is easier on the eye."""


def build_model(
    name: str,
    seed: int = 0,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    """Build a registered size with random weights.

    Args:
        name: a key of `SIZES`.
        seed: the same seed gives the same weights; the caller's random state is left alone.
        device: where to build it; on `"meta"` it has shapes but no weights.
        dtype: floating-point type of the weights.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in SIZES:
        raise ValueError(f"unknown model size {name!r}; registered are {', '.join(SIZES)}")
    config = SIZES[name].build_config()
    tokenizer = build_tokenizer(SIZES[name].tokenizer_size)
    # The end of a turn ends the answer, whatever ids the built-in tokenizer gives it.
    config.text_config.eos_token_id = tokenizer.eos_token_id
    config.text_config.pad_token_id = tokenizer.pad_token_id
    config.text_config.bos_token_id = tokenizer.pad_token_id
    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(seed)
        model = Vlm3rForConditionalGeneration._from_config(config, dtype=dtype)
    return model, Vlm3rProcessor(
        config.image_size, tokenizer, image_token_index=config.image_token_index
    )


def load_model(
    name_or_path: str | Path,
    *,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    geometry_only: bool = False,
) -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    """Load a model for answering, or for tracking alone.

    Args:
        name_or_path: a registered size (its packaged weights, or random ones with a warning where
            there are none), a folder, or `organisation/model` on the Hugging Face Hub.
        device: see [`resolve_device`].
        dtype: see [`resolve_dtype`].
        geometry_only: leave out everything but the geometry encoder; of a folder, nothing else is
            read.

    Returns:
        The model in evaluation mode, and its processor.

    Raises:
        ModelFolderError: if the folder is missing, incomplete, or of another architecture.
        ValueError: for a device or type that cannot be had.
    """
    where = resolve_device(device)
    name = str(name_or_path)
    if name in SIZES:
        packaged = WEIGHTS_FOLDER / name
        if packaged.is_dir():
            return _load_folder(packaged, where, dtype, geometry_only)
        return _build_untrained(name, where, dtype, geometry_only)
    folder = Path(name_or_path).expanduser()
    if not folder.exists() and is_hub_name(name):
        folder = download_model(name)
    elif not folder.exists() and not any(separator in name for separator in "/\\~."):
        raise ModelFolderError(
            name,
            "it does not exist, and no size of that name is registered",
            f"use one of {', '.join(SIZES)}, a folder, or organisation/model",
        )
    return _load_folder(folder, where, dtype, geometry_only)


def _build_untrained(
    name: str, device: torch.device, dtype: str | torch.dtype, geometry_only: bool
) -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    warnings.warn(
        f"no trained weights for {name!r} are installed: it starts from random weights (seed "
        f"{UNTRAINED_SEED}), and its answers mean nothing",
        UserWarning,
        stacklevel=3,
    )
    with torch.device("meta"):
        num_parameters = Vlm3rForConditionalGeneration(SIZES[name].build_config()).num_parameters()
    resolved = resolve_dtype(dtype, device, num_parameters)
    model, processor = build_model(name, UNTRAINED_SEED, device=device, dtype=resolved)
    if geometry_only:
        model.keep_geometry_only()
    return model.eval(), processor


def _load_folder(
    folder: Path, device: torch.device, dtype: str | torch.dtype, geometry_only: bool
) -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    num_parameters = check_model_folder(folder, Vlm3rConfig.model_type)
    resolved = resolve_dtype(dtype, device, num_parameters)
    network = _GeometryOnly if geometry_only else Vlm3rForConditionalGeneration
    try:
        processor = Vlm3rProcessor.from_pretrained(folder)
        loaded: Any = network.from_pretrained(
            folder,
            dtype=resolved,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
        raise ModelFolderError(
            folder,
            f"it does not load ({type(error).__name__}: {error})",
            "its configuration, tokenizer and weights must come from one save_pretrained",
        ) from error
    model, report = loaded
    for problem in ("missing_keys", "mismatched_keys", "unexpected_keys"):
        keys = sorted(key if isinstance(key, str) else key[0] for key in report[problem])
        if keys:
            shown = ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")
            raise ModelFolderError(
                folder,
                f"{len(keys)} {problem.replace('_', ' ')} in its weights: {shown}",
                "convert or save it again with this version",
            )
    return model.to(device).eval(), processor


class _GeometryOnly(Vlm3rForConditionalGeneration):
    """Has parameters for the geometry encoder only, so that a loader reads no others."""

    _keys_to_ignore_on_load_unexpected = [r"^(?!geometry_encoder\.)"]  # noqa: RUF012

    def __init__(self, config: Vlm3rConfig) -> None:
        super().__init__(config)
        self.keep_geometry_only()
