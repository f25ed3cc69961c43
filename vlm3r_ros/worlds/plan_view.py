"""A world from above: walls, furniture with names, where one can stand, and the camera's way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Polygon, Wedge
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.camera_path import CameraPath
from vlm3r_ros.worlds.free_space import HEADROOM, FreeSpace, floor_area, footprint
from vlm3r_ros.worlds.scene import SceneObject
from vlm3r_ros.worlds.world import World

INK = "#22272e"
_WALL, _FLOOR, _FREE = "#3d444d", "#eceff1", "#d3ead8"
_WALL_THICKNESS = 0.1  # m
_KEY_HEIGHT = 0.06  # of the plan's longer side
_SIGHT = 0.55  # m: length of the wedges that show where the camera looks
_TIME_COLORS = "plasma"


def draw_plan(
    axes: Axes,
    world: World,
    path: CameraPath,
    shown: Sequence[int],
    colors: FloatArray,
    *,
    font_size: float = 6.5,
) -> None:
    """Draw the plan, x to the right and y up, metres.

    Args:
        axes: to draw into.
        world: what stands there.
        path: the camera's way.
        shown: frames whose view is drawn as a numbered wedge.
        colors: RGB by instance id `[N, 3]`.
        font_size: of names, points.
    """
    floor = floor_area(world.floor_plan)
    walls = floor.buffer(_WALL_THICKNESS, join_style="mitre")
    axes.add_patch(_patch(walls, _WALL, zorder=0))
    axes.add_patch(_patch(floor, _FLOOR, zorder=1))
    _draw_free_space(axes, world, floor)
    _draw_objects(axes, world.objects, colors)
    _draw_way(axes, path, shown)
    x0, y0, x1, y1 = walls.bounds
    key = _KEY_HEIGHT * max(x1 - x0, y1 - y0)
    axes.set(xlim=(x0, x1), ylim=(y0 - key, y1), aspect="equal")
    axes.axis("off")
    _draw_key(axes, x1, y0 - 0.55 * key)
    _name_objects(axes, world.objects, font_size)


def _draw_free_space(axes: Axes, world: World, floor: shapely.Geometry) -> None:
    free = FreeSpace.of(world.scene())
    height, width = free.component.shape
    low = free.origin - free.cell / 2
    high = low + free.cell * np.array([width, height])
    image = np.zeros((height, width, 4))
    image[..., :3] = to_rgb(_FREE)
    image[..., 3] = free.standable
    drawn = axes.imshow(
        image,
        origin="lower",
        extent=(low[0], high[0], low[1], high[1]),
        interpolation="bilinear",
        zorder=2,
    )
    drawn.set_clip_path(_patch(floor, "none", zorder=0, transform=axes.transData))


def _draw_objects(axes: Axes, objects: Sequence[SceneObject], colors: FloatArray) -> None:
    # What stands on something is seen on it.
    for item in sorted(objects, key=lambda item: item.box.low[2]):
        overhead = item.box.low[2] >= HEADROOM
        color = colors[item.instance_id or 0]
        axes.add_patch(
            Polygon(
                footprint(item.box),
                facecolor="none" if overhead else color,
                edgecolor=color * 0.55,
                linewidth=0.8,
                linestyle=":" if overhead else "-",
                zorder=3,
            )
        )


def _draw_way(axes: Axes, path: CameraPath, shown: Sequence[int]) -> None:
    way = path.T_world_camera[:, :2, 3]
    segments = np.stack([way[:-1], way[1:]], 1)
    line = LineCollection(
        list(segments), cmap=_TIME_COLORS, linewidth=2.2, capstyle="round", zorder=6
    )
    line.set_array(path.times[1:])
    axes.add_collection(line)
    camera = path.intrinsics
    half = np.degrees(np.arctan(camera.width / 2 / camera.fx))
    wedges = []
    for number, frame in enumerate(shown, 1):
        forward = path.T_world_camera[frame, :2, 2]
        yaw = np.degrees(np.arctan2(forward[1], forward[0]))
        wedges.append(Wedge(tuple(way[frame]), _SIGHT, yaw - half, yaw + half))
        axes.annotate(
            str(number),
            way[frame],
            ha="center",
            va="center_baseline",
            fontsize=7,
            color="white",
            weight="bold",
            zorder=9,
            bbox={"boxstyle": "circle,pad=0.18", "facecolor": INK, "edgecolor": "white"},
        )
    axes.add_collection(
        PatchCollection(wedges, facecolor="#22272e38", edgecolor=INK, linewidth=0.7, zorder=5)
    )


def _name_objects(axes: Axes, objects: Sequence[SceneObject], font_size: float) -> None:
    places = np.reshape([item.box.centroid[:2] for item in objects], (-1, 2))
    sizes = [float(np.prod(item.box.sides[:2])) for item in objects]
    order = np.argsort(sizes)[::-1]
    write_names(
        axes, places[order], [objects[k].category for k in order], font_size=font_size, zorder=8
    )


def write_names(
    axes: Axes, places: FloatArray, names: Sequence[str], *, font_size: float, zorder: float = 8
) -> None:
    """Write names near places `[N, 2]` (data coordinates) so that none lies on another.

    The first ones matter most: a later one moves up or down, or is left out.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    points = figure.dpi / 72  # pixels a point
    line = 1.3 * font_size * points
    apart = 1.01 * line
    frame = axes.get_window_extent()
    taken = np.empty((0, 4))
    for place, name in zip(axes.transData.transform(places), names, strict=True):
        half = np.array([0.31 * len(name) * font_size * points, line / 2])
        low, high = np.array(frame.p0) + half, np.array(frame.p1) - half
        for rows in (0, 1, -1, 2, -2):
            shifted = place + np.array([0.0, rows * apart])
            middle = np.clip(shifted, low, np.maximum(low, high))
            overlaps = (np.abs(taken[:, :2] - middle) < taken[:, 2:] + half).all(1)
            if not overlaps.any():
                taken = np.concatenate([taken, [[*middle, *half]]])
                x, y = axes.transData.inverted().transform(middle)
                axes.text(
                    x,
                    y,
                    name,
                    ha="center",
                    va="center",
                    fontsize=font_size,
                    color="white",
                    zorder=zorder,
                    path_effects=[withStroke(linewidth=1.6, foreground=INK)],
                )
                break


