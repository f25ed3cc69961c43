"""Whatever comes in, the nodes stay alive, say what was wrong, and answer afterwards."""

import math
import threading
import time

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from node_bench import ACTIVE, Bench, Camera, reports, wait_until
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger

from vlm3r_ros.msg import SceneState
from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.image_conversion import rgb_to_image
from vlm3r_ros.nodes.qos import SENSOR_DATA
from vlm3r_ros.nodes.spatial_query import SpatialQueryNode
from vlm3r_ros.srv import SpatialQuery

Status = SpatialQuery.Response
FRAME_BUFFER = {"model": "tiny", "max_rate": 1000.0, "qos": "reliable"}


def start_pipeline(bench: Bench, **query: object) -> Camera:
    bench.start(SpatialQueryNode, model="tiny", **query)
    bench.start(GeometryNode, model="tiny", points_every=0)
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    return bench.camera()


def see(bench: Bench, camera: Camera, keyframes: int = 2) -> None:
    """Let the pipeline see frames until the query node holds so many keyframes."""
    query = bench.nodes[0]
    assert wait_until(lambda: (camera.send(), query.assistant.num_keyframes >= keyframes)[1])


def spoiled(camera: Camera, **fields: object) -> Image:
    message = rgb_to_image(camera.picture(), camera.header())
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def test_bad_images_are_counted_and_good_ones_go_on(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    buffer = bench.nodes[0]
    bad = [
        spoiled(camera, data=b""),
        spoiled(camera, height=0, width=0, step=0, data=b""),
        spoiled(camera, step=191),
        spoiled(camera, step=193),
        spoiled(camera, height=49),
        spoiled(camera, height=47),
        spoiled(camera, encoding="yuv12345"),
        spoiled(camera, encoding="32FC1"),
        spoiled(camera, encoding=""),
        spoiled(camera, width=2_000_000_000, height=2_000_000_000, step=4_000_000_000),
        Image(),
    ]
    for count, message in enumerate(bad, start=1):
        camera.publisher.publish(message)
        assert wait_until(lambda count=count: buffer._refused == count), message.encoding
    assert frames == []
    tiny = rgb_to_image(camera.picture(3, 5), camera.header())
    camera.publisher.publish(tiny)
    assert wait_until(lambda: buffer._buffer.last_problem != "")
    assert "5x3" in buffer._buffer.last_problem
    camera.send()
    assert wait_until(lambda: len(frames) == 1)
    bench.status("frame_buffer", reports("dropped: bad message", len(bad)))
    bench.status("frame_buffer", reports("dropped: invalid_image", 1))
    assert bench.state("frame_buffer") == ACTIVE


@pytest.mark.parametrize(("height", "width"), [(17, 333), (999, 16), (1, 64), (1201, 1601)])
def test_odd_sizes_are_taken_or_dropped_by_rule(bench: Bench, height: int, width: int):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    buffer = bench.nodes[0]._buffer
    camera.publisher.publish(rgb_to_image(camera.picture(height, width), camera.header()))
    assert wait_until(lambda: sum(buffer.counts.values()) == 1)
    camera.send()
    expected = 2 if min(height, width) >= 16 else 1
    assert wait_until(lambda: len(frames) == expected)
    assert {(frame.width, frame.height) for frame in frames} == {(64, 64)}


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "8UC3", "rgba8", "bgra8", "mono8"])
def test_every_encoding_comes_through(bench: Bench, encoding: str):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    channels = {"mono8": 1, "rgba8": 4, "bgra8": 4}.get(encoding, 3)
    pixels = np.full((64, 64, channels), 90, np.uint8)
    message = Image(height=64, width=64, encoding=encoding, step=64 * channels)
    message.header = camera.header()
    message.data.frombytes(pixels)
    camera.publisher.publish(message)
    assert wait_until(lambda: len(frames) == 1)
    assert set(frames[0].data) == {90}


def test_broken_compressed_images_are_counted(bench: Bench):
    bench.start(FrameBufferNode, model="tiny", image_transport="compressed")
    publisher = bench.outside.create_publisher(CompressedImage, "image/compressed", SENSOR_DATA)
    node = bench.nodes[0]
    camera = Camera(bench.outside, "unused")

    def send() -> bool:
        broken = CompressedImage(header=camera.header(), format="jpeg", data=b"\xff\xd8 broken")
        publisher.publish(broken)
        return node._refused >= 2

    assert wait_until(send)
    assert bench.state("frame_buffer") == ACTIVE


