import pytest
import yaml
from node_bench import Bench
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters

from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.parameters import AUTOSTART, ParameterError, ParameterSpec
from vlm3r_ros.nodes.replay import ReplayNode
from vlm3r_ros.nodes.spatial_query import SpatialQueryNode
from vlm3r_ros.nodes.viewer import ViewerNode
from vlm3r_ros.resources import resource

NODES = {
    "frame_buffer": FrameBufferNode,
    "geometry": GeometryNode,
    "spatial_query": SpatialQueryNode,
    "replay": ReplayNode,
    "viewer": ViewerNode,
}


@pytest.mark.parametrize("name", NODES)
def test_the_settings_file_lists_exactly_the_declared_parameters(name):
    settings = yaml.safe_load(resource("config", "assistant.yaml").read_text(encoding="utf-8"))
    listed = settings[f"/**/{name}"]["ros__parameters"]
    declared = {spec.name: spec.default for spec in (AUTOSTART, *NODES[name].PARAMETERS)}
    assert listed == declared
    assert {key: type(value) for key, value in listed.items()} == {
        key: type(value) for key, value in declared.items()
    }


@pytest.mark.parametrize("name", NODES)
def test_every_parameter_is_explained(name):
    for spec in NODES[name].PARAMETERS:
        assert len(spec.description) > 20, spec.name
        assert spec.description.endswith("."), spec.name
        if isinstance(spec.default, (int, float)) and not isinstance(spec.default, bool):
            assert spec.minimum is not None, f"{spec.name} has no range"


def test_a_value_that_cannot_be_used_is_named():
    spec = ParameterSpec("rate", 5.0, "How often.", 1.0, 10.0)
    assert spec.problem(10.0) is None
    assert "outside its range [1.0, 10.0]" in spec.problem(10.5)
    assert "outside its range" in spec.problem(float("nan"))
    assert "write 5.0, not 5" in spec.problem(5)
    assert "must be a float" in spec.problem("fast")
    assert "not one of a, b" in ParameterSpec("kind", "a", "Kind.", choices=("a", "b")).problem("c")
    assert "must be an integer" in ParameterSpec("n", 1, "Count.").problem(True)
    with pytest.raises(ValueError, match="outside its range"):
        ParameterSpec("rate", 50.0, "How often.", 1.0, 10.0)
    with pytest.raises(ValueError, match="both ends"):
        ParameterSpec("rate", 5.0, "How often.", minimum=1.0)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"max_rate": 15}, r"'max_rate' must be a float \(write 5.0, not 5\)"),
        ({"max_rate": 0.0}, "'max_rate' is outside its range"),
        ({"qos": "best"}, "'best', not one of sensor_data, reliable"),
        ({"min_side": "big"}, "'min_side' must be an integer"),
    ],
)
def test_a_bad_value_at_start_is_an_error_that_names_it(bench: Bench, parameters, words):
    with pytest.raises(ParameterError, match=words):
        bench.start(FrameBufferNode, autostart=False, **parameters)


def test_parameters_are_described_and_checked_over_ros(bench: Bench):
    bench.start(FrameBufferNode, autostart=False, image_size=64)
    request = DescribeParameters.Request(names=["max_rate", "qos", "min_side"])
    rate, qos, side = bench.call(
        DescribeParameters, "frame_buffer/describe_parameters", request
    ).descriptors
    assert rate.floating_point_range[0].to_value == 1000.0
    assert side.integer_range[0].from_value == 1
    assert "sensor_data" in qos.additional_constraints
    assert "Hz" in rate.description

    wrong = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="best")
    request = SetParameters.Request(parameters=[ParameterMessage(name="qos", value=wrong)])
    (result,) = bench.call(SetParameters, "frame_buffer/set_parameters", request).results
    assert not result.successful
    assert "not one of sensor_data" in result.reason
