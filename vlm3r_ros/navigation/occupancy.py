"""What is free, occupied and unknown on the floor, from accumulated pointmaps and poses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.floor import FloorEstimator, FloorSighting

UNKNOWN, FREE, DOUBTFUL, OCCUPIED = -1, 0, 50, 100
"""States of a cell, as `nav_msgs/OccupancyGrid` has them: a probability in percent, or -1."""

_GROWTH = 20  # cells by which a map grows beyond what it has to hold
_FLOOR_SHIFT = 0.03  # m by which the floor may turn out elsewhere before all is counted again
_FREE_NEIGHBOURS = 5  # of 8, that make an unknown cell free: pixels are far apart far away
_MOST_EVIDENCE = 10_000
_PLACE_SCATTER = 2.0  # of the spread of the floor, that things' distance from the camera has
_PLACE = 0.15  # m: what is that far off its place counts by half
_SCATTER = 2.5  # standard deviations of the floor's depth within which points are floor


class UpdateStatus(StrEnum):
    """What became of a keyframe."""

    UPDATED = "updated"
    CROPPED = "cropped"
    """Taken in; the map would have exceeded its bound and now covers less."""
    NO_POINTS = "no points"
    """Nothing finite, trusted and near enough in its pointmap."""
    NO_FLOOR = "no floor"
    """Kept until enough of the floor was seen to tell how high it is."""
    BAD_POSE = "bad pose"
    """Its pose is not 4x4 and finite."""


@dataclass(frozen=True)
class OccupancyConfig:
    """How evidence is weighed.

    Attributes:
        cell: side of a cell, metres.
        step_height: what ends lower above the floor is walked over, metres.
        headroom: what begins higher above the floor is walked under, metres.
        body_radius: around the camera the floor counts as free, metres: somebody stands there.
        max_range: points farther from the camera are left out, metres.
        min_confidence: points of less confidence are left out; confidences start at 1.
        min_points: points of a keyframe that make a cell occupied.
        occupied_share: of the keyframes that tell about a cell, how many have to find something
            there for it to count as occupied. Low: floor is often seen beneath what stands on it.
        scatter_share: how much larger a share is wanted where depth scatters, times the floor's
            spread: much seems to stand where nothing does. Cells between are doubtful.
        max_cells: bound of the map's size.
        max_keyframes: keyframes whose points are kept for when the floor turns out elsewhere.
        kept_points: of each such keyframe, at most.

    Raises:
        ValueError: a setting makes no sense.
    """

    cell: float = 0.05
    step_height: float = 0.08
    headroom: float = 1.8
    body_radius: float = 0.2
    max_range: float = 8.0
    min_confidence: float = 1.0
    min_points: int = 2
    occupied_share: float = 0.15
    scatter_share: float = 8.0
    max_cells: int = 640_000
    max_keyframes: int = 32
    kept_points: int = 20_000

    def __post_init__(self) -> None:
        for name in ("cell", "step_height", "headroom", "body_radius", "max_range"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)} m; it must be above 0")
        if self.max_cells < 400:
            raise ValueError(f"max_cells is {self.max_cells}; a map needs at least 400")
        if self.max_keyframes < 2:
            raise ValueError(f"max_keyframes is {self.max_keyframes}; keep at least 2")


@dataclass(frozen=True, eq=False)
class OccupancyGrid:
    """A map of the floor, row by row along map y, columns along map x.

    Attributes:
        state: `UNKNOWN`, `FREE`, `DOUBTFUL` or `OCCUPIED` `[H, W]` int8.
        cell: side of a cell, metres.
        origin: map x and y of the lower corner of cell `[0, 0]`, `[2]`, metres.
        floor_height: z of the floor in the map frame, metres; NaN where unknown.
    """

    state: NDArray[np.int8]
    cell: float
    origin: NDArray[np.float64]
    floor_height: float

    @property
    def all_unknown(self) -> bool:
        """Whether the map tells nothing."""
        return not (self.state != UNKNOWN).any()

    @property
    def margin(self) -> float:
        """Metres that what makes a cell occupied may be nearer than the cell's centre."""
        return self.cell / math.sqrt(2)

    def cells(self, points: ArrayLike) -> NDArray[np.int64]:
        """Row and column `[..., 2]` of the cells that map points `[..., 2]` lie in.

        They may lie outside the map.
        """
        scaled = (np.asarray(points, float) - self.origin) / self.cell
        return np.floor(scaled).astype(np.int64)[..., ::-1]

    def centers(self, cells: ArrayLike) -> NDArray[np.float64]:
        """Map x and y of places `[..., 2]` in rows and columns; whole numbers are centres."""
        return self.origin + (np.asarray(cells, float)[..., ::-1] + 0.5) * self.cell

    def clearance(self) -> NDArray[np.float32]:
        """Metres from each cell's centre to the nearest occupied cell's centre `[H, W]`."""
        return distances_to(self.state == OCCUPIED, self.cell)

    def inflated(self, radius: float) -> NDArray[np.bool_]:
        """Cells `[H, W]` where a body of `radius` metres would touch an occupied one."""
        return np.asarray(self.clearance() < radius + self.margin)


