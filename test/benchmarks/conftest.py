"""A small model, short videos and questions about them."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from benchmark_records import vsi_record

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion, parse_question
from vlm3r_ros.models import build_model


@pytest.fixture(scope="session")
def network():
    model, processor = build_model("tiny")
    return model.eval(), processor


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    def write(path: Path, frames: int, rate: int = 10) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=rate)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.time_base = Fraction(1, rate)
            for index in range(frames):
                coarse = np.random.default_rng(index).integers(0, 256, (6, 8, 3), np.uint8)
                image = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_NEAREST)
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def ask() -> Callable[..., BenchmarkQuestion]:
    """Make a question from the fields of a VSI record."""

    def make(question_type: str, ground_truth: Any, options: Any = None, **fields: Any):
        number = fields.pop("number", 0)
        return parse_question(number, vsi_record(question_type, ground_truth, options, **fields))

    return make
