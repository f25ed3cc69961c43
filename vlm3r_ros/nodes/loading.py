"""Loading of models for nodes: one copy a process, and only the parts that are needed."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from weakref import WeakValueDictionary

from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.registry import load_model
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration


class LoadedModel:
    """A model with its processor; freed when the last node that holds it lets go."""

    def __init__(self, model: Vlm3rForConditionalGeneration, processor: Vlm3rProcessor) -> None:
        self.model = model
        self.processor = processor


_lock = threading.Lock()
_whole_models = threading.Event()
_loaded: WeakValueDictionary[tuple[str, str, str, bool], LoadedModel] = WeakValueDictionary()


def acquire_model(
    name: str,
    device: str,
    dtype: str,
    warn: Callable[[str], object],
    *,
    geometry_only: bool = False,
) -> LoadedModel:
    """The model of that name, loaded now or shared with another node of this process.

    Args:
        name: size, folder or hub name.
        device: see the parameter `device`.
        dtype: see the parameter `dtype`.
        warn: told what the loader warns of.
        geometry_only: the geometry encoder is all that is needed; the rest is left out, unless
            nodes of this process share whole models.

    Raises:
        ModelFolderError: the folder is missing, truncated, or of another architecture.
        ValueError: a device or type that cannot be had.
    """
    with _lock:
        geometry_only = geometry_only and not _whole_models.is_set()
        found = _loaded.get((name, device, dtype, geometry_only))
        if found is not None:
            return found
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            model, processor = load_model(
                name, device=device, dtype=dtype, geometry_only=geometry_only
            )
        for warning in caught:
            if issubclass(warning.category, UserWarning):
                warn(str(warning.message))
        loaded = LoadedModel(model, processor)
        _loaded[(name, device, dtype, geometry_only)] = loaded
        return loaded


def share_whole_models() -> None:
    """Call where several nodes run in one process: all use the same, whole model."""
    _whole_models.set()
