"""The streaming engine: frames go in as they come, questions are answered at any moment.

The names below load on first use, so that what only buffers frames does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answering import Answer, QuestionLimits
    from .assistant import AssistantConfig, SpatialAssistant
    from .errors import (
        AnswerTimeoutError,
        AssistantError,
        BadRequestError,
        NoFramesError,
        NotReadyError,
        TrackingError,
    )
    from .frame_buffer import Frame, FrameBuffer, FrameBufferConfig, FrameVerdict
    from .gravity import UpSource
    from .locator import Locator
    from .prefix_cache import PrefixCache
    from .scene_memory import Keyframe, SceneMemory
    from .tracking import GeometryTracker, SceneObservation, TrackerConfig

_MODULES = {
    "Answer": "answering",
    "AnswerTimeoutError": "errors",
    "AssistantConfig": "assistant",
    "AssistantError": "errors",
    "BadRequestError": "errors",
    "Frame": "frame_buffer",
    "FrameBuffer": "frame_buffer",
    "FrameBufferConfig": "frame_buffer",
    "FrameVerdict": "frame_buffer",
    "GeometryTracker": "tracking",
    "Keyframe": "scene_memory",
    "Locator": "locator",
    "NoFramesError": "errors",
    "NotReadyError": "errors",
    "PrefixCache": "prefix_cache",
    "QuestionLimits": "answering",
    "SceneMemory": "scene_memory",
    "SceneObservation": "tracking",
    "SpatialAssistant": "assistant",
    "TrackerConfig": "tracking",
    "TrackingError": "errors",
    "UpSource": "gravity",
}

__all__ = [
    "Answer",
    "AnswerTimeoutError",
    "AssistantConfig",
    "AssistantError",
    "BadRequestError",
    "Frame",
    "FrameBuffer",
    "FrameBufferConfig",
    "FrameVerdict",
    "GeometryTracker",
    "Keyframe",
    "Locator",
    "NoFramesError",
    "NotReadyError",
    "PrefixCache",
    "QuestionLimits",
    "SceneMemory",
    "SceneObservation",
    "SpatialAssistant",
    "TrackerConfig",
    "TrackingError",
    "UpSource",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