def _draw_key(axes: Axes, right: float, y: float) -> None:
    """What the colours mean, and the length of a metre."""
    colors = colormaps[_TIME_COLORS]
    handles: list[Artist] = [
        Patch(facecolor=_FREE, edgecolor="#9bbfa4", linewidth=0.5, label="free floor"),
        _dot(colors(0.0), "camera: start"),
        _dot(colors(1.0), "end"),
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 0),
        borderaxespad=0,
        ncols=3,
        fontsize=6.5,
        frameon=False,
        handletextpad=0.3,
        columnspacing=0.9,
        handlelength=1.2,
        labelcolor=INK,
    )
    axes.plot([right - 1, right], [y, y], color=INK, linewidth=2, solid_capstyle="butt")
    axes.text(right - 1.1, y, "1 m", ha="right", va="center", fontsize=6.5, color=INK)


def _dot(color: tuple[float, float, float, float], label: str) -> Line2D:
    return Line2D([], [], color=color, marker="o", markersize=4.5, linestyle="none", label=label)


def _patch(area: shapely.Geometry, color: str, zorder: float, **options: object) -> PathPatch:
    """A shapely area with its holes."""
    rings = [
        Path(shapely.get_coordinates(ring), closed=True)
        for polygon in shapely.get_parts(area)
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    outline = Path.make_compound_path(*rings)
    return PathPatch(outline, facecolor=color, edgecolor="none", zorder=zorder, **options)
