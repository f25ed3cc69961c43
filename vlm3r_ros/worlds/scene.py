"""The scene schema: what questions are made from, whatever data set a scene is of.

It holds what the published metadata files hold (see `worlds.metadata`) and, where a scene was
rendered by us, what only a renderer knows: how much of an object is seen, and where the floor is.

World frame: metres, z up. Camera frames are optical: x right, y down, z forward (REP-103).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox

FrameId = int | str


@dataclass(frozen=True, eq=False)
class SceneObject:
    """A thing with a name and a place.

    Attributes:
        category: as questions call it, lower case.
        box: its tight box.
        instance_id: what frames call it by; None where a data set does not tell.
    """

    category: str
    box: OrientedBox
    instance_id: int | None = None


@dataclass(frozen=True)
class VisibleObject:
    """What is seen of an object in one frame.

    Attributes:
        instance_id: of a `SceneObject`, or of something that is not listed (a wall).
        bbox: `(xmin, ymin, xmax, ymax)` of its pixels, inclusive.
        pixels: how many of the image's pixels show it; None where unknown.
        fraction: the share of its silhouette that is seen, neither hidden nor cut off by the
            image's edge, in [0, 1]; None where unknown.
    """

    instance_id: int
    bbox: tuple[int, int, int, int]
    pixels: int | None = None
    fraction: float | None = None


@dataclass(frozen=True, eq=False)
class SceneFrame:
    """One of the frames that a model is shown.

    Attributes:
        frame_id: index in the video (int), or the data set's own name of the image.
        T_world_camera: camera to world `[4, 4]`, optical frame; may hold NaN or inf where the data
            set lost track (`has_pose`).
        visible: what is seen in it, in the order of the metadata.
        time: seconds from the beginning of the video; None where unknown.
        color_path, depth_path: files as the metadata name them; empty where there are none.
    """

    frame_id: FrameId
    T_world_camera: FloatArray
    visible: tuple[VisibleObject, ...] = ()
    time: float | None = None
    color_path: str = ""
    depth_path: str = ""

    @property
    def has_pose(self) -> bool:
        """Whether the pose is 4x4 and finite."""
        return self.T_world_camera.shape == (4, 4) and bool(np.isfinite(self.T_world_camera).all())

    @property
    def camera_center(self) -> FloatArray:
        """Where the camera is, world frame `[3]`."""
        return self.T_world_camera[:3, 3]


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera in pixels, pixel centres at whole numbers."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def matrix(self) -> FloatArray:
        """`[3, 3]`."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def resized(self, width: int, height: int) -> Intrinsics:
        """The camera whose images are these, stretched or squashed to `width` x `height` pixels."""
        across, down = width / self.width, height / self.height
        return Intrinsics(
            self.fx * across,
            self.fy * down,
            (self.cx + 0.5) * across - 0.5,
            (self.cy + 0.5) * down - 0.5,
            width,
            height,
        )


@dataclass(frozen=True, eq=False)
class FloorPlan:
    """Where one can walk, apart from furniture.

    Attributes:
        rooms: outline of each room's floor, counter-clockwise, world x and y `[K, 2]`, metres.
        passages: rectangles `[4, 2]` through the walls that join rooms.
    """

    rooms: tuple[FloatArray, ...]
    passages: tuple[FloatArray, ...] = ()


@dataclass(frozen=True, eq=False)
class Scene:
    """A filmed place.

    Attributes:
        name: unique within its data set.
        dataset: spelled as in the metadata (`scannet`, `ScanNetpp`, `ARkitScenes`, `rooms`).
        split: `train`, `val`, `test`; empty where the data set does not say.
        video_path: as written into questions, relative to the folder of videos.
        room_size: floor area in square metres.
        room_center: middle of everything, world frame `[3]`.
        objects: grouped by category, in the key order of the metadata.
        object_counts: instances by category, in key order. Published files list some boxes twice,
            so these are the counts to go by, not those of `objects`.
        frames: sorted by frame id; usually 32.
        intrinsics: of the frames; None where unknown.
        floor_plan: None where unknown.
    """

    name: str
    dataset: str
    split: str
    video_path: str
    room_size: float
    room_center: FloatArray
    objects: tuple[SceneObject, ...]
    object_counts: Mapping[str, int]
    frames: tuple[SceneFrame, ...] = ()
    intrinsics: Intrinsics | None = None
    floor_plan: FloorPlan | None = None
    _by_category: dict[str, tuple[SceneObject, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        grouped: dict[str, list[SceneObject]] = {name: [] for name in self.object_counts}
        for item in self.objects:
            grouped.setdefault(item.category, []).append(item)
        object.__setattr__(
            self, "_by_category", {name: tuple(items) for name, items in grouped.items()}
        )

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of what is there, in key order."""
        return tuple(self._by_category)

    def of_category(self, category: str) -> tuple[SceneObject, ...]:
        """All objects of a category; empty for one that nobody has."""
        return self._by_category.get(category, ())
