import time

import pytest
from node_bench import Bench, reports, wait_until
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from vlm3r_ros.nodes.diagnostics import DurationMonitor, RateMonitor
from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.image_conversion import rgb_to_image
from vlm3r_ros.nodes.qos import RELIABLE, SENSOR_DATA, incompatibility, qos_profile
from vlm3r_ros.resources import DDS_PROFILE_VARIABLE

WARN = b"\x01"
FRAME_BUFFER = {"model": "tiny", "silence": 0.5, "max_rate": 1000.0}


def warned_of(*words: str):
    return lambda status: status.level == WARN and all(each in status.message for each in words)


def test_rates_fall_when_events_stop():
    monitor = RateMonitor()
    assert (monitor.rate, monitor.age) == (0.0, None)
    for _ in range(20):
        monitor.tick()
        time.sleep(0.005)
    assert 50 < monitor.rate < 250
    time.sleep(0.2)
    assert monitor.rate < 6
    assert monitor.age > 0.19
    assert monitor.count == 20


def test_durations_have_mean_and_maximum():
    monitor = DurationMonitor()
    for seconds in (1.0, 2.0, 6.0):
        monitor.add(seconds)
    assert (monitor.mean, monitor.longest) == (3.0, 6.0)


def test_qos_profiles_go_by_name_and_tell_what_does_not_match():
    assert qos_profile("sensor_data").reliability == ReliabilityPolicy.BEST_EFFORT
    assert incompatibility(RELIABLE, SENSOR_DATA) is None
    assert "eliab" in incompatibility(SENSOR_DATA, RELIABLE)
    with pytest.raises(ValueError, match="sensor_data, reliable"):
        qos_profile("fast")


def test_a_node_reports_rates_drops_and_times(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    for count in range(1, 11):
        camera.send()
        assert wait_until(lambda count=count: len(frames) == count)
    camera.publisher.publish(Image())
    status = bench.status("frame_buffer", reports("dropped: bad message", 1))
    values = {value.key: value.value for value in status.values}
    assert values["image received"] == "11"
    assert values["state"] == "active"
    assert values["published"] == "10"
    assert float(values["image rate (Hz)"]) > 1
    assert float(values["image age (s)"]) < 5
    assert float(values["work time (s)"]) < 0.5
    assert values["camera_info"] == "none"


def test_a_topic_nobody_publishes_is_named_with_what_there_is_instead(bench: Bench):
    bench.camera("front/image_raw", expected=False)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    status = bench.status("frame_buffer", warned_of("no image for", "on /image", "nobody"))
    assert "/front/image_raw" in status.message
    assert "-r image:=" in status.message


def test_the_wrong_kind_of_image_names_the_remedy(bench: Bench):
    bench.outside.create_publisher(CompressedImage, "image", 10)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    status = bench.status("frame_buffer", warned_of("sensor_msgs/msg/CompressedImage"))
    assert "image_transport:=compressed" in status.message


def test_qos_that_does_not_match_names_both_sides(bench: Bench):
    camera = bench.camera(qos=SENSOR_DATA, expected=False)
    bench.start(FrameBufferNode, qos="reliable", **FRAME_BUFFER)
    camera.send(3)
    status = bench.status("frame_buffer", warned_of("The QoS does not match"))
    assert "/outside (best effort, volatile)" in status.message
    assert "requested: reliable, volatile" in status.message
    assert "qos:=sensor_data" in status.message


def test_silence_in_spite_of_a_publisher_tells_of_large_best_effort_images(bench: Bench):
    bench.camera(qos=SENSOR_DATA, expected=False)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    status = bench.status("frame_buffer", warned_of("publishers: /outside (best effort"))
    assert "512 KB" in status.message
    assert DDS_PROFILE_VARIABLE in status.message
    assert "compressed" in status.message


def test_the_warning_goes_when_images_come(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    bench.status("frame_buffer", warned_of("nobody publishes it"))
    camera = bench.camera()
    ok = []
    assert wait_until(lambda: camera.send(5) and _is_ok(bench, ok))


def _is_ok(bench: Bench, seen: list) -> bool:
    status = bench._statuses.get("frame_buffer")
    seen.append(status)
    return status is not None and status.level == b"\x00"


def test_a_pipeline_without_its_first_part_names_the_missing_node(bench: Bench):
    bench.start(GeometryNode, model="tiny", silence=0.5)
    bench.status("geometry", warned_of("/vlm3r/frames", "start the frame_buffer node"))


def test_images_larger_than_a_segment_arrive_reliably(bench: Bench):
    bench.start(FrameBufferNode, qos="reliable", model="tiny", max_rate=1000.0)
    frames = bench.collect(Image, "vlm3r/frames")
    camera = bench.camera(qos=QoSProfile(depth=5))
    large = camera.picture(720, 1280)
    camera.publisher.publish(rgb_to_image(large, Header(stamp=camera.header().stamp)))
    assert wait_until(lambda: len(frames) == 1)
    assert frames[0].width == 64
