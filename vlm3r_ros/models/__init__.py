"""The networks: geometry encoder, fusion, vision-language model, processor and named sizes.

The names below load on first use, so that what needs only prompts does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .configuration import NewlinePosition, PoolMode, SpatialFeature, Vlm3rConfig
    from .fusion import SpatialVisualFusion
    from .geometry import GeometryEncoder, GeometryEncoderConfig
    from .processing import Vlm3rProcessor
    from .registry import (
        SIZES,
        ModelFolderError,
        build_model,
        load_model,
        resolve_device,
        resolve_dtype,
    )
    from .vlm3r import Modality, Vlm3rForConditionalGeneration

_MODULES = {
    "GeometryEncoder": "geometry",
    "GeometryEncoderConfig": "geometry",
    "Modality": "vlm3r",
    "ModelFolderError": "registry",
    "NewlinePosition": "configuration",
    "PoolMode": "configuration",
    "SIZES": "registry",
    "SpatialFeature": "configuration",
    "SpatialVisualFusion": "fusion",
    "Vlm3rConfig": "configuration",
    "Vlm3rForConditionalGeneration": "vlm3r",
    "Vlm3rProcessor": "processing",
    "build_model": "registry",
    "load_model": "registry",
    "resolve_device": "registry",
    "resolve_dtype": "registry",
}

__all__ = [
    "SIZES",
    "GeometryEncoder",
    "GeometryEncoderConfig",
    "Modality",
    "ModelFolderError",
    "NewlinePosition",
    "PoolMode",
    "SpatialFeature",
    "SpatialVisualFusion",
    "Vlm3rConfig",
    "Vlm3rForConditionalGeneration",
    "Vlm3rProcessor",
    "build_model",
    "load_model",
    "resolve_device",
    "resolve_dtype",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
