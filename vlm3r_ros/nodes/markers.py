"""What RViz draws of an answer and a hint: target, goal, way, keyframes and words, as markers."""

from __future__ import annotations

import copy
import math
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose
from numpy.typing import ArrayLike, NDArray
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from vlm3r_ros.navigation.hint import Goal, NavigationHint
from vlm3r_ros.navigation.target import Target, TargetStatus

FloatArray = NDArray[np.float64]


class MarkerKind(StrEnum):
    """What can be drawn; the values are the markers' namespaces, to be ticked in RViz."""

    TARGET = "target"
    GOAL = "goal"
    PLAN = "plan"
    KEYFRAMES = "keyframes"
    ANSWER = "answer"


DEFAULT_LIFETIMES: Mapping[MarkerKind, float] = {
    MarkerKind.TARGET: 60.0,
    MarkerKind.GOAL: 60.0,
    MarkerKind.PLAN: 60.0,
    MarkerKind.KEYFRAMES: 0.0,
    MarkerKind.ANSWER: 30.0,
}

# Each kind has so many markers, with the ids from 0 on.
_COUNTS = {kind: 2 if kind is MarkerKind.TARGET else 1 for kind in MarkerKind}
_COLORS = {
    MarkerKind.TARGET: (1.0, 0.55, 0.0, 0.45),
    MarkerKind.GOAL: (0.1, 0.85, 0.35, 1.0),
    MarkerKind.PLAN: (0.1, 1.0, 0.5, 0.9),
    MarkerKind.KEYFRAMES: (0.35, 0.65, 1.0, 0.7),
    MarkerKind.ANSWER: (1.0, 1.0, 1.0, 1.0),
}
_TEXT_COLOR = (1.0, 1.0, 1.0, 1.0)
_TEXT_HEIGHT = 0.15  # m, of a capital letter
_TEXT_WIDTH = 40  # letters in a line
_TEXT_LINES = 6
_SMALLEST_RADIUS, _LARGEST_RADIUS = 0.1, 1.0  # m: a thing that can be seen, and seen past
_ABOVE_FLOOR = 0.03  # m, so that the map does not flicker through
_ABOVE_CAMERA = 0.3  # m
_ARROW = (0.4, 0.06, 0.06)  # m: length, width, height
_LINE_WIDTH = 0.04  # m
_FRUSTUM_LINE_WIDTH = 0.01  # m
_UP = np.array([0.0, 0.0, 1.0])
# RViz takes what is shorter than 0.1 ms for ever.
_SHORTEST_LIFETIME = 0.001
# From the camera to the four corners of its picture, and around the picture.
_FRUSTUM_EDGES = np.array([0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 2, 3, 3, 4, 4, 1])


@dataclass(frozen=True)
class MarkerConfig:
    """How things are drawn.

    Attributes:
        frame: the map frame's id.
        lifetimes: seconds that each kind stays after its last update; 0 is for ever.
        fov: horizontal and vertical field of view of the keyframes' frustums, radians.
        frustum_depth: length of the frustums, metres.
    """

    frame: str = "map"
    lifetimes: Mapping[MarkerKind, float] = field(default_factory=lambda: DEFAULT_LIFETIMES)
    fov: tuple[float, float] = (math.radians(60.0), math.radians(45.0))
    frustum_depth: float = 0.15

    def __post_init__(self) -> None:
        for kind, lifetime in self.lifetimes.items():
            if not 0 <= lifetime < math.inf:
                raise ValueError(
                    f"the lifetime of {kind.value} is {lifetime} s; give seconds, or 0 for ever"
                )
        if missing := set(MarkerKind) - set(self.lifetimes):
            raise ValueError(f"no lifetime for {', '.join(sorted(missing))}; 0 is for ever")
        if not all(0 < angle < math.pi for angle in self.fov):
            raise ValueError(f"the field of view is {self.fov} rad; it must lie within (0, pi)")


