"""Where a walker's knowledge of pose and place comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.target import Target, nearest_of
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.world import World

_SEEN_PIXELS = 40  # of 160 x 120 that make an object seen


@dataclass(frozen=True, eq=False)
class Sighting:
    """What a source makes of a frame.

    Attributes:
        T_map_camera: where it takes the camera to be `[4, 4]`.
        points: pointmap in its map `[H, W, 3]`, metres.
        confidence: of the points `[H, W]`; None where there is none.
        session_id: of its map.
    """

    T_map_camera: FloatArray
    points: NDArray[np.float32]
    confidence: NDArray[np.float32] | None
    session_id: str


class Source(Protocol):
    """Sees frames of one world, and is asked for places."""

    def look(self, T_world_camera: FloatArray, stamp: float) -> Sighting:
        """Takes in the frame that a camera takes at a place."""
        ...

    def locate(self, name: str, T_map_camera: ArrayLike) -> Target:
        """The nearest object of a name, in the source's map."""
        ...


class TruthSource:
    """Rendered depth, true poses, and the true places of what was seen; its map is the world.

    Args:
        world: what there is.
        intrinsics: of the camera.
    """

    def __init__(self, world: World, intrinsics: Intrinsics) -> None:
        self._world = world
        self._intrinsics = intrinsics
        self._rays = pixel_rays(intrinsics)
        self._pixels = np.zeros(len(world.objects), np.int64)

    @property
    def seen(self) -> NDArray[np.intp]:
        """Objects seen so far: their instance ids."""
        share = self._intrinsics.width * self._intrinsics.height / (160 * 120)
        return np.flatnonzero(self._pixels >= _SEEN_PIXELS * share)

    def look(self, T_world_camera: FloatArray, stamp: float) -> Sighting:
        """Renders depth."""
        view = render(self._world, self._intrinsics, T_world_camera, color=False)
        shown = view.instance[view.instance >= 0]
        counts = np.bincount(shown, minlength=len(self._pixels))
        self._pixels = np.maximum(self._pixels, counts)
        pose = np.asarray(T_world_camera, np.float32)
        points = (self._rays * view.depth[..., None]) @ pose[:3, :3].T + pose[:3, 3]
        return Sighting(T_world_camera, points.astype(np.float32), None, self._world.id.name)

    def locate(self, name: str, T_map_camera: ArrayLike) -> Target:
        """The nearest seen object of a name; its radius is that of the circle within its base."""
        boxes = [
            self._world.objects[index].box
            for index in self.seen.tolist()
            if self._world.objects[index].category == name
        ]
        positions = np.array([box.centroid for box in boxes]).reshape(-1, 3)
        radii = np.array([min(box.high[:2] - box.low[:2]) / 2 for box in boxes])
        return nearest_of(name, positions, radii, np.ones(len(boxes)), T_map_camera)


def pixel_rays(intrinsics: Intrinsics) -> NDArray[np.float32]:
    """Points at depth 1 behind each pixel, camera's optical frame `[H, W, 3]`."""
    x = (np.arange(intrinsics.width) - intrinsics.cx) / intrinsics.fx
    y = (np.arange(intrinsics.height) - intrinsics.cy) / intrinsics.fy
    rays = np.ones((intrinsics.height, intrinsics.width, 3), np.float32)
    rays[..., 0], rays[..., 1] = np.meshgrid(x, y)
    return rays
