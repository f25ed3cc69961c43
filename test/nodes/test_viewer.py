import os
import re
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Path
from node_bench import TIMEOUT, UNCONFIGURED, Bench, reports, wait_until
from sensor_msgs.msg import CameraInfo, PointCloud2
from std_msgs.msg import Header

from vlm3r_ros.msg import NavigationHint, SpatialAnswer
from vlm3r_ros.nodes import viewer
from vlm3r_ros.nodes.image_conversion import rgb_to_image
from vlm3r_ros.nodes.message_conversion import points_to_cloud
from vlm3r_ros.nodes.parameters import ParameterError
from vlm3r_ros.nodes.qos import LATCHED, RELIABLE
from vlm3r_ros.nodes.viewer import ViewerNode, usable_endpoint

STAMP = Time(sec=1_700_000_000, nanosec=250_000_000)


def needs_rerun() -> None:
    pytest.importorskip(
        "rerun", reason="the optional viewer is not installed: pip install 'vlm3r_ros[viewer]'"
    )


def header(frame: str = "map") -> Header:
    return Header(stamp=STAMP, frame_id=frame)


def messages() -> list[tuple[str, object, object]]:
    """One message of each topic."""
    noise = np.random.default_rng(0)
    picture = noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    pose = PoseStamped(header=header())
    pose.pose.orientation.w = 1.0
    points = noise.normal(size=(20, 3)).astype(np.float32)
    points[::3] = np.nan
    grid = OccupancyGrid(header=header(), data=[0, 100, -1, 0])
    grid.info.width = grid.info.height = 2
    grid.info.resolution = 0.1
    grid.info.origin.orientation.w = 1.0
    way = Path(header=header(), poses=[pose, pose])
    hint = NavigationHint(header=header(), target="a chair", turn=NavigationHint.AHEAD, goal=pose)
    return [
        ("vlm3r/camera_info", CameraInfo(header=header("camera"), width=64, height=48), RELIABLE),
        ("vlm3r/frames", rgb_to_image(picture, header("camera")), RELIABLE),
        ("vlm3r/pose", pose, RELIABLE),
        ("vlm3r/path", way, LATCHED),
        ("vlm3r/points", points_to_cloud(points, picture.reshape(-1, 3)[:20], header()), RELIABLE),
        ("vlm3r/occupancy", grid, LATCHED),
        ("vlm3r/plan", way, LATCHED),
        ("vlm3r/goal_pose", pose, RELIABLE),
        ("vlm3r/navigation_hint", hint, RELIABLE),
        ("vlm3r/answer", SpatialAnswer(header=header(), question="?", answer="!"), RELIABLE),
    ]


def publish_all(bench: Bench, node: ViewerNode, namespace: str = "") -> None:
    prefix = f"{namespace}/" if namespace else ""
    publishers = []
    for topic, message, qos in messages():
        publisher = bench.outside.create_publisher(type(message), f"{prefix}{topic}", qos)
        publishers.append((publisher, message))
    for publisher, _ in publishers:
        assert wait_until(lambda each=publisher: each.get_subscription_count() > 0), publisher.topic
        assert wait_until(lambda each=publisher: node.count_publishers(each.topic_name) > 0)
    time.sleep(0.05)
    for publisher, message in publishers:
        publisher.publish(message)


def recorded(path) -> dict[str, set[int]]:
    """Nanoseconds of the stamps by entity; empty for what holds always."""
    from rerun.chunk import RrdReader

    found: dict[str, set[int]] = {}
    for chunk in RrdReader(path).stream():
        times = found.setdefault(chunk.entity_path, set())
        if "stamp" in chunk.timeline_names:
            times |= set(chunk.to_record_batch()["stamp"].cast("int64").to_pylist())
    return {entity: times for entity, times in found.items() if not entity.startswith("/__")}


def test_everything_is_recorded_at_its_stamp(bench: Bench, tmp_path):
    needs_rerun()
    path = tmp_path / "room.rrd"
    arguments = ["--ros-args", "-r", "__ns:=/robot"]
    node = bench.start(ViewerNode, arguments, window=False, record=str(path))
    assert node.active
    publish_all(bench, node, "robot")
    # The axes; the frame gives two entries, the hint two, the camera_info none.
    assert wait_until(lambda: node.entries_logged >= 12)
    node.close()
    bench.nodes.remove(node)
    stamp = STAMP.sec * 1_000_000_000 + STAMP.nanosec
    assert recorded(path) == {
        "/map": set(),
        **{
            f"/{entity}": {stamp}
            for entity in (
                "map/camera",
                "map/camera/image",
                "map/camera_path",
                "map/points",
                "map/occupancy",
                "map/plan",
                "map/goal",
                "map/target",
                "answers",
                "hints",
            )
        },
    }


def test_a_bad_message_is_left_out_and_the_next_is_shown(bench: Bench, tmp_path):
    needs_rerun()
    path = tmp_path / "room.rrd"
    node = bench.start(ViewerNode, window=False, record=str(path))
    publisher = bench.outside.create_publisher(PointCloud2, "vlm3r/points", RELIABLE)
    assert wait_until(lambda: publisher.get_subscription_count() > 0)
    assert wait_until(lambda: node.count_publishers("vlm3r/points") > 0)
    publisher.publish(PointCloud2(header=header(), width=3, height=1))
    good = np.ones((2, 3), np.float32)
    publisher.publish(points_to_cloud(good, np.zeros((2, 3), np.uint8), header()))
    assert wait_until(lambda: node.entries_logged == 2)
    assert node.active


def test_a_window_can_connect_at_any_time_and_the_port_is_free_again_after(bench: Bench):
    needs_rerun()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = bench.start(ViewerNode, window=False, port=port)
    assert node.url == f"rerun+http://127.0.0.1:{port}/proxy"
    with socket.create_connection(("127.0.0.1", port), TIMEOUT):
        pass
    with pytest.raises(ParameterError, match=f"cannot listen at localhost:{port}"):
        usable_endpoint("localhost", port)
    node.release()
    assert wait_until(lambda: _is_usable(port))


def _is_usable(port: int) -> bool:
    try:
        return usable_endpoint("localhost", port) == ("127.0.0.1", port)
    except ParameterError:
        return False


def test_a_window_that_ends_leaves_the_node_running(bench: Bench, monkeypatch, tmp_path):
    needs_rerun()
    program = tmp_path / "rerun"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/call\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setattr(viewer.sys, "executable", str(tmp_path / "python"))
    node = bench.start(ViewerNode)
    status = bench.status("viewer", reports("window", "none"))
    assert (tmp_path / "call").read_text().startswith(f"--connect {node.url}")
    assert status.level == status.OK
    assert node.active


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"window": False}, "nothing to show"),
        (
            {"window": False, "record": "/nowhere/room.rrd"},
            "/nowhere/room.rrd; look at the parameters 'record'",
        ),
        ({"window": False, "port": 7447, "address": "192.0.2.1"}, r"cannot listen at 192\.0\.2\.1"),
    ],
)
def test_what_cannot_be_shown_is_told(bench: Bench, parameters, words):
    needs_rerun()
    node = bench.start(ViewerNode, autostart=False, **parameters)
    assert not bench.change("viewer", 1)
    assert bench.state("viewer") == UNCONFIGURED
    assert re.search(words, node.failure), node.failure


def test_without_the_library_the_process_ends_and_names_the_remedy(bench: Bench, tmp_path):
    (tmp_path / "rerun.py").write_text("raise ImportError('not here')\n")
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "vlm3r_ros.nodes.viewer"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "pip install 'vlm3r_ros[viewer]'" in done.stderr
