"""The launch file under the real launch system, with programs that write down their call."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("launch_ros", reason="launch and launch_ros come with ROS from apt only")

from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

from vlm3r_ros.resources import DDS_PROFILE_VARIABLE, resource

REPOSITORY = Path(__file__).resolve().parents[2]
NODES = {"frame_buffer", "geometry", "spatial_query"}
RECORDER = f"""#!/bin/sh
record="$RECORD_DIR/$(basename "$0")"
printf '%s' "${DDS_PROFILE_VARIABLE}" > "$record.profile"
printf '%s\\n' "$@" > "$record"
"""


@dataclass(frozen=True)
class Call:
    """How a program was called: its arguments, and the DDS profile that it saw."""

    arguments: list[str]
    dds_profile: str

    def after(self, option: str) -> list[str]:
        return [value for word, value in pairwise(self.arguments) if word == option]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that launch arguments gave: the last file, for nodes of any name."""
        content = yaml.safe_load(Path(self.after("--params-file")[-1]).read_text())
        assert list(content) == ["/**"]
        return content["/**"]["ros__parameters"]


class Launcher:
    """Runs the launch file in a prefix where our executables are replaced by a recorder."""

    def __init__(self, prefix: Path) -> None:
        self.records = prefix / "records"
        self.records.mkdir()
        programs = {"vlm3r_ros": [*NODES, "replay", "viewer", "composed"], "rviz2": ["rviz2"]}
        index = prefix / "share" / "ament_index" / "resource_index" / "packages"
        index.mkdir(parents=True)
        for package, names in programs.items():
            (index / package).touch()
            (prefix / "lib" / package).mkdir(parents=True)
            for name in names:
                path = prefix / "lib" / package / name
                path.write_text(RECORDER)
                path.chmod(0o755)
        share = prefix / "share" / "vlm3r_ros"
        share.mkdir()
        for folder in ("config", "rviz"):
            (share / folder).symlink_to(REPOSITORY / folder)

    def run(self, **arguments: str) -> dict[str, Call]:
        source = PythonLaunchDescriptionSource(str(resource("launch", "assistant.launch.py")))
        include = IncludeLaunchDescription(source, launch_arguments=list(arguments.items()))
        service = LaunchService(noninteractive=True)
        service.include_launch_description(LaunchDescription([include]))
        assert service.run() == 0
        return {
            path.name: Call(path.read_text().splitlines(), Path(f"{path}.profile").read_text())
            for path in self.records.iterdir()
            if path.suffix != ".profile"
        }


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Launcher:
    # Empty counts as unset; and what the launch file sets is undone after the test.
    monkeypatch.setenv(DDS_PROFILE_VARIABLE, "")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.setenv("RECORD_DIR", str(tmp_path / "records"))
    return Launcher(tmp_path)


def test_by_default_each_node_has_a_process_and_our_parameters(launcher: Launcher) -> None:
    calls = launcher.run()
    assert set(calls) == NODES
    for call in calls.values():
        assert Path(call.after("--params-file")[0]).samefile(resource("config", "assistant.yaml"))
        assert call.parameters == {"use_sim_time": False, "autostart": True}
        assert "image:=camera/image_raw" in call.after("-r")
        assert "camera_info:=camera/camera_info" in call.after("-r")
        assert call.after("--log-level") == ["info"]
        # A name would rename every node in the process of `composed`.
        assert not any("__node:=" in rule for rule in call.after("-r"))
        assert Path(call.dds_profile).samefile(resource("config", "fastdds_shm.xml"))


def test_arguments_reach_the_nodes_as_parameters_of_the_right_type(
    launcher: Launcher, tmp_path: Path
) -> None:
    params_file = tmp_path / "mine.yaml"
    params_file.write_text("/**/geometry:\n  ros__parameters:\n    model: other\n")
    call = launcher.run(
        params_file=str(params_file),
        model="1e3",
        device="cpu",
        image_transport="compressed",
        use_sim_time="true",
        autostart="false",
        namespace="robot",
        image_topic="/front/color/image_raw",
        log_level="warn",
    )["geometry"]
    assert call.after("--params-file")[0] == str(params_file)
    assert call.parameters == {
        "model": "1e3",
        "device": "cpu",
        "image_transport": "compressed",
        "use_sim_time": True,
        "autostart": False,
    }
    assert "image:=/front/color/image_raw" in call.after("-r")
    assert "camera_info:=/front/color/camera_info" in call.after("-r")
    assert "__ns:=/robot" in call.after("-r")
    assert call.after("--log-level") == ["warn"]


def test_composed_replay_and_rviz(launcher: Launcher) -> None:
    calls = launcher.run(
        composed="true",
        replay="/data/a clip.mp4",
        rviz="true",
        rviz_config="/my.rviz",
    )
    assert set(calls) == {"composed", "replay", "rviz2"}
    assert calls["replay"].parameters["path"] == "/data/a clip.mp4"
    # Loading the models takes longer than the recording's first frames.
    assert calls["replay"].parameters["wait_for_subscriber"] > 60
    assert calls["rviz2"].after("-d") == ["/my.rviz"]
    assert "/vlm3r/points:=vlm3r/points" in calls["rviz2"].after("-r")


def test_the_viewer_opens_a_window_or_records(launcher: Launcher) -> None:
    window = launcher.run(viewer="true", namespace="robot", autostart="false")["viewer"]
    assert window.parameters == {"use_sim_time": False, "autostart": True, "window": True}
    assert "__ns:=/robot" in window.after("-r")
    file = launcher.run(record="/tmp/1e3")["viewer"]
    assert file.parameters["record"] == "/tmp/1e3"
    assert file.parameters["window"] is False


def test_replay_publishes_what_the_frame_buffer_listens_to(launcher: Launcher) -> None:
    calls = launcher.run(
        replay="/data/clip.mp4",
        image_transport="compressed",
        image_topic="front/image",
        camera_info_topic="front/info",
    )
    assert "image:=front/image" in calls["frame_buffer"].after("-r")
    assert "camera/image_raw:=front/image" in calls["replay"].after("-r")
    assert "camera_info:=front/info" in calls["frame_buffer"].after("-r")
    assert "camera/camera_info:=front/info" in calls["replay"].after("-r")
    # replay knows no compressed images
    assert calls["frame_buffer"].parameters["image_transport"] == "raw"


def test_a_dds_profile_of_the_users_own_is_kept(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DDS_PROFILE_VARIABLE, "/my/profile.xml")
    assert launcher.run()["geometry"].dds_profile == "/my/profile.xml"


def test_a_missing_params_file_is_an_error(launcher: Launcher) -> None:
    with pytest.raises(AssertionError):
        launcher.run(params_file="/nowhere/params.yaml")
    assert not list(launcher.records.iterdir())
