"""The layout for Foxglove is one it can open, and shows what the nodes publish."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vlm3r_ros.resources import resource
from vlm3r_ros.srv import SpatialQuery

LAYOUT = json.loads(resource("config", "foxglove_layout.json").read_text(encoding="utf-8"))
PANELS: dict[str, dict[str, Any]] = LAYOUT["configById"]
# Those of the interface that have something to show.
SHOWN = {
    "/vlm3r/answer",
    "/vlm3r/camera_info",
    "/vlm3r/frames",
    "/vlm3r/goal_pose",
    "/vlm3r/markers",
    "/vlm3r/navigation_hint",
    "/vlm3r/occupancy",
    "/vlm3r/path",
    "/vlm3r/plan",
    "/vlm3r/points",
    "/vlm3r/pose",
}


def strings(node: Any) -> Iterator[str]:
    """Every string, the keys of objects too."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def placed(node: str | dict[str, Any]) -> list[str]:
    """The panels of a part of the window, from left to right and top to bottom."""
    if isinstance(node, str):
        return [node]
    assert node["direction"] in ("row", "column")
    assert 0 < node["splitPercentage"] < 100
    return placed(node["first"]) + placed(node["second"])


def test_every_panel_has_one_place_and_is_of_a_kind_that_foxglove_brings():
    assert sorted(placed(LAYOUT["layout"])) == sorted(PANELS)
    kinds = {name.partition("!")[0] for name in PANELS}
    assert kinds == {"3D", "Image", "RawMessages", "CallService"}


def test_the_topics_are_those_of_the_interface():
    found = {text for text in strings(PANELS) if re.fullmatch(r"/vlm3r/\w+", text)}
    assert found == SHOWN


def test_the_topics_are_published_by_the_nodes_under_these_names():
    nodes = Path(resource("package.xml")).parent / "vlm3r_ros" / "nodes"
    if not nodes.is_dir():
        pytest.skip("needs a checkout of the repository")
    words = {
        node.value
        for path in nodes.glob("*.py")
        if path.name != "viewer.py"  # which only listens
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {topic.removeprefix("/") for topic in SHOWN} <= words


def test_the_map_stands_still_and_shows_the_map_frame():
    scene = PANELS["3D!map"]
    assert (scene["followTf"], scene["followMode"]) == ("map", "follow-none")
    assert all(topic["visible"] for topic in scene["topics"].values())
    assert {"/vlm3r/points", "/vlm3r/path", "/vlm3r/plan", "/vlm3r/occupancy"} <= set(
        scene["topics"]
    )


def test_each_panel_looks_at_its_topic():
    assert PANELS["Image!frames"]["imageMode"]["imageTopic"] == "/vlm3r/frames"
    assert PANELS["RawMessages!answer"]["topicPath"] == "/vlm3r/answer"
    assert PANELS["RawMessages!hint"]["topicPath"] == "/vlm3r/navigation_hint"


def test_the_question_is_a_request_of_the_service():
    panel = PANELS["CallService!ask"]
    assert panel["serviceName"] == "/spatial_query"
    request = json.loads(panel["requestPayload"])
    assert request.keys() == SpatialQuery.Request.get_fields_and_field_types().keys()
    assert SpatialQuery.Request(**{**request, "timeout": float(request["timeout"])}).navigate
