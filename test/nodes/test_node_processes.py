"""The nodes as the processes that a user starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_bench import TIMEOUT, Bench, Camera, wait_until

from vlm3r_ros.nodes.qos import SENSOR_DATA
from vlm3r_ros.nodes.runtime import check_dds_profile
from vlm3r_ros.resources import DDS_PROFILE_VARIABLE
from vlm3r_ros.srv import SpatialQuery

STARTUP = 120.0


class Processes:
    """Started node processes with their output in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[subprocess.Popen] = []

    def start(self, module: str, *args: str) -> subprocess.Popen:
        log = (self._folder / f"{module}-{len(self.started)}.log").open("w+")
        command = [sys.executable, "-m", f"vlm3r_ros.nodes.{module}", "--ros-args", *args]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.started.append(process)
        return process

    def output(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("*.log")))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    for process in processes.started:
        if process.poll() is None:
            process.kill()
            process.wait()


def ask_until_answered(bench: Bench, camera: Camera) -> SpatialQuery.Response:
    """Film and ask until there is an answer."""
    client = bench.outside.create_client(SpatialQuery, "spatial_query")
    assert client.wait_for_service(STARTUP)
    end = time.monotonic() + STARTUP
    while time.monotonic() < end:
        future = client.call_async(SpatialQuery.Request(question="What is here?"))
        camera.send(5)
        # The first request may go out before the server has discovered us: then it is lost.
        if wait_until(future.done, 3.0) and future.result().status == SpatialQuery.Response.OK:
            return future.result()
    raise AssertionError("no answer")


@pytest.mark.parametrize("layout", ["separate", "composed"])
def test_an_answer_comes_from_real_processes_that_end_cleanly(bench: Bench, processes, layout):
    modules = (
        ["composed"] if layout == "composed" else ["frame_buffer", "geometry", "spatial_query"]
    )
    for module in modules:
        processes.start(module, "-p", "model:=tiny", "-r", "image:=/front/image")
    camera = Camera(bench.outside, "/front/image", SENSOR_DATA)
    response = ask_until_answered(bench, camera)
    assert response.answer.frames_used > 0
    for number, process in enumerate(processes.started):
        process.send_signal(signal.SIGTERM if number % 2 else signal.SIGINT)
    codes = [process.wait(TIMEOUT) for process in processes.started]
    assert codes == [0] * len(modules), processes.output()
    assert "Traceback" not in processes.output()


def test_a_parameter_of_the_wrong_type_ends_with_an_error_that_names_it(processes):
    process = processes.start("frame_buffer", "-p", "max_rate:=15")
    assert process.wait(STARTUP) == 1
    assert "'max_rate' must be a float (write 5.0, not 5)" in processes.output()


def test_a_bad_transport_profile_is_named(monkeypatch):
    monkeypatch.setenv(DDS_PROFILE_VARIABLE, "/nowhere/profile.xml")
    assert "/nowhere/profile.xml is not a file" in check_dds_profile()


def test_our_transport_profile_is_chosen_where_there_is_none(monkeypatch):
    monkeypatch.delenv(DDS_PROFILE_VARIABLE, raising=False)
    assert check_dds_profile() is None
    assert Path(os.environ[DDS_PROFILE_VARIABLE]).is_file()
