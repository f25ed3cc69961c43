"""One small model for all tests of the assistant: random weights, the real code."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from vlm3r_ros.assistant import AssistantConfig, FrameBufferConfig, SpatialAssistant
from vlm3r_ros.models import build_model


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """The model is too small to share; threads that wait for each other crawl on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny():
    model, processor = build_model("tiny")
    return model.eval(), processor


@pytest.fixture(scope="session")
def image_of() -> Callable[[int], np.ndarray]:
    def make(seed: int) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
        return cv2.resize(coarse, (96, 72), interpolation=cv2.INTER_NEAREST)

    return make


@pytest.fixture
def make_assistant(tiny) -> Callable[..., SpatialAssistant]:
    def make(**fields) -> SpatialAssistant:
        return SpatialAssistant(*tiny, AssistantConfig(**fields))

    return make


@pytest.fixture
def watch(image_of) -> Callable[..., list]:
    """Shows an assistant some different frames, ten a second."""

    def show(assistant: SpatialAssistant, count: int, first: int = 0) -> list:
        return [
            assistant.observe(image_of(i), 100.0 + 0.1 * i) for i in range(first, first + count)
        ]

    return show


@pytest.fixture
def every_frame() -> FrameBufferConfig:
    return FrameBufferConfig(blur_ratio=0.0, duplicate_threshold=0.0)