def test_stamps_that_are_none_are_dropped_and_missing_ones_replaced(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    node = bench.nodes[0]
    for count, stamp in enumerate((Time(sec=-5), Time(sec=1, nanosec=2_000_000_000)), start=1):
        message = spoiled(camera)
        message.header.stamp = stamp
        camera.publisher.publish(message)
        assert wait_until(lambda count=count: node._refused == count)
    assert frames == []
    message = spoiled(camera)
    message.header.stamp, message.header.frame_id = Time(), ""
    camera.publisher.publish(message)
    assert wait_until(lambda: len(frames) == 1)
    assert abs(frames[0].header.stamp.sec - time.time()) < 10
    assert frames[0].header.frame_id == "camera_optical_frame"


def test_late_and_repeated_stamps_are_counted(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    node = bench.nodes[0]
    header = camera.send()
    assert wait_until(lambda: len(frames) == 1)
    camera.publisher.publish(rgb_to_image(camera.picture(), header))
    assert wait_until(lambda: node._buffer.counts["repeated_stamp"] == 1)
    camera.clock -= 0.5
    camera.send()
    assert wait_until(lambda: node._buffer.counts["out_of_order"] == 1)
    assert len(frames) == 1


def test_a_camera_info_of_nonsense_does_no_harm(bench: Bench):
    bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    infos = bench.collect(CameraInfo, "vlm3r/camera_info")
    publisher = bench.outside.create_publisher(CameraInfo, "camera_info", 10)
    assert wait_until(lambda: publisher.get_subscription_count() > 0)
    for info in (CameraInfo(), CameraInfo(width=10, height=10, k=[math.nan] * 9)):
        publisher.publish(info)
    camera.send()
    assert wait_until(lambda: len(frames) == 1)
    assert infos == []


def test_geometry_drops_bad_frames_and_tracks_the_next(bench: Bench):
    node = bench.start(GeometryNode, model="tiny")
    camera = bench.camera("vlm3r/frames")
    states = bench.collect(SceneState, "vlm3r/scene_state")
    camera.publisher.publish(Image())
    late = spoiled(camera)
    camera.send()
    assert wait_until(lambda: len(states) == 1)
    camera.publisher.publish(late)
    assert wait_until(lambda: node._late == 1)
    camera.publisher.publish(spoiled(camera, encoding="rgb9"))
    assert wait_until(lambda: node._refused >= 1)
    camera.send()
    assert wait_until(lambda: len(states) == 2)
    assert bench.state("geometry") == ACTIVE


def test_scene_states_of_nonsense_do_no_harm(bench: Bench):
    camera = start_pipeline(bench)
    query = bench.nodes[0]
    publisher = bench.outside.create_publisher(SceneState, "vlm3r/scene_state", 10)
    frames = bench.outside.create_publisher(Image, "vlm3r/frames", 10)
    assert wait_until(lambda: query.count_publishers("vlm3r/scene_state") == 2)
    assert wait_until(lambda: query.count_publishers("vlm3r/frames") == 2)

    def send() -> bool:
        header = camera.header()
        frames.publish(rgb_to_image(camera.picture(64, 64), header))
        for encoding in ("float16", "int3"):
            publisher.publish(SceneState(header=header, session_id="x", encoding=encoding, dim=7))
        # Well formed, but of another model: seven channels.
        state = SceneState(header=header, session_id="y", encoding="float32", dim=7)
        state.tokens_height = state.tokens_width = 1
        state.camera_token = state.patch_tokens = bytes(28)
        publisher.publish(state)
        time.sleep(0.02)
        return query._refused >= 3

    assert wait_until(send)
    assert bench.state("spatial_query") == ACTIVE


def test_a_question_before_any_frame_says_so(bench: Bench):
    bench.start(SpatialQueryNode, model="tiny")
    response = bench.ask()
    assert response.status == Status.NO_FRAMES
    assert "no frame" in response.message
    assert response.answer.option_index == -1
    assert math.isnan(response.answer.value)
    assert math.isnan(response.hint.bearing)


def test_bad_questions_are_refused_by_name_and_a_good_one_is_answered(bench: Bench):
    camera = start_pipeline(bench)
    see(bench, camera)
    cases = [
        ({"question": ""}, "empty"),
        ({"question": "   \n"}, "empty"),
        ({"question": "why " * 25_000}, "100000 characters"),
        ({"options": [f"option {index}" for index in range(27)]}, "27 options"),
        ({"options": ["only one"]}, "only one option"),
        ({"options": ["a", ""]}, "option 2"),
        ({"question": "<image> and <image>"}, "<image>"),
        ({"timeout": -1.0}, "timeout is -1.0"),
        ({"timeout": math.nan}, "timeout is nan"),
        ({"timeout": math.inf}, "timeout is inf"),
    ]
    for fields, words in cases:
        response = bench.ask(**{"question": "What is here?", **fields})
        assert response.status == Status.BAD_REQUEST, words
        assert words in response.message
    response = bench.ask("What is here?", options=[f"thing {index}" for index in range(26)])
    assert response.status == Status.OK
    assert 0 <= response.answer.option_index < 26


def test_ten_calls_at_once_are_answered_in_order(bench: Bench):
    camera = start_pipeline(bench)
    see(bench, camera, 4)
    bench.ask()
    finished: list[int] = []
    futures = []
    for number in range(10):
        request = SpatialQuery.Request(question=f"What is thing number {number}?")
        future = bench.call_async(SpatialQuery, "spatial_query", request)
        future.add_done_callback(lambda _, number=number: finished.append(number))
        futures.append(future)
    assert wait_until(lambda: all(future.done() for future in futures))
    responses = [future.result() for future in futures]
    assert [response.status for response in responses] == [Status.OK] * 10
    assert [response.answer.question[-2] for response in responses] == list("0123456789")
    stamps = [response.answer.header.stamp for response in responses]
    assert stamps == sorted(stamps, key=lambda stamp: (stamp.sec, stamp.nanosec))
    waited = [response.answer.total_time for response in responses]
    assert waited[9] > waited[0]


def test_calls_that_wait_too_long_time_out_and_the_rest_is_answered(bench: Bench):
    camera = start_pipeline(bench)
    see(bench, camera)
    bench.ask()
    # The language model is kept busy, as by a long answer.
    assistant = bench.nodes[0].assistant
    futures = []
    with assistant._language_lock.hold():
        for timeout in (0.0, 0.3, 0.3, 0.0):
            request = SpatialQuery.Request(question="What is here?", timeout=timeout)
            futures.append(bench.call_async(SpatialQuery, "spatial_query", request))
        # Told in time, not when it is their turn.
        assert wait_until(lambda: futures[1].done() and futures[2].done(), timeout=3.0)
        assert not futures[0].done()
    assert wait_until(lambda: all(future.done() for future in futures))
    statuses = [future.result().status for future in futures]
    assert statuses == [Status.OK, Status.TIMEOUT, Status.TIMEOUT, Status.OK]
    assert "allow more time" in futures[1].result().message


def test_a_full_queue_says_so(bench: Bench):
    camera = start_pipeline(bench, max_queue=2)
    see(bench, camera)
    bench.ask()
    futures = []
    with bench.nodes[0].assistant._language_lock.hold():
        for number in range(6):
            request = SpatialQuery.Request(question=f"What is {number}?")
            futures.append(bench.call_async(SpatialQuery, "spatial_query", request))
        assert wait_until(lambda: sum(future.done() for future in futures) >= 3)
    assert wait_until(lambda: all(future.done() for future in futures))
    refused = [f.result() for f in futures if f.result().status == Status.NOT_READY]
    assert 3 <= len(refused) <= 4
    assert "2 questions wait already" in refused[0].message
    assert bench.ask().status == Status.OK


def test_calls_while_resets_happen_are_all_answered(bench: Bench):
    camera = start_pipeline(bench)
    see(bench, camera)
    bench.ask()
    stop = threading.Event()

    def film() -> None:
        while not stop.is_set():
            camera.send()

    filming = threading.Thread(target=film)
    filming.start()
    try:
        futures = []
        for _ in range(4):
            request = SpatialQuery.Request(question="What is here?")
            futures.append(bench.call_async(SpatialQuery, "spatial_query", request))
            assert bench.call(Trigger, "vlm3r/reset", Trigger.Request()).success
            futures.append(bench.call_async(SpatialQuery, "spatial_query", request))
        assert wait_until(lambda: all(future.done() for future in futures))
    finally:
        stop.set()
        filming.join()
    assert {f.result().status for f in futures} <= {Status.OK, Status.NO_FRAMES}
    for future in futures:
        if future.result().status == Status.NO_FRAMES:
            assert "the session was reset" in future.result().message
    see(bench, camera, 1)
    assert bench.ask().status == Status.OK


def test_who_waits_while_the_node_is_paused_is_told(bench: Bench, monkeypatch):
    camera = start_pipeline(bench)
    see(bench, camera)
    bench.ask()
    node = bench.nodes[0]
    # Idle, the node would wait for the language model to read on, and not take the first question.
    monkeypatch.setattr(node.assistant, "catch_up", lambda budget_s: True)
    request = SpatialQuery.Request(question="What is here?")
    with node.assistant._language_lock.hold():
        futures = [bench.call_async(SpatialQuery, "spatial_query", request) for _ in range(3)]
        assert wait_until(lambda: len(node._questions) == 2)
        pausing = threading.Thread(target=node.trigger_deactivate)
        pausing.start()
        assert wait_until(lambda: not node.active)
    pausing.join()
    assert wait_until(lambda: all(future.done() for future in futures))
    statuses = [future.result().status for future in futures]
    assert statuses == [Status.OK, Status.NOT_READY, Status.NOT_READY]
    assert "deactivated" in futures[1].result().message
    node.trigger_activate()
    assert bench.ask().status == Status.OK


def test_parameters_changed_while_active_count_from_the_next_configure(bench: Bench):
    node = bench.start(FrameBufferNode, **FRAME_BUFFER)
    camera, frames = bench.camera(), bench.collect(Image, "vlm3r/frames")
    node.set_parameters([Parameter("image_size", value=32)])
    camera.send()
    assert wait_until(lambda: len(frames) == 1)
    assert frames[0].width == 64
    for step in ("deactivate", "cleanup", "configure", "activate"):
        getattr(node, f"trigger_{step}")()
    assert wait_until(lambda: (camera.send(), frames[-1].width == 32)[1])
