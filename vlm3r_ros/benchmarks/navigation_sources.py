"""Where a walker's knowledge of pose and place comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.navigator import Navigator
from vlm3r_ros.navigation.target import Target, nearest_of
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.world import World

_SEEN_PIXELS = 40  # of 160 x 120 that make an object seen


class Witness:
    """Knows what a camera has truly seen of a world.

    Args:
        world: what there is.
        intrinsics: of the camera.
    """

    def __init__(self, world: World, intrinsics: Intrinsics) -> None:
        self.world = world
        self.intrinsics = intrinsics
        self._rays = pixel_rays(intrinsics)
        self._pixels = np.zeros(len(world.objects), np.int64)

    @property
    def seen(self) -> NDArray[np.intp]:
        """Objects seen so far: their instance ids."""
        share = self.intrinsics.width * self.intrinsics.height / (160 * 120)
        return np.flatnonzero(self._pixels >= _SEEN_PIXELS * share)

    def look(self, T_world_camera: FloatArray) -> NDArray[np.float32]:
        """Takes in a frame; returns its true pointmap in the world `[H, W, 3]`, metres."""
        view = render(self.world, self.intrinsics, T_world_camera, color=False)
        shown = view.instance[view.instance >= 0]
        counts = np.bincount(shown, minlength=len(self._pixels))
        self._pixels = np.maximum(self._pixels, counts)
        pose = np.asarray(T_world_camera, np.float32)
        points = (self._rays * view.depth[..., None]) @ pose[:3, :3].T + pose[:3, 3]
        return points.astype(np.float32)

    def locate(self, name: str, T_world_camera: ArrayLike) -> Target:
        """The nearest seen object of a name, in the world.

        Its radius is that of the circle within its base.
        """
        boxes = [
            self.world.objects[index].box
            for index in self.seen.tolist()
            if self.world.objects[index].category == name
        ]
        positions = np.array([box.centroid for box in boxes]).reshape(-1, 3)
        radii = np.array([min(box.high[:2] - box.low[:2]) / 2 for box in boxes])
        return nearest_of(name, positions, radii, np.ones(len(boxes)), T_world_camera)


class Source(Protocol):
    """Sees frames of one world, and is asked for places."""

    @property
    def navigator(self) -> Navigator:
        """What it makes of the frames."""
        ...

    @property
    def every_frame(self) -> bool:
        """Whether it has to see all frames of a motion, not only where it ends."""
        ...

    @property
    def T_map_world(self) -> FloatArray:  # noqa: N802
        """The true world in its map `[4, 4]`, as its first frame tells."""
        ...

    def look(self, T_world_camera: FloatArray, stamp: float) -> None:
        """Takes in the frame that a camera takes at a place."""
        ...

    def locate(self, name: str) -> Target:
        """The object of a name that is nearest to the newest frame's camera, in its map."""
        ...


SourceMaker = Callable[[Witness], Source]


class TruthSource:
    """Rendered depth, true poses, and the true places of what was seen; its map is the world.

    Args:
        witness: of the world.
    """

    every_frame = False

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self.navigator = Navigator()
        self.T_map_world: FloatArray = np.eye(4)

    def look(self, T_world_camera: FloatArray, stamp: float) -> None:
        """Renders depth."""
        points = self._witness.look(T_world_camera)
        self.navigator.observe(self._witness.world.id.name, stamp, T_world_camera, points)

    def locate(self, name: str) -> Target:
        """The nearest object of a name that was seen."""
        here = self.navigator.T_map_camera
        return self._witness.locate(name, np.eye(4) if here is None else here)


def pixel_rays(intrinsics: Intrinsics) -> NDArray[np.float32]:
    """Points at depth 1 behind each pixel, camera's optical frame `[H, W, 3]`."""
    x = (np.arange(intrinsics.width) - intrinsics.cx) / intrinsics.fx
    y = (np.arange(intrinsics.height) - intrinsics.cy) / intrinsics.fy
    rays = np.ones((intrinsics.height, intrinsics.width, 3), np.float32)
    rays[..., 0], rays[..., 1] = np.meshgrid(x, y)
    return rays
