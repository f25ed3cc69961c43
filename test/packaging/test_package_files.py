"""The files around the modules agree with each other."""

import ast
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import vlm3r_ros

REPOSITORY = Path(__file__).resolve().parents[2]
if not (REPOSITORY / "package.xml").is_file():
    pytest.skip("needs a checkout of the repository", allow_module_level=True)

LAUNCH_ARGUMENTS = {
    "autostart",
    "camera_info_topic",
    "composed",
    "device",
    "image_topic",
    "image_transport",
    "log_level",
    "model",
    "namespace",
    "params_file",
    "record",
    "replay",
    "rviz",
    "rviz_config",
    "use_sim_time",
    "viewer",
}
SHOWN_TOPICS = {
    "/vlm3r/depth",
    "/vlm3r/frames",
    "/vlm3r/goal_pose",
    "/vlm3r/markers",
    "/vlm3r/occupancy",
    "/vlm3r/odometry",
    "/vlm3r/path",
    "/vlm3r/plan",
    "/vlm3r/points",
}
CMAKE = (REPOSITORY / "CMakeLists.txt").read_text()
MANIFEST = ElementTree.parse(REPOSITORY / "package.xml").getroot()
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def requirement_names(path: Path) -> set[str]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return {re.split(r"[<>=~!; \[]", line)[0].lower() for line in lines if line}


def test_version_is_the_same_everywhere() -> None:
    assert MANIFEST.findtext("version") == PROJECT["version"] == vlm3r_ros.__version__


def test_every_interface_is_generated() -> None:
    on_disk = {
        path.relative_to(REPOSITORY).as_posix()
        for kind in ("msg", "srv")
        for path in (REPOSITORY / kind).glob(f"*.{kind}")
    }
    assert set(re.findall(r"^  ((?:msg|srv)/\S+)$", CMAKE, re.MULTILINE)) == on_disk


def test_packages_of_our_messages_are_build_dependencies() -> None:
    used = set()
    for path in [*REPOSITORY.glob("msg/*.msg"), *REPOSITORY.glob("srv/*.srv")]:
        used |= set(re.findall(r"^(\w+)/\w+", path.read_text(), re.MULTILINE))
    assert used == {element.text for element in MANIFEST.findall("depend")}
    assert all(f"find_package({name} REQUIRED)" in CMAKE for name in used)


def test_executables_are_modules_with_a_main() -> None:
    names = re.search(r"foreach\(node ([\w ]+)\)", CMAKE)
    assert names is not None
    for name in names.group(1).split():
        spec = find_spec(f"vlm3r_ros.nodes.{name}")
        assert spec is not None, name
        functions = [
            node.name
            for node in ast.parse(Path(str(spec.origin)).read_text()).body
            if isinstance(node, ast.FunctionDef)
        ]
        assert "main" in functions, name


def test_launch_arguments_are_those_of_the_interface() -> None:
    tree = ast.parse((REPOSITORY / "launch" / "assistant.launch.py").read_text())
    declared = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "DeclareLaunchArgument"
        and isinstance(node.args[0], ast.Constant)
    ]
    assert sorted(map(str, declared)) == sorted(LAUNCH_ARGUMENTS)


def test_dds_profile_makes_room_for_images() -> None:
    root = ElementTree.parse(REPOSITORY / "config" / "fastdds_shm.xml").getroot()
    name = {"dds": "http://www.eprosima.com"}
    transports = {
        transport.findtext("dds:transport_id", namespaces=name): transport
        for transport in root.iterfind(".//dds:transport_descriptor", name)
    }
    used = [
        element.text for element in root.iterfind(".//dds:userTransports/dds:transport_id", name)
    ]
    assert sorted(transports) == sorted(used)
    sizes = [
        int(size)
        for transport in transports.values()
        if (size := transport.findtext("dds:segment_size", namespaces=name))
    ]
    assert sizes == [32 * 2**20]


def test_view_shows_every_topic_with_a_matching_qos() -> None:
    view = yaml.safe_load((REPOSITORY / "rviz" / "assistant.rviz").read_text())
    manager = view["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == "map"
    topics = [display["Topic"] for display in manager["Displays"] if "Topic" in display]
    assert {topic["Value"] for topic in topics} == SHOWN_TOPICS
    durability = {topic["Value"]: topic["Durability Policy"] for topic in topics}
    assert durability["/vlm3r/path"] == durability["/vlm3r/occupancy"] == "Transient Local"


def test_every_requirement_is_pinned() -> None:
    pinned = requirement_names(REPOSITORY / "constraints.txt")
    for file in ("requirements.txt", "requirements-ros.txt"):
        assert requirement_names(REPOSITORY / file) <= pinned, file


def test_changelog_has_a_place_for_this_version() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[({re.escape(PROJECT['version'])}|Unreleased)\]", changelog, re.M)
