"""Hints and the map of the floor as ROS messages."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from nav_msgs.msg import MapMetaData, Path
from nav_msgs.msg import OccupancyGrid as OccupancyGridMessage
from numpy.typing import NDArray
from std_msgs.msg import Header

from vlm3r_ros.msg import NavigationHint as HintMessage
from vlm3r_ros.navigation.hint import NavigationHint
from vlm3r_ros.navigation.occupancy import OccupancyGrid


def hint_to_message(hint: NavigationHint, header: Header) -> HintMessage:
    """The message of a hint.

    Args:
        hint: in the map.
        header: stamp of the frame that it rests on, and the map frame.
    """
    message = HintMessage(
        header=header,
        target=hint.target,
        status=hint.status.value,
        turn=int(hint.turn),
        bearing=float(hint.bearing),
        distance=float(hint.distance),
        path=path_to_message(hint.path, header),
        instruction=hint.instruction,
        confidence=float(hint.confidence),
    )
    if hint.goal is not None:
        message.goal = PoseStamped(
            header=header, pose=floor_pose(hint.goal.position, hint.goal.yaw)
        )
    return message


def path_to_message(path: NDArray[np.float64], header: Header) -> Path:
    """A way `[K, 3]` whose poses look along it; heights that are not known become 0."""
    places = np.nan_to_num(path, nan=0.0)
    if not len(places):
        return Path(header=header)
    steps = np.diff(places[:, :2], axis=0)
    yaws = np.arctan2(steps[:, 1], steps[:, 0])
    yaws = np.append(yaws, yaws[-1] if len(yaws) else 0.0)
    poses = [
        PoseStamped(header=header, pose=floor_pose(place, yaw))
        for place, yaw in zip(places, yaws.tolist(), strict=True)
    ]
    return Path(header=header, poses=poses)


def floor_pose(position: NDArray[np.float64], yaw: float) -> Pose:
    """A pose on the floor that looks along `yaw` (rad from map x); an unknown height becomes 0."""
    x, y, z = (float(each) for each in np.nan_to_num(position, nan=0.0))
    orientation = Quaternion(z=math.sin(yaw / 2), w=math.cos(yaw / 2))
    return Pose(position=Point(x=x, y=y, z=z), orientation=orientation)


def grid_to_message(grid: OccupancyGrid, header: Header) -> OccupancyGridMessage:
    """The map of the floor; it lies at the floor's height, or at 0 where that is not known."""
    height, width = grid.state.shape
    x, y = (float(each) for each in grid.origin)
    z = float(np.nan_to_num(grid.floor_height, nan=0.0))
    info = MapMetaData(
        map_load_time=Time(sec=header.stamp.sec, nanosec=header.stamp.nanosec),
        resolution=grid.cell,
        width=width,
        height=height,
        origin=Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(w=1.0)),
    )
    message = OccupancyGridMessage(header=header, info=info)
    message.data.frombytes(np.ascontiguousarray(grid.state).view(np.uint8))
    return message


def message_to_grid(message: OccupancyGridMessage) -> OccupancyGrid:
    """What `grid_to_message` made a message of."""
    info = message.info
    state = np.array(message.data, np.int8).reshape(info.height, info.width)
    position = info.origin.position
    origin = np.array([position.x, position.y])
    return OccupancyGrid(state, float(info.resolution), origin, float(position.z))
