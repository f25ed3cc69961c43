"""Where a person or a robot can stand, and how to get from here to there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.grid_path import grid_path, tightened
from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox
from vlm3r_ros.worlds.scene import FloorPlan, Scene
from vlm3r_ros.worlds.skipping import SceneError

HEADROOM = 1.8
"""Metres above the floor; what begins higher can be walked under."""

STEP_HEIGHT = 0.05
"""Metres above the floor; what ends lower is walked over: carpets, door sills."""

_MAX_CELLS = 16_000_000
# Of the lower ends of all boxes, where no plan says how high the floor is: a few may be wrong.
_FLOOR_PERCENTILE = 10
# Rooms and the passage between them may miss each other by a rounding error.
_SEAM = 1e-3
# OpenCV draws polygons with this many binary digits behind the point.
_SUBPIXEL_BITS = 8


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """A map of the floor: rows along world y, columns along world x, as in an OccupancyGrid.

    Attributes:
        scene: name of the scene it is of.
        radius: of the body that is to stand there, metres.
        cell: side of a cell, metres.
        origin: world x and y of the centre of cell `[0, 0]`, `[2]`.
        distance: from a cell's centre to the nearest wall or obstacle, metres, good to half a
            cell; 0 within them `[H, W]` float32.
        component: 0 where the body cannot stand, else the number of the region that the cell is
            of: 1 is the largest; there is no way from one region to another `[H, W]` int32.
        outlines: closed lines around the floor and around each obstacle, world x and y `[K, 2]`.
    """

    scene: str
    radius: float
    cell: float
    origin: FloatArray
    distance: NDArray[np.float32]
    component: NDArray[np.int32]
    outlines: tuple[FloatArray, ...]

    @classmethod
    def of(
        cls, scene: Scene, *, radius: float = 0.2, cell: float = 0.05, headroom: float = HEADROOM
    ) -> FreeSpace:
        """Map a scene.

        Without a floor plan, the floor is taken to be the convex hull of the places where the
        camera was and of what stands there.

        Args:
            scene: what to map.
            radius: of the body that is to stand there, metres.
            cell: side of a cell, metres.
            headroom: what begins higher above the floor is no obstacle, metres.

        Raises:
            SceneError: nothing tells where the floor is, or it is absurdly large.
        """
        if scene.floor_plan:
            floor = floor_area(scene.floor_plan)
        else:
            # Where somebody held the camera, a body fits.
            floor = _guess_floor(scene, radius + cell)
        if floor.is_empty or not np.isfinite(floor.bounds).all():
            raise SceneError(
                scene.name,
                "objects",
                "without a floor plan, posed frames or objects nothing tells where the floor is",
            )
        low, high = np.reshape(floor.bounds, (2, 2))
        # One ring of cells around everything is never free, so that walks need no bounds check.
        width, height = np.ceil((high - low) / cell).astype(np.int64) + 3
        if width * height > _MAX_CELLS:
            raise SceneError(
                scene.name,
                "objects",
                f"span {high[0] - low[0]:.0f} x {high[1] - low[1]:.0f} m; are they in metres?",
            )
        origin = low - cell
        rings = _rings(floor)
        obstacles = _obstacles(scene, headroom)
        open_floor = np.zeros((height, width), np.uint8)
        pixels = [_to_pixels(ring, origin, cell) for ring in rings]
        cv2.fillPoly(open_floor, pixels, 1, shift=_SUBPIXEL_BITS)
        # The outline itself is wall: both it and obstacles are then drawn half a cell too wide,
        # which makes the distance between cell centres unbiased.
        cv2.polylines(open_floor, pixels, True, 0, shift=_SUBPIXEL_BITS)
        for outline in obstacles:
            cv2.fillPoly(open_floor, [_to_pixels(outline, origin, cell)], 0, shift=_SUBPIXEL_BITS)
        distance = cv2.distanceTransform(open_floor, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * cell
        component = _components(distance >= radius)
        return cls(scene.name, radius, cell, origin, distance, component, (*rings, *obstacles))

    @property
    def standable(self) -> NDArray[np.bool_]:
        """Where the body can stand, `[H, W]`."""
        return self.component > 0

    def cells(self, points: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of the cells that world points `[..., 2]` lie in, brought into the map."""
        nearest = np.rint((np.asarray(points, float) - self.origin) / self.cell).astype(np.intp)
        height, width = self.component.shape
        return np.clip(nearest[..., 1], 0, height - 1), np.clip(nearest[..., 0], 0, width - 1)

    def contains(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Whether the body can stand at world points `[..., 2]`: `[...]`."""
        return np.asarray(self.component[self.cells(points)] > 0)

    def clearance(self, points: ArrayLike) -> FloatArray:
        """Exact metres from world points `[..., 2]` to the nearest wall or obstacle: `[...]`.

        0 within an obstacle and outside the rooms. `distance` holds the same for whole cells.
        """
        exact = shapely.distance(self._lines, shapely.points(np.asarray(points, float)))
        return np.where(self.distance[self.cells(points)] > 0, exact, 0.0)

    def nearest(self, point: ArrayLike) -> FloatArray | None:
        """The place in the largest region that is nearest to a world point `[2]`: `[2]`.

        This is where to stop on the way to an object. None where the body can stand nowhere.
        """
        if self.contains(point) and self.component[self.cells(point)] == 1:
            return np.array(point, float)
        places = self._region
        if not len(places):
            return None
        return np.asarray(places[np.square(places - np.asarray(point, float)).sum(1).argmin()])

    def random_places(self, generator: np.random.Generator, count: int) -> FloatArray:
        """Places in the largest region, uniform over it: world x and y `[count, 2]`.

        Raises:
            SceneError: the body can stand nowhere.
        """
        region = self._region
        if not len(region):
            raise SceneError(
                self.scene, "objects", f"leave no room for a body of {self.radius:.2f} m radius"
            )
        chosen = region[generator.integers(len(region), size=count)]
        # Kept off the cell's border, which rounding might take to the neighbour.
        return chosen + self.cell * generator.uniform(-0.49, 0.49, (count, 2))

    def random_place(self, generator: np.random.Generator) -> FloatArray:
        """One of `random_places`, `[2]`.

        Raises:
            SceneError: the body can stand nowhere.
        """
        return self.random_places(generator, 1)[0]

    def line_clearance(self, starts: ArrayLike, ends: ArrayLike) -> FloatArray:
        """Exact metres from straight lines to the nearest wall or obstacle.

        Args:
            starts: world points `[..., 2]`.
            ends: world points `[..., 2]`.

        Returns:
            `[...]`; 0 where a line meets one.
        """
        ends = np.broadcast_arrays(np.asarray(starts, float), np.asarray(ends, float))
        exact = shapely.distance(self._lines, shapely.linestrings(np.stack(ends, -2)))
        return np.where(self.distance[self.cells(starts)] > 0, exact, 0.0)

    def shortest_path(self, start: ArrayLike, goal: ArrayLike) -> FloatArray | None:
        """The shortest way, as corners with straight lines between them.

        Args:
            start: world x and y `[2]`.
            goal: world x and y `[2]`.

        Returns:
            World x and y `[K, 2]` from start to goal, K >= 2; None where there is no way, or where
            the body cannot stand at one of its ends (see `nearest`).
        """
        ends = np.array([start, goal], float)
        rows, columns = self.cells(ends)
        regions = self.component[rows, columns]
        if regions.min() == 0 or regions[0] != regions[1]:
            return None
        free = self.standable
        cells = grid_path(free, (rows[0], columns[0]), (rows[1], columns[1]))
        way = np.concatenate([self._to_grid(ends[:1]), cells, self._to_grid(ends[1:])])
        way = tightened(free, way)
        corners = way[:, ::-1] * self.cell + self.origin
        corners[0], corners[-1] = ends
        return np.asarray(corners)

    @cached_property
    def _region(self) -> FloatArray:
        """Centres of all cells of the largest region, `[K, 2]`."""
        return self._centres(np.flatnonzero(self.component == 1))

    @cached_property
    def _lines(self) -> shapely.Geometry:
        # As lines rather than rings: a box without thickness has an outline of two points.
        return shapely.multilinestrings(
            [shapely.linestrings(np.concatenate([line, line[:1]])) for line in self.outlines]
        )

    def _to_grid(self, points: FloatArray) -> FloatArray:
        return ((points - self.origin) / self.cell)[..., ::-1].copy()

    def _centres(self, flat: NDArray[np.intp]) -> FloatArray:
        rows, columns = np.divmod(flat, self.component.shape[1])
        return self.origin + self.cell * np.stack([columns, rows], -1)


def floor_area(plan: FloorPlan) -> shapely.Geometry:
    """All floors and the passages that join them, world x and y."""
    parts = [shapely.Polygon(room) for room in plan.rooms]
    if len(parts) == 1:
        return parts[0]
    parts += [shapely.convex_hull(shapely.MultiPoint(passage)) for passage in plan.passages]
    grown = shapely.union_all([part.buffer(_SEAM, join_style="mitre") for part in parts])
    return grown.buffer(-_SEAM, join_style="mitre")


def footprint(box: OrientedBox) -> FloatArray:
    """Outline of a box seen from above: convex, world x and y `[K, 2]`."""
    return _outline(box.corners()[:, :2])


def _outline(points: FloatArray) -> FloatArray:
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], float)


def _obstacles(scene: Scene, headroom: float) -> list[FloatArray]:
    """Outlines of what is in a walking body's way."""
    if not scene.objects:
        return []
    corners = np.stack([item.box.corners() for item in scene.objects])
    low, high = corners[..., 2].min(1), corners[..., 2].max(1)
    floor = 0.0 if scene.floor_plan else np.percentile(low, _FLOOR_PERCENTILE)
    blocking = (low < floor + headroom) & (high > floor + STEP_HEIGHT)
    return [_outline(points) for points in corners[blocking, :, :2]]


def _guess_floor(scene: Scene, reach: float) -> shapely.Geometry:
    """Floor that lies within `reach` of where the camera was, or between such places and things."""
    places = [frame.camera_center[:2] for frame in scene.frames if frame.has_pose]
    corners = [point for item in scene.objects for point in footprint(item.box)]
    stood = shapely.MultiPoint(np.reshape(places, (-1, 2))).buffer(reach)
    furnished = shapely.MultiPoint(np.reshape(corners, (-1, 2))).buffer(_SEAM)
    return shapely.convex_hull(shapely.union(stood, furnished))


def _rings(area: shapely.Geometry) -> list[FloatArray]:
    return [
        shapely.get_coordinates(ring)
        for polygon in shapely.get_parts(area)
        for ring in (polygon.exterior, *polygon.interiors)
    ]


def _to_pixels(outline: FloatArray, origin: FloatArray, cell: float) -> NDArray[np.int32]:
    return np.rint((outline - origin) / cell * 2**_SUBPIXEL_BITS).astype(np.int32)


def _components(standable: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the regions of free cells by size, the largest 1."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        standable.astype(np.uint8), connectivity=4
    )
    rank = np.zeros(len(stats), np.int32)  # of the background, label 0, it stays 0
    rank[1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")] = np.arange(1, len(stats))
    return np.asarray(rank[labels])
