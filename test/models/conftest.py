import numpy as np
import pytest
import torch
from torch import Tensor

from vlm3r_ros.models import Vlm3rForConditionalGeneration, Vlm3rProcessor, build_model


@pytest.fixture(scope="session")
def tiny() -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    """The size for tests, with random weights; not to be changed by a test."""
    model, processor = build_model("tiny")
    return model.eval(), processor


@pytest.fixture(scope="session")
def model(tiny) -> Vlm3rForConditionalGeneration:
    return tiny[0]


@pytest.fixture(scope="session")
def processor(tiny) -> Vlm3rProcessor:
    return tiny[1]


@pytest.fixture(scope="session")
def images() -> list[np.ndarray]:
    """Five different frames, uint8 RGB, 48 rows by 80 columns."""
    rng = np.random.default_rng(7)
    return list(rng.integers(0, 256, (5, 48, 80, 3), dtype=np.uint8))


@pytest.fixture(scope="session")
def pixels(processor, images) -> Tensor:
    return processor.frames(images)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield
