import ast
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import vlm3r_ros
from vlm3r_ros.commands.assistant import AssistantOptions, node_commands
from vlm3r_ros.commands.errors import CommandError
from vlm3r_ros.resources import resource

CLIP = Path(vlm3r_ros.__file__).parent / "assets" / "demo_room.mp4"
DOMAIN = 40 + os.getpid() % 10
ENVIRONMENT = os.environ | {
    "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    "ROS_DOMAIN_ID": str(DOMAIN),
    "OMP_NUM_THREADS": "1",
}


def vlm3r(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vlm3r_ros.cli", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)


def values(command: list[str], flag: str) -> list[str]:
    return [value for key, value in pairwise(command) if key == flag]


def test_the_arguments_are_those_of_the_launch_file():
    tree = ast.parse(resource("launch", "assistant.launch.py").read_text())
    declared = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "DeclareLaunchArgument"
        and isinstance(node.args[0], ast.Constant)
    ]
    assert declared == [field.name for field in dataclasses.fields(AssistantOptions)]


def test_by_default_each_node_has_a_process_with_our_parameters():
    commands = node_commands(AssistantOptions())
    assert list(commands) == ["frame_buffer", "geometry", "spatial_query"]
    for name, command in commands.items():
        assert command[1:3] == ["-m", f"vlm3r_ros.nodes.{name}"]
        assert values(command, "--params-file") == [str(resource("config", "assistant.yaml"))]
        assert values(command, "-p") == ["use_sim_time:=false", "autostart:=true"]
        assert values(command, "-r") == [
            "image:=camera/image_raw",
            "camera_info:=camera/camera_info",
        ]


def test_arguments_reach_the_nodes():
    options = AssistantOptions(
        model="1e3",
        device="cpu",
        image_topic="/front/color/image_raw",
        namespace="robot",
        composed=True,
        use_sim_time=True,
        autostart=False,
        replay=str(CLIP),
        log_level="warn",
    )
    commands = node_commands(options)
    assert list(commands) == ["composed", "replay"]
    composed = commands["composed"]
    # Quoted: as YAML a bare 1e3 would be a number.
    assert 'model:="1e3"' in values(composed, "-p")
    assert {"use_sim_time:=true", "autostart:=false"} <= set(values(composed, "-p"))
    assert "__ns:=/robot" in values(composed, "-r")
    assert "camera_info:=/front/color/camera_info" in values(composed, "-r")
    assert "camera/image_raw:=/front/color/image_raw" in values(commands["replay"], "-r")
    assert f'path:="{CLIP}"' in values(commands["replay"], "-p")
    assert values(composed, "--log-level") == ["warn"]


def test_rviz_looks_into_the_namespace(monkeypatch, tmp_path):
    rviz = tmp_path / "rviz2"
    rviz.write_text("#!/bin/sh\n")
    rviz.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    command = node_commands(AssistantOptions(rviz=True, namespace="/robot/"))["rviz"]
    assert command[:3] == [str(rviz), "-d", str(resource("rviz", "assistant.rviz"))]
    assert values(command, "-r")[0] == "__ns:=/robot"
    assert "/vlm3r/points:=vlm3r/points" in values(command, "-r")
    assert not any("__ns" in word for word in node_commands(AssistantOptions(rviz=True))["rviz"])


def test_a_viewer_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setattr("vlm3r_ros.commands.assistant.find_spec", lambda name: None)
    for options in (AssistantOptions(viewer=True), AssistantOptions(record="room.rrd")):
        with pytest.raises(CommandError, match=r"rerun-sdk: pip install 'vlm3r_ros\[viewer\]'"):
            node_commands(options)


def test_the_viewer_opens_a_window_or_records_in_the_namespace(monkeypatch, tmp_path):
    # A library of that name: this is about the command line only.
    (tmp_path / "rerun.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    window = node_commands(AssistantOptions(viewer=True, namespace="robot", autostart=False))
    assert list(window)[-1] == "viewer"
    assert values(window["viewer"], "-r") == ["__ns:=/robot"]
    assert {"autostart:=true", "window:=true"} <= set(values(window["viewer"], "-p"))
    record = tmp_path / "room.rrd"
    recorded = node_commands(AssistantOptions(record=str(record)))["viewer"]
    assert {"window:=false", f'record:="{record}"'} <= set(values(recorded, "-p"))
    with pytest.raises(CommandError, match="a folder that exists"):
        node_commands(AssistantOptions(record=str(tmp_path / "nowhere" / "room.rrd")))


def test_rviz_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CommandError, match="rviz2 is not installed"):
        node_commands(AssistantOptions(rviz=True))


def test_a_node_that_ends_ends_the_assistant_and_is_named(tmp_path):
    params_file = tmp_path / "mine.yaml"
    params_file.write_text("/**/frame_buffer:\n  ros__parameters:\n    max_rate: -1.0\n")
    arguments = ("--composed", "--model", "tiny", "--replay", str(CLIP))
    done = vlm3r("assistant", "--params-file", str(params_file), *arguments)
    assert done.returncode == 1
    assert "max_rate" in done.stderr
    assert "composed ended with exit code 1; stopping the others" in done.stderr


@pytest.fixture(scope="module")
def assistant() -> Iterator[subprocess.Popen[str]]:
    """The assistant of the command line, in one process, with the smallest model."""
    command = [sys.executable, "-m", "vlm3r_ros.cli", "assistant", "--model", "tiny", "--composed"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def test_nobody_there_is_an_error_that_says_where_it_looked():
    empty_domain = ENVIRONMENT | {"ROS_DOMAIN_ID": str(DOMAIN + 10)}
    command = [sys.executable, "-m", "vlm3r_ros.cli", "ask", "where?", "--wait", "0.2"]
    done = subprocess.run(command, env=empty_domain, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"no service /spatial_query in ROS domain {DOMAIN + 10}" in done.stderr


def test_questions_replay_and_the_end(assistant, tmp_path):
    # The service is there before the model is loaded; NOT_READY says so.
    for _ in range(60):
        before = vlm3r("ask", "What is here?", "--wait", "60")
        if "NOT_READY" not in before.stdout:
            break
        time.sleep(0.5)
    assert before.returncode == 1
    assert "NO_FRAMES" in before.stdout

    played = vlm3r("replay", str(CLIP), "--rate", "10")
    assert played.returncode == 0
    assert "120 frames played" in played.stderr

    chosen = vlm3r("ask", "Which?", "-o", "a sofa", "-o", "a door", "--json")
    assert chosen.returncode == 0, chosen.stderr
    record = json.loads(chosen.stdout)
    assert record["status"] == "OK"
    assert record["option_index"] in (0, 1)
    assert record["frames_used"] > 0
    assert 0 < record["time_to_first_token"] <= record["total_time"]

    picture = tmp_path / "way.png"
    hint = vlm3r("ask", "Where is the door?", "--navigate", "--picture", str(picture))
    assert hint.returncode == 0, hint.stderr
    assert "UNKNOWN" in hint.stdout
    assert "door" in hint.stdout
    assert picture.stat().st_size > 1000

    empty = vlm3r("ask", " ")
    assert empty.returncode == 1
    assert "BAD_REQUEST" in empty.stdout

    children = Path(f"/proc/{assistant.pid}/task/{assistant.pid}/children").read_text().split()
    assert len(children) == 1
    assistant.send_signal(signal.SIGINT)
    assert assistant.wait(timeout=30) == 0
    assert not Path(f"/proc/{children[0]}").exists()
