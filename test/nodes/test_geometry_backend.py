"""The geometry node on ONNX Runtime in place of PyTorch."""

from pathlib import Path

import pytest
from lifecycle_msgs.msg import Transition
from node_bench import UNCONFIGURED, Bench, wait_until
from rclpy.parameter import Parameter

from vlm3r_ros.msg import SceneState
from vlm3r_ros.nodes.geometry import GeometryNode

pytest.importorskip("onnxruntime", reason="the optional ONNX backend is not installed")


@pytest.mark.filterwarnings("ignore:no trained weights")
def test_a_bad_folder_is_told_and_a_good_one_tracks(
    bench: Bench, tmp_path: Path, onnx_folder: Path
):
    node = bench.start(GeometryNode, autostart=False, model="tiny", onnx_folder=str(tmp_path))
    assert not bench.change("geometry", Transition.TRANSITION_CONFIGURE)
    assert "vlm3r export-onnx" in node.failure
    assert bench.state("geometry") == UNCONFIGURED

    node.set_parameters([Parameter("onnx_folder", value=str(onnx_folder))])
    assert bench.change("geometry", Transition.TRANSITION_CONFIGURE)
    assert bench.change("geometry", Transition.TRANSITION_ACTIVATE)
    states = bench.collect(SceneState, "vlm3r/scene_state")
    camera = bench.camera("vlm3r/frames")
    camera.send(count=2, pause=0.2)
    assert wait_until(lambda: len(states) == 2)