def distances_to(cells: NDArray[np.bool_], side: float) -> NDArray[np.float32]:
    """Metres from each cell's centre to the nearest centre of those cells `[H, W]`.

    Args:
        cells: `[H, W]`; where there are none, all distances are infinite.
        side: of a cell, metres.
    """
    if not cells.any():
        return np.full(cells.shape, np.inf, np.float32)
    others = (~cells).astype(np.uint8)
    distance = cv2.distanceTransform(others, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance * np.float32(side))


@dataclass(frozen=True, eq=False)
class _KeptKeyframe:
    points: NDArray[np.float32]
    camera: NDArray[np.float64]
    floor: FloorSighting | None


class OccupancyMap:
    """Counts evidence for free and occupied cells, keyframe by keyframe.

    A keyframe says "free" of a cell where it sees floor and nothing above, "occupied" where it sees
    something between `step_height` and `headroom`. Memory is bounded by the settings.
    """

    def __init__(self, config: OccupancyConfig | None = None) -> None:
        self.config = config or OccupancyConfig()
        self.clear()

    def clear(self) -> None:
        """Forgets everything: a new session is a new map."""
        self._floor = FloorEstimator()
        self._marked_floor: float | None = None
        self._keyframes: list[_KeptKeyframe] = []
        self._forget_cells()

    @property
    def floor_height(self) -> float | None:
        """Height (map z) of the floor, metres; None until enough of it was seen."""
        return self._marked_floor

    def update(
        self,
        points: NDArray[np.floating],
        T_map_camera: ArrayLike,
        confidence: NDArray[np.floating] | None = None,
        path: ArrayLike | None = None,
    ) -> UpdateStatus:
        """Takes in a keyframe.

        Args:
            points: pointmap in the map frame `[..., 3]`, metres; NaN and infinity are left out.
            T_map_camera: pose of the camera's optical frame `[4, 4]`.
            confidence: of the points `[...]`, from 1 up.
            path: map x and y `[K, 2]` that a map which has to be cropped should still cover.
        """
        pose = np.asarray(T_map_camera, float)
        if pose.shape != (4, 4) or not np.isfinite(pose).all():
            return UpdateStatus.BAD_POSE
        camera = pose[:3, 3]
        cloud = self._usable(points, confidence, camera)
        if not len(cloud):
            return UpdateStatus.NO_POINTS
        sighting = self._floor.add(cloud, float(camera[2]))
        keyframe = _KeptKeyframe(cloud, camera.copy(), sighting)
        self._keep(keyframe)
        floor = self._floor.height
        if floor is None:
            return UpdateStatus.NO_FLOOR
        cropped = False
        if self._marked_floor is None or abs(floor - self._marked_floor) > _FLOOR_SHIFT:
            self._marked_floor = floor
            self._forget_cells()
            for kept in self._keyframes[:-1]:
                cropped |= self._mark(kept, path)
        cropped |= self._mark(keyframe, path)
        return UpdateStatus.CROPPED if cropped else UpdateStatus.UPDATED

    def grid(self) -> OccupancyGrid:
        """The map as it is now."""
        told = self._free + self._occupied
        state = np.where(told > 0, FREE, UNKNOWN).astype(np.int8)
        share = self._occupied / np.maximum(told, 1e-6)
        least = self.config.occupied_share
        state[(share > 0) & (share >= least)] = DOUBTFUL
        sure = min(least + self.config.scatter_share * self._floor.spread, 1.0)
        state[(share > 0) & (share >= sure)] = OCCUPIED
        if state.size:
            free = (state == FREE).astype(np.uint8)
            around = cv2.boxFilter(
                free, cv2.CV_8U, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT
            )
            state[(state == UNKNOWN) & (around >= _FREE_NEIGHBOURS)] = FREE
        floor = np.nan if self._marked_floor is None else self._marked_floor
        origin = self._corner.astype(np.float64) * self.config.cell
        return OccupancyGrid(state, self.config.cell, origin, floor)

    def _forget_cells(self) -> None:
        self._corner = np.zeros(2, np.int64)  # x and y of cell [0, 0], in cells
        self._free = np.zeros((0, 0), np.float32)
        self._occupied = np.zeros((0, 0), np.float32)

    def _usable(
        self,
        points: NDArray[np.floating],
        confidence: NDArray[np.floating] | None,
        camera: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Finite, trusted, near points `[N, 3]`."""
        cloud = np.asarray(points, np.float32).reshape(-1, 3)
        away = cloud[:, :2] - camera[:2].astype(np.float32)
        # NaN compares false.
        usable = np.square(away).sum(1) <= self.config.max_range**2
        usable &= np.isfinite(cloud[:, 2])
        if confidence is not None:
            trust = np.asarray(confidence, np.float32).reshape(-1)
            usable &= trust >= self.config.min_confidence
        return cloud[usable]

    def _keep(self, keyframe: _KeptKeyframe) -> None:
        """Keeps a keyframe's points, thinned, for the time when the floor turns out elsewhere."""
        step = -(-len(keyframe.points) // self.config.kept_points)
        self._keyframes.append(replace(keyframe, points=keyframe.points[::step].copy()))
        if len(self._keyframes) > self.config.max_keyframes:
            del self._keyframes[1::2]

    def _mark(self, keyframe: _KeptKeyframe, path: ArrayLike | None) -> bool:
        """Counts what a keyframe tells; returns whether the map had to be cropped."""
        config = self.config
        assert self._marked_floor is not None
        floor, solid = self._sorted(keyframe)
        body = self._body_cells(keyframe.camera)
        cropped = self._make_room(np.concatenate([floor, solid, body]), keyframe.camera, path)
        occupied = self._count(solid) >= config.min_points
        free = (self._count(floor) > 0) & ~occupied
        free |= (self._count(body) > 0) & ~occupied
        weight = self._weights(keyframe.camera)
        self._occupied += occupied * weight
        self._free += free * weight
        if max(self._occupied.max(), self._free.max()) > _MOST_EVIDENCE:
            # What was found long ago counts less.
            self._occupied /= 2
            self._free /= 2
        return cropped

    def _sorted(self, keyframe: _KeptKeyframe) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cells `[N, 2]` where a keyframe's points show floor, and where something stands on it.

        Rays that end at the floor, but for what depth scatters, meet it where they cross its plane:
        that is known from the camera alone.
        """
        config, camera = self.config, keyframe.camera
        assert self._marked_floor is not None
        camera_height = float(camera[2]) - self._marked_floor
        rays = keyframe.points - camera.astype(np.float32)
        rays *= np.float32(self._floor.scale(keyframe.floor, float(camera[2])))
        height = rays[:, 2] + np.float32(camera_height)
        scatter = _SCATTER * self._floor.spread * camera_height
        step = max(config.step_height, scatter)
        low = np.abs(height) < step
        # What is hardly below the camera would meet the floor anywhere.
        meeting = (np.abs(height) < scatter) & (rays[:, 2] < -camera_height / 2)
        stretch = np.where(
            meeting, np.float32(-camera_height) / np.where(meeting, rays[:, 2], 1), 1
        )
        floor = (rays[:, :2] * stretch[:, None])[low]
        solid = rays[(height >= step) & (height < config.headroom), :2]
        return self._cells(floor, camera), self._cells(solid, camera)

    def _cells(self, rays: NDArray[np.float32], camera: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cells `[N, 2]` (x, y) that rays `[N, 2]` from a camera lead to."""
        places = camera[:2].astype(np.float32) + rays
        return np.floor(places / np.float32(self.config.cell)).astype(np.int64)

    def _weights(self, camera: NDArray[np.float64]) -> NDArray[np.float32]:
        """How much what is seen from a camera counts in each cell `[H, W]`: less from afar."""
        height, width = self._free.shape
        here = camera[:2] / self.config.cell - self._corner - 0.5
        x, y = np.arange(width) - here[0], np.arange(height) - here[1]
        away = np.hypot(x, y[:, None]) * self.config.cell
        error = _PLACE_SCATTER * self._floor.spread * away
        return (1 / (1 + np.square(error / _PLACE))).astype(np.float32)

    def _count(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of the cells `[N, 2]` (x, y) are which of the map's `[H, W]`."""
        height, width = self._free.shape
        column, row = (cells - self._corner).T
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        flat = row[inside] * width + column[inside]
        return np.bincount(flat, minlength=height * width).reshape(height, width)

    def _body_cells(self, camera: NDArray[np.float64]) -> NDArray[np.int64]:
        reach = int(np.ceil(self.config.body_radius / self.config.cell))
        offsets = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
        cells = np.floor(camera[:2] / self.config.cell).astype(np.int64) + offsets
        away = (cells + 0.5) * self.config.cell - camera[:2]
        return cells[np.hypot(*away.T) <= self.config.body_radius]

    def _make_room(
        self, cells: NDArray[np.int64], camera: NDArray[np.float64], path: ArrayLike | None
    ) -> bool:
        """Grows the map so that it holds the cells; returns whether it had to be cropped."""
        low, high = cells.min(0), cells.max(0) + 1
        height, width = self._free.shape
        old_low, old_high = self._corner, self._corner + np.array([width, height])
        if self._free.size:
            if (low >= old_low).all() and (high <= old_high).all():
                return False
            low = np.where(low < old_low, low - _GROWTH, old_low)
            high = np.where(high > old_high, high + _GROWTH, old_high)
        else:
            low, high = low - _GROWTH, high + _GROWTH
        cropped = bool(np.prod(high - low) > self.config.max_cells)
        if cropped:
            low, high = self._cropped(low, high, camera, path)
        self._free = _moved(self._free, old_low, low, high)
        self._occupied = _moved(self._occupied, old_low, low, high)
        self._corner = low
        return cropped

    def _cropped(
        self,
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        camera: NDArray[np.float64],
        path: ArrayLike | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The part of a window that camera and path need, within the bound."""
        side = int(np.sqrt(self.config.max_cells))
        here = np.floor(camera[:2] / self.config.cell).astype(np.int64)
        needed_low = needed_high = here
        if path is not None:
            places = np.asarray(path, float).reshape(-1, 2)
            places = places[np.isfinite(places).all(1)]
            if len(places):
                on_way = np.floor(places / self.config.cell).astype(np.int64)
                needed_low = np.minimum(here, on_way.min(0))
                needed_high = np.maximum(here, on_way.max(0))
        middle = (needed_low + needed_high) // 2
        # Where even the way is too long, what is near the camera counts.
        middle = np.where(needed_high - needed_low < side, middle, here)
        start = np.clip(middle - side // 2, low, np.maximum(low, high - side))
        start = np.clip(start, here - side + 1, here)
        return start, start + side


def _moved(
    counts: NDArray[np.float32],
    old_low: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Counts in a window from `low` to `high` (x, y), of those that begin at `old_low`."""
    width, height = (high - low).tolist()
    moved = np.zeros((height, width), np.float32)
    old_high = old_low + counts.shape[::-1]
    first, last = np.maximum(low, old_low), np.minimum(high, old_high)
    if counts.size and (first < last).all():
        (x0, y0), (x1, y1) = first - low, last - low
        (u0, v0), (u1, v1) = first - old_low, last - old_low
        moved[y0:y1, x0:x1] = counts[v0:v1, u0:u1]
    return moved
