import pytest
import torch

pytest.importorskip("onnxruntime", reason="the optional ONNX backend is not installed")

from vlm3r_ros.models.geometry import GeometryHead
from vlm3r_ros.models.geometry.onnx_backend import (
    OnnxBackendError,
    OnnxGeometryEncoder,
    export_geometry_encoder,
)
from vlm3r_ros.models.registry import build_model

SIDE = 64


@pytest.fixture(scope="module")
def encoder():
    return build_model("tiny")[0].geometry_encoder.eval()


@torch.inference_mode()
def test_a_stream_in_onnx_equals_the_stream_in_torch(encoder, onnx_folder):
    other = OnnxGeometryEncoder(onnx_folder, threads=1)
    state, other_state = encoder.initial_state(1), other.initial_state(1)
    heads = [GeometryHead.POSE, GeometryHead.SELF_POINTS]
    for image in torch.rand(4, 1, 3, SIDE, SIDE) * 2 - 1:
        output, state = encoder.step(image, state, heads)
        other_output, other_state = other.step(image, other_state, heads)
        for name in ("camera_token", "patch_tokens", "pose_encoding", "points_self"):
            torch.testing.assert_close(
                getattr(other_output, name), getattr(output, name), rtol=1e-3, atol=1e-4
            )
        torch.testing.assert_close(other_state.tokens, state.tokens, rtol=1e-3, atol=1e-4)
    assert other_state.step.tolist() == [4]
    assert other_output.grid == output.grid


def test_points_are_computed_only_when_asked_for(onnx_folder):
    encoder = OnnxGeometryEncoder(onnx_folder, threads=1)
    output, _ = encoder.step(torch.zeros(1, 3, SIDE, SIDE), encoder.initial_state())
    assert output.points_self is None


def test_what_was_not_exported_is_refused_by_name(onnx_folder):
    encoder = OnnxGeometryEncoder(onnx_folder, threads=1)
    with pytest.raises(ValueError, match="color"):
        encoder.step(torch.zeros(1, 3, SIDE, SIDE), encoder.initial_state(), [GeometryHead.COLOR])
    with pytest.raises(ValueError, match="64, 64"):
        encoder.step(torch.zeros(1, 3, 32, 64), encoder.initial_state())
    with pytest.raises(ValueError, match="one sequence"):
        encoder.initial_state(2)


def test_a_folder_without_a_graph_is_refused_by_name(onnx_folder, tmp_path):
    with pytest.raises(OnnxBackendError, match=r"no step\.onnx"):
        OnnxGeometryEncoder(tmp_path)


def test_half_precision_is_not_exported(encoder, tmp_path):
    with pytest.raises(ValueError, match="float32"):
        export_geometry_encoder(build_model("tiny")[0].geometry_encoder.half(), tmp_path, 64, 64)