class SceneMarkers:
    """Holds what is drawn; each update returns the whole scene.

    An array names every marker there can be, and deletes those that are not shown. So the last
    array alone, which is what a latched topic keeps, is enough for somebody who comes late.

    Not thread safe: update and publish under one lock, else an older scene may follow a newer.

    Args:
        config: how things are drawn.
        clock: seconds, on the clock that the viewer goes by: a marker that is sent again with
            others must not live longer for that.
    """

    def __init__(
        self, config: MarkerConfig | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config or MarkerConfig()
        self._clock = clock
        self._shown: dict[MarkerKind, tuple[float, list[Marker]]] = {}

    def update_hint(
        self,
        hint: NavigationHint,
        target: Target | None = None,
        floor_height: float = math.nan,
    ) -> MarkerArray:
        """Show the way of a hint, and what it leads to.

        Args:
            hint: without a goal or a path, those that were shown go.
            target: None or without a place, the one that was shown goes.
            floor_height: z in the map frame, metres, for whatever has no height of its own. Where
                it is not known either, things are drawn at the map's origin, which is as high as
                the session's first camera.
        """
        floor = floor_height if math.isfinite(floor_height) else 0.0
        self._show(MarkerKind.TARGET, self._target(target, floor))
        self._show(MarkerKind.GOAL, self._goal(hint.goal, floor))
        self._show(MarkerKind.PLAN, self._plan(hint.path, floor))
        return self._scene()

    def update_keyframes(self, poses: ArrayLike | Sequence[ArrayLike]) -> MarkerArray:
        """Show where the keyframes were taken.

        Args:
            poses: `T_map_camera` of each `[K, 4, 4]`, optical frame; those that are not finite are
                left out.

        Raises:
            ValueError: another shape.
        """
        T_map_camera = np.asarray(poses, float)
        if T_map_camera.size == 0:
            T_map_camera = np.empty((0, 4, 4))
        if T_map_camera.ndim != 3 or T_map_camera.shape[1:] != (4, 4):
            raise ValueError(
                f"the keyframes' poses have the shape {list(T_map_camera.shape)}, not [K, 4, 4]"
            )
        self._show(MarkerKind.KEYFRAMES, self._keyframes(T_map_camera))
        return self._scene()

    def update_answer(self, text: str, T_map_camera: ArrayLike | None) -> MarkerArray:
        """Show an answer above the camera.

        Args:
            text: the answer; where it is empty, the one that was shown goes.
            T_map_camera: where the camera is `[4, 4]`; None or not finite where that is not known,
                and then no answer is shown.
        """
        self._show(MarkerKind.ANSWER, self._answer(text, T_map_camera))
        return self._scene()

    def clear(self) -> MarkerArray:
        """Forget everything; the array deletes all that was ever shown."""
        self._shown.clear()
        return delete_all(self._config.frame)

    def _show(self, kind: MarkerKind, markers: list[Marker]) -> None:
        self._shown[kind] = (self._clock(), markers)

    def _scene(self) -> MarkerArray:
        now = self._clock()
        scene = MarkerArray()
        for kind in MarkerKind:
            markers = self._alive(kind, now)
            gone = range(len(markers), _COUNTS[kind])
            scene.markers += markers
            scene.markers += [self._marker(kind, i, Marker.DELETE) for i in gone]
        return scene

    def _alive(self, kind: MarkerKind, now: float) -> list[Marker]:
        """The markers of a kind, with what is left of their lifetime."""
        since, markers = self._shown.get(kind, (now, []))
        lifetime = self._config.lifetimes[kind]
        if lifetime == 0:
            return markers
        # A clock that was set back must not prolong it.
        left = lifetime - max(now - since, 0.0)
        if left < _SHORTEST_LIFETIME:
            return []
        # Copies: an array that was given away keeps the time that it told.
        markers = [copy.copy(marker) for marker in markers]
        for marker in markers:
            marker.lifetime = _duration(left)
        return markers

    def _marker(self, kind: MarkerKind, number: int, action: int = Marker.ADD) -> Marker:
        # Without a stamp: a map does not move, and no viewer has to wait for a transform.
        header = Header(frame_id=self._config.frame)
        marker = Marker(header=header, ns=kind.value, id=number, action=action)
        marker.color = _color(_COLORS[kind])
        return marker

    def _text(self, kind: MarkerKind, number: int, text: str, place: FloatArray) -> Marker:
        marker = self._marker(kind, number)
        marker.type = Marker.TEXT_VIEW_FACING
        marker.pose = _pose_at(place)
        marker.scale.z = _TEXT_HEIGHT
        marker.color = _color(_TEXT_COLOR)
        lines = textwrap.wrap(text, _TEXT_WIDTH, max_lines=_TEXT_LINES, placeholder=" ...")
        marker.text = "\n".join(lines)
        return marker

    def _target(self, target: Target | None, floor: float) -> list[Marker]:
        if target is None or not target.has_place or not np.isfinite(target.position[:2]).all():
            return []
        place = _with_height(target.position, floor)
        radius = target.radius if math.isfinite(target.radius) else _SMALLEST_RADIUS
        radius = min(max(radius, _SMALLEST_RADIUS), _LARGEST_RADIUS)
        sphere = self._marker(MarkerKind.TARGET, 0)
        sphere.type = Marker.SPHERE
        sphere.pose = _pose_at(place)
        sphere.scale.x = sphere.scale.y = sphere.scale.z = 2 * radius
        name = target.name
        if target.status is TargetStatus.NEAREST_OF_SEVERAL:
            name += f" (nearest of {target.count})"
        above = place + (radius + _TEXT_HEIGHT) * _UP
        return [sphere, self._text(MarkerKind.TARGET, 1, name, above)]

    def _goal(self, goal: Goal | None, floor: float) -> list[Marker]:
        if goal is None or not np.isfinite([*goal.position[:2], goal.yaw]).all():
            return []
        arrow = self._marker(MarkerKind.GOAL, 0)
        arrow.type = Marker.ARROW
        arrow.pose = _pose_at(_with_height(goal.position, floor) + _ABOVE_FLOOR * _UP)
        arrow.pose.orientation.z = math.sin(goal.yaw / 2)
        arrow.pose.orientation.w = math.cos(goal.yaw / 2)
        arrow.scale.x, arrow.scale.y, arrow.scale.z = _ARROW
        return [arrow]

    def _plan(self, path: FloatArray, floor: float) -> list[Marker]:
        path = path[np.isfinite(path[:, :2]).all(axis=1)]
        if len(path) < 2:  # no line
            return []
        line = self._marker(MarkerKind.PLAN, 0)
        line.type = Marker.LINE_STRIP
        line.scale.x = _LINE_WIDTH
        line.points = _points(_with_height(path, floor) + _ABOVE_FLOOR * _UP)
        return [line]

    def _keyframes(self, T_map_camera: FloatArray) -> list[Marker]:
        T_map_camera = T_map_camera[np.isfinite(T_map_camera).all(axis=(1, 2))]
        if not len(T_map_camera):
            return []
        frustum = _frustum(self._config.fov, self._config.frustum_depth)
        rotations, centres = T_map_camera[:, :3, :3], T_map_camera[:, :3, 3]
        corners = frustum @ rotations.transpose(0, 2, 1) + centres[:, None]
        lines = self._marker(MarkerKind.KEYFRAMES, 0)
        lines.type = Marker.LINE_LIST
        lines.scale.x = _FRUSTUM_LINE_WIDTH
        lines.points = _points(corners[:, _FRUSTUM_EDGES].reshape(-1, 3))
        return [lines]

    def _answer(self, text: str, T_map_camera: ArrayLike | None) -> list[Marker]:
        if T_map_camera is None or not text.strip():
            return []
        centre = np.asarray(T_map_camera, float)[:3, 3]
        if not np.isfinite(centre).all():
            return []
        return [self._text(MarkerKind.ANSWER, 0, text, centre + _ABOVE_CAMERA * _UP)]


def delete_all(frame: str) -> MarkerArray:
    """An array that removes every marker of the topic, whoever sent it."""
    header = Header(frame_id=frame)
    return MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])


def _frustum(fov: tuple[float, float], depth: float) -> FloatArray:
    """The camera's centre and the corners of its picture, going round, optical frame `[5, 3]`."""
    x, y = (depth * math.tan(angle / 2) for angle in fov)
    return np.array([[0, 0, 0], [-x, -y, depth], [x, -y, depth], [x, y, depth], [-x, y, depth]])


def _with_height(points: FloatArray, floor: float) -> FloatArray:
    """Points `[..., 3]`, those without a height on the floor."""
    z = points[..., 2:]
    return np.concatenate([points[..., :2], np.where(np.isfinite(z), z, floor)], axis=-1)


def _pose_at(place: FloatArray) -> Pose:
    return Pose(position=_points(place[None])[0])


def _points(points: FloatArray) -> list[Point]:
    return [Point(x=x, y=y, z=z) for x, y, z in points.tolist()]


def _color(rgba: tuple[float, float, float, float]) -> ColorRGBA:
    red, green, blue, alpha = rgba
    return ColorRGBA(r=red, g=green, b=blue, a=alpha)


def _duration(seconds: float) -> Duration:
    whole = math.floor(seconds)
    return Duration(sec=whole, nanosec=int((seconds - whole) * 1e9))
