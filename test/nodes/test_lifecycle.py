import gc
import json
import shutil
from pathlib import Path

import pytest
import torch
from lifecycle_msgs.msg import Transition
from node_bench import ACTIVE, INACTIVE, UNCONFIGURED, Bench, wait_until
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from vlm3r_ros.models.registry import build_model
from vlm3r_ros.nodes import loading
from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.spatial_query import SpatialQueryNode
from vlm3r_ros.srv import SpatialQuery

TRANSITIONS = (
    (Transition.TRANSITION_CONFIGURE, INACTIVE),
    (Transition.TRANSITION_ACTIVATE, ACTIVE),
    (Transition.TRANSITION_DEACTIVATE, INACTIVE),
    (Transition.TRANSITION_ACTIVATE, ACTIVE),
    (Transition.TRANSITION_DEACTIVATE, INACTIVE),
    (Transition.TRANSITION_CLEANUP, UNCONFIGURED),
)
LEARNED_NODES = {"geometry": GeometryNode, "spatial_query": SpatialQueryNode}


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model, processor = build_model("tiny")
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", [FrameBufferNode, GeometryNode, SpatialQueryNode])
def test_a_node_goes_through_its_states_twice(bench: Bench, kind: type[ManagedNode]):
    name = bench.start(kind, autostart=False, model="tiny").get_name()
    for _ in range(2):
        assert bench.state(name) == UNCONFIGURED
        for transition, state in TRANSITIONS:
            assert bench.change(name, transition)
            assert bench.state(name) == state
    assert not bench.change(name, Transition.TRANSITION_ACTIVATE)
    assert bench.state(name) == UNCONFIGURED


def test_cleanup_frees_the_model_and_everything_on_ros(bench: Bench):
    node = bench.start(SpatialQueryNode, model="tiny")
    assert wait_until(lambda: bench.outside.count_publishers("vlm3r/answer") == 1)
    assert len(loading._loaded) == 1
    bench.change("spatial_query", Transition.TRANSITION_DEACTIVATE)
    bench.change("spatial_query", Transition.TRANSITION_CLEANUP)
    gc.collect()
    assert len(loading._loaded) == 0
    outside = bench.outside
    assert wait_until(lambda: outside.count_publishers("vlm3r/answer") == 0)
    assert wait_until(lambda: outside.count_subscribers("vlm3r/frames") == 0)
    assert "/spatial_query" not in dict(node.get_service_names_and_types())


def test_the_geometry_node_keeps_nothing_but_the_geometry_encoder(bench: Bench):
    node = bench.start(GeometryNode, model="tiny", autostart=False)
    bench.change("geometry", Transition.TRANSITION_CONFIGURE)
    whole, _ = build_model("tiny")
    kept = sum(parameter.numel() for parameter in node.tracker._model.parameters())
    encoder = sum(parameter.numel() for parameter in whole.geometry_encoder.parameters())
    assert encoder <= kept < 1.1 * encoder


def test_a_paused_node_passes_nothing_on_and_goes_on_afterwards(bench: Bench):
    bench.start(FrameBufferNode, model="tiny", max_rate=1000.0)
    frames, camera = bench.collect(Image, "vlm3r/frames"), bench.camera()
    for count in range(1, 4):
        camera.send()
        assert wait_until(lambda count=count: len(frames) == count)
    assert bench.change("frame_buffer", Transition.TRANSITION_DEACTIVATE)
    camera.send(3)
    assert not wait_until(lambda: len(frames) > 3, timeout=0.3)
    assert bench.change("frame_buffer", Transition.TRANSITION_ACTIVATE)
    last = camera.send()
    assert wait_until(lambda: len(frames) == 4)
    assert frames[-1].header == last


def test_inactive_services_say_so(bench: Bench):
    bench.start(GeometryNode, model="tiny", autostart=False)
    bench.start(SpatialQueryNode, model="tiny", autostart=False)
    for name in LEARNED_NODES:
        assert bench.change(name, Transition.TRANSITION_CONFIGURE)
    response = bench.ask()
    assert response.status == SpatialQuery.Response.NOT_READY
    assert "not active" in response.message
    reset = bench.call(Trigger, "vlm3r/reset", Trigger.Request())
    assert not reset.success
    assert "not active" in reset.message


def truncated(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def of_another_architecture(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["model_type"] = "llama"
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize("name", LEARNED_NODES)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, "does not exist"),
        (empty, "config.json is missing"),
        (truncated, "cut short"),
        (of_another_architecture, "'llama'"),
    ],
)
def test_a_bad_model_folder_is_told_and_the_node_lives_on(
    bench: Bench, model_folder: Path, tmp_path: Path, name: str, spoil, words: str
):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    spoil(folder)
    node = bench.start(LEARNED_NODES[name], model=str(folder))
    assert words in node.failure
    assert str(folder) in node.failure
    assert bench.state(name) == UNCONFIGURED
    status = bench.status(name, lambda each: each.level == b"\x02")
    assert words in status.message

    node.set_parameters([Parameter("model", value=str(model_folder))])
    assert bench.change(name, Transition.TRANSITION_CONFIGURE)
    assert bench.change(name, Transition.TRANSITION_ACTIVATE)
    assert bench.state(name) == ACTIVE
    assert node.failure == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("name", LEARNED_NODES)
def test_cuda_where_there_is_none_is_told_and_the_node_lives_on(bench: Bench, name: str):
    node = bench.start(LEARNED_NODES[name], model="tiny", device="cuda")
    assert "finds no CUDA device" in node.failure
    assert "device auto or cpu" in node.failure
    assert not bench.change(name, Transition.TRANSITION_CONFIGURE)
    assert bench.state(name) == UNCONFIGURED
    node.set_parameters([Parameter("device", value="cpu")])
    assert bench.change(name, Transition.TRANSITION_CONFIGURE)
    assert bench.state(name) == INACTIVE


def test_an_unknown_model_names_the_known_ones(bench: Bench):
    node = bench.start(FrameBufferNode, model="nanno")
    assert "nanno" in node.failure
    assert bench.state("frame_buffer") == UNCONFIGURED


class Stumbling(ManagedNode):
    """Raises wherever it can."""

    def configure(self) -> None:
        self.subscribe(Image, "image", self._on_image, 10)
        self.serve(Trigger, "stumble", self._on_call)
        self.steps = 0
        self.work("work", self._step)

    def _step(self) -> bool:
        self.steps += 1
        if self.steps < 10:
            raise RuntimeError("a step went wrong")
        return False

    def _on_image(self, message: Image) -> None:
        raise ValueError("an image went wrong")

    def _on_call(self, request, response):
        raise KeyError("a call went wrong")

    def report(self, diagnostics) -> None:
        raise OSError("a report went wrong")


def test_no_error_in_a_callback_ends_the_node(bench: Bench):
    node = bench.start(Stumbling)
    bench.camera().send(3)
    assert not bench.call(Trigger, "stumble", Trigger.Request()).success
    assert wait_until(lambda: node.steps >= 10)
    assert wait_until(lambda: node._errors >= 14)
    assert bench.state("stumbling") == ACTIVE


def test_a_configure_that_raises_anything_frees_what_it_had_made(bench: Bench):
    class HalfWay(ManagedNode):
        def configure(self) -> None:
            self.publish_on(Image, "half_way", 1)
            raise MemoryError("too much")

    node = bench.start(HalfWay)
    assert node.failure == "configure failed: too much"
    # The failure is told first, and DDS tells late.
    assert wait_until(lambda: not node._publishers_made)
    assert wait_until(lambda: node.count_publishers("half_way") == 0)
    assert bench.state("halfway") == UNCONFIGURED
