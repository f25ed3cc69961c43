"""Small rendered worlds with known geometry."""

from vlm3r_ros.worlds.path import look_at, walk
from vlm3r_ros.worlds.room import Box, Camera, Room, Surface, View, living_room, render

__all__ = [
    "Box",
    "Camera",
    "Room",
    "Surface",
    "View",
    "living_room",
    "look_at",
    "render",
    "walk",
]
