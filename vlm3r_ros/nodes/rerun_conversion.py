"""Our messages as what Rerun draws: entities, archetypes and the time they hold from.

Everything lies on one timeline, `stamp`, of the messages' own stamps: a pose that is worked out
after its frame stands at the frame's time all the same. Needs the optional library `rerun-sdk`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import rerun as rr
import rerun.blueprint as rrb
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Path
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from vlm3r_ros.msg import NavigationHint, SpatialAnswer
from vlm3r_ros.nodes.image_conversion import image_to_rgb
from vlm3r_ros.nodes.message_conversion import (
    FloatArray,
    MessageError,
    cloud_to_points,
    intrinsics_from_camera_info,
    pose_to_matrix,
    scale_camera_info,
    stamp_to_nanoseconds,
)

TIMELINE = "stamp"
DEFAULT_FIELD_OF_VIEW = math.radians(60.0)

_JPEG_QUALITY = 85
_IMAGE_PLANE = 0.4  # m before the camera: where the picture is drawn in the 3D view
_POINTS_SHOWN = 10.0  # s of the past whose clouds are drawn together, as in RViz
_POINT_SIZE = -2.0  # negative: in pixels of the screen
_CAMERA_PATH_COLOR = (255, 191, 0)
_PLAN_COLOR = (25, 255, 130)
_GOAL_COLOR = (25, 217, 90)
_TARGET_COLOR = (255, 140, 0)
_ARROW_LENGTH = 0.4  # m
_LINE_RADIUS = 0.015  # m
_TARGET_RADIUS = 0.08  # m


class Entity(StrEnum):
    """Where things lie in the recording; what is below `map` is in the map frame."""

    MAP = "map"
    CAMERA = "map/camera"
    IMAGE = "map/camera/image"
    CAMERA_PATH = "map/camera_path"
    POINTS = "map/points"
    OCCUPANCY = "map/occupancy"
    PLAN = "map/plan"
    GOAL = "map/goal"
    TARGET = "map/target"
    ANSWERS = "answers"
    HINTS = "hints"


# What a hint without a way takes away, and what of an older map a new session does.
_GUIDANCE = (Entity.PLAN, Entity.GOAL, Entity.TARGET)
_OF_A_SESSION = (Entity.POINTS, Entity.OCCUPANCY, *_GUIDANCE)


@dataclass(frozen=True)
class Entry:
    """Something to log.

    Attributes:
        entity: where it belongs.
        content: a Rerun archetype.
        nanoseconds: from when on it holds, on the timeline of stamps; None: always.
    """

    entity: Entity
    content: Any
    nanoseconds: int | None


class SceneConverter:
    """Turns the assistant's messages into entries. Not thread safe.

    Args:
        field_of_view: horizontal, radians; of a camera that is not calibrated.
    """

    def __init__(self, field_of_view: float = DEFAULT_FIELD_OF_VIEW) -> None:
        self._field_of_view = field_of_view
        self._camera_info: CameraInfo | None = None
        self._session_start = 0
        self._newest = 0

    def beginning(self) -> list[Entry]:
        """What holds from the start: the map's axes."""
        return [Entry(Entity.MAP, rr.ViewCoordinates.RIGHT_HAND_Z_UP, None)]

    def camera_info(self, message: CameraInfo) -> list[Entry]:
        """Keeps the calibration for the frames that follow; nothing to log yet."""
        # Scaled as it will be for a frame, so that a message of no use is refused here.
        scaled = scale_camera_info(message, message.width, message.height)
        calibrated = intrinsics_from_camera_info(scaled) is not None
        self._camera_info = message if calibrated else None
        return []

    def frame(self, message: Image) -> list[Entry]:
        """The picture, as JPEG, and the camera that it was taken with."""
        rgb = image_to_rgb(message)
        height, width = rgb.shape[:2]
        pinhole = rr.Pinhole(
            image_from_camera=self._intrinsics(width, height),
            width=width,
            height=height,
            camera_xyz=rr.ViewCoordinates.RDF,
            image_plane_distance=_IMAGE_PLANE,
        )
        time = self._time(message.header)
        picture = rr.Image(rgb).compress(jpeg_quality=_JPEG_QUALITY)
        return [Entry(Entity.IMAGE, pinhole, time), Entry(Entity.IMAGE, picture, time)]

    def pose(self, message: PoseStamped) -> list[Entry]:
        """Where the camera is."""
        T_map_camera = pose_to_matrix(message.pose)
        content = rr.Transform3D(translation=T_map_camera[:3, 3], mat3x3=T_map_camera[:3, :3])
        return [Entry(Entity.CAMERA, content, self._time(message.header))]

    def path(self, message: Path) -> list[Entry]:
        """The way of the camera; one with another beginning is of another session and map."""
        if not message.poses:
            return []
        entries = []
        start = stamp_to_nanoseconds(message.poses[0].header.stamp)
        if self._session_start not in (0, start):
            # Just before the new session's first frame, which may have been logged already.
            entries = _cleared(_OF_A_SESSION, start - 1)
        self._session_start = start
        time = self._time(message.header)
        line = _line(_positions(message.poses), _CAMERA_PATH_COLOR)
        return [*entries, Entry(Entity.CAMERA_PATH, line, time)]

    def points(self, message: PointCloud2) -> list[Entry]:
        """The coloured points that are known; those that are not trusted are NaN in the cloud."""
        points, colors = cloud_to_points(message)
        known = np.isfinite(points).all(axis=1)
        content = rr.Points3D(points[known], colors=colors[known], radii=_POINT_SIZE)
        return [Entry(Entity.POINTS, content, self._time(message.header))]

    def occupancy(self, message: OccupancyGrid) -> list[Entry]:
        """What is known of the floor, in RViz's colours."""
        info = message.info
        if len(message.data) != info.width * info.height:
            raise MessageError(
                f"an occupancy grid of {info.width} x {info.height} cells holds {len(message.data)}"
            )
        if not info.resolution > 0:
            raise MessageError(f"an occupancy grid has cells of {info.resolution} m")
        cells = np.asarray(message.data, np.int8).reshape(info.height, info.width)
        origin = pose_to_matrix(info.origin)[:3, 3]
        q = info.origin.orientation
        content = rr.GridMap(
            # The first row of a grid lies nearest to its origin, that of a picture farthest.
            data=cells[::-1].tobytes(),
            format=rr.components.ImageFormat(
                width=info.width, height=info.height, color_model="L", channel_datatype="U8"
            ),
            cell_size=info.resolution,
            translation=origin,
            quaternion=rr.Quaternion(xyzw=[q.x, q.y, q.z, q.w]),
            colormap=rr.components.Colormap.RvizMap,
        )
        return [Entry(Entity.OCCUPANCY, content, self._time(message.header))]

    def plan(self, message: Path) -> list[Entry]:
        """The way to the goal; none clears it."""
        time = self._time(message.header)
        if not message.poses:
            return _cleared([Entity.PLAN], time)
        return [Entry(Entity.PLAN, _line(_positions(message.poses), _PLAN_COLOR), time)]

    def goal(self, message: PoseStamped) -> list[Entry]:
        """Where to stand at the end, and facing where."""
        T_map_goal = pose_to_matrix(message.pose)
        content = rr.Arrows3D(
            origins=[T_map_goal[:3, 3]],
            vectors=[T_map_goal[:3, 0] * _ARROW_LENGTH],
            colors=_GOAL_COLOR,
        )
        return [Entry(Entity.GOAL, content, self._time(message.header))]

    def hint(self, message: NavigationHint) -> list[Entry]:
        """The hint's sentence; and its target's name where it leads, or nothing more to follow."""
        time = self._time(message.header)
        known = message.turn != NavigationHint.UNKNOWN
        level = rr.TextLogLevel.INFO if known else rr.TextLogLevel.WARN
        text = f"{message.target}: {message.instruction}" if message.target else message.instruction
        entries = [Entry(Entity.HINTS, rr.TextLog(text, level=level), time)]
        if not message.goal.header.frame_id:
            return entries + _cleared(_GUIDANCE, time)
        position = pose_to_matrix(message.goal.pose)[:3, 3]
        content = rr.Points3D(
            [position],
            radii=_TARGET_RADIUS,
            colors=_TARGET_COLOR,
            labels=[_target_label(message)],
            show_labels=True,
        )
        return [*entries, Entry(Entity.TARGET, content, time)]

    def answer(self, message: SpatialAnswer) -> list[Entry]:
        """Question, answer and confidence."""
        text = f"{message.question}\n{message.answer} (confidence {message.confidence:.2f})"
        content = rr.TextLog(text, level=rr.TextLogLevel.INFO)
        return [Entry(Entity.ANSWERS, content, self._time(message.header))]

    def _time(self, header: Header) -> int:
        """Nanoseconds of a stamp; what comes without one belongs to the newest before."""
        nanoseconds = stamp_to_nanoseconds(header.stamp)
        self._newest = max(self._newest, nanoseconds)
        return nanoseconds or self._newest

    def _intrinsics(self, width: int, height: int) -> FloatArray:
        if self._camera_info is not None:
            matrix = intrinsics_from_camera_info(
                scale_camera_info(self._camera_info, width, height)
            )
            if matrix is not None:
                return matrix
        return default_intrinsics(width, height, self._field_of_view)


