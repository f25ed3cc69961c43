"""What a tracker knows of a camera that is fixed to a robot."""

from __future__ import annotations

from vlm3r_ros.assistant.tracking import GeometryTracker
from vlm3r_ros.worlds.boxes import FloatArray


def mount(tracker: GeometryTracker, T_world_camera: FloatArray) -> None:
    """Tells which way is up in the session's first camera, and how high it is above the floor.

    Args:
        tracker: before its session's first frame.
        T_world_camera: true pose of that frame's camera `[4, 4]`, in a world whose floor is at 0.
    """
    tracker.set_gravity(-T_world_camera[2, :3])
    tracker.set_camera_height(float(T_world_camera[2, 3]))
