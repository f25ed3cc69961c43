import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="the optional ONNX backend is not installed")

from vlm3r_ros.assistant.tracking import GeometryTracker, TrackerConfig
from vlm3r_ros.models.geometry import StateUpdate
from vlm3r_ros.models.geometry.onnx_backend import OnnxGeometryEncoder
from vlm3r_ros.models.registry import build_model


@pytest.fixture(scope="module")
def model_and_processor():
    model, processor = build_model("tiny")
    return model.eval(), processor


@pytest.fixture(scope="module")
def backend(onnx_folder):
    return OnnxGeometryEncoder(onnx_folder, threads=1)


def test_the_tracker_walks_the_same_way_in_onnx(model_and_processor, backend):
    model, processor = model_and_processor
    rng = np.random.default_rng(3)
    side = processor.image_size
    trackers = [
        GeometryTracker(model, processor, TrackerConfig(reset_interval=3), backend=chosen)
        for chosen in (None, backend)
    ]
    for index in range(5):
        image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        torch_seen, onnx_seen = (tracker.step(image, float(index)) for tracker in trackers)
        np.testing.assert_allclose(onnx_seen.T_map_camera, torch_seen.T_map_camera, atol=1e-3)
        np.testing.assert_allclose(onnx_seen.points, torch_seen.points, rtol=1e-2, atol=1e-3)
        torch.testing.assert_close(
            onnx_seen.patch_tokens, torch_seen.patch_tokens, rtol=1e-3, atol=1e-3
        )


def test_a_state_update_that_was_not_exported_is_refused(model_and_processor, backend):
    with pytest.raises(ValueError, match="export it again"):
        GeometryTracker(
            *model_and_processor, TrackerConfig(state_update=StateUpdate.GATED), backend=backend
        )