def default_intrinsics(width: int, height: int, field_of_view: float) -> FloatArray:
    """The `[3, 3]` camera matrix, pixels, of a pinhole with square pixels and a central axis."""
    focal = width / 2 / math.tan(field_of_view / 2)
    return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def blueprint() -> rrb.Blueprint:
    """How the window is laid out: the map, the camera's picture, and below it what was said."""
    recent = rrb.VisibleTimeRanges(
        timeline=TIMELINE,
        start=rr.TimeRangeBoundary.cursor_relative(seconds=-_POINTS_SHOWN),
        end=rr.TimeRangeBoundary.cursor_relative(),
    )
    return rrb.Blueprint(
        rrb.Horizontal(
            rrb.Spatial3DView(origin=Entity.MAP, name="Map", overrides={Entity.POINTS: recent}),
            rrb.Vertical(
                rrb.Spatial2DView(origin=Entity.IMAGE, name="Camera"),
                rrb.TextLogView(
                    origin="/",
                    contents=[f"/{Entity.ANSWERS}", f"/{Entity.HINTS}"],
                    name="Answers and hints",
                ),
            ),
            column_shares=[2, 1],
        ),
        rrb.TimePanel(timeline=TIMELINE, play_state="following"),
        collapse_panels=True,
    )


def _cleared(entities: Sequence[Entity], nanoseconds: int) -> list[Entry]:
    return [Entry(entity, rr.Clear(recursive=False), nanoseconds) for entity in entities]


def _line(positions: FloatArray, color: tuple[int, int, int]) -> rr.LineStrips3D:
    return rr.LineStrips3D([positions], colors=color, radii=_LINE_RADIUS)


def _positions(poses: Sequence[PoseStamped]) -> FloatArray:
    """`[N, 3]` of those that are finite."""
    points = [each.pose.position for each in poses]
    positions = np.array([(p.x, p.y, p.z) for p in points], np.float64).reshape(-1, 3)
    return positions[np.isfinite(positions).all(axis=1)]


def _target_label(message: NavigationHint) -> str:
    if message.turn == NavigationHint.ARRIVED or not math.isfinite(message.distance):
        return message.target
    return f"{message.target}, {message.distance:.1f} m"
