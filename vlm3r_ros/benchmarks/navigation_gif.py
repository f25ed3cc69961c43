"""A walk as an animated picture: the room from above, what is known of it, and the camera."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Wedge
from matplotlib.transforms import Affine2D
from PIL import Image

from vlm3r_ros.benchmarks.navigation import on_true_floor
from vlm3r_ros.benchmarks.navigation_episode import Moment
from vlm3r_ros.benchmarks.navigation_room import BODY_RADIUS
from vlm3r_ros.navigation.occupancy import DOUBTFUL, FREE, OCCUPIED, OccupancyGrid
from vlm3r_ros.navigation.target import heading
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.free_space import HEADROOM, STEP_HEIGHT, floor_area, footprint
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.world import World

_INK, _GREY, _WAY, _TARGET, _WALKER = "#22272e", "#9aa3ad", "#0969da", "#d1242f", "#1a7f37"
_DOUBTFUL_COLOR = (0.70, 0.72, 0.74, 1.0)
_FREE_COLOR, _OCCUPIED_COLOR = (0.83, 0.92, 0.85, 1.0), (0.24, 0.27, 0.30, 1.0)
_SIZE = (7.2, 3.2)  # inches
_DPI = 100
_CAMERA = (320, 240)  # pixels of the camera's picture
_COLORS = 112  # of the whole animation, besides those that have names here
_BEGIN_MS, _STEP_MS, _END_MS = 1500, 500, 2500
_SIGHT = 0.7  # m: length of the wedge that shows where the camera looks
_AROUND = 0.25  # m of picture around the room
_LINE = 96  # letters


def draw_walk(file: Path, moments: Sequence[Moment]) -> None:
    """Write a GIF that tells a walk hint by hint.

    Args:
        file: to write.
        moments: of one walk, in order.

    Raises:
        ValueError: there are none.
    """
    if not moments:
        raise ValueError("there is no walk to draw")
    pictures = [_picture(moments[: number + 1]) for number in range(len(moments))]
    palette = _palette(pictures)
    frames = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
    durations = [_STEP_MS] * len(frames)
    durations[0] = _BEGIN_MS
    durations[-1] = _END_MS
    file.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(
        file, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True
    )


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """The colours of all pictures: with one palette, what stands still is stored once."""
    strip = Image.fromarray(np.concatenate([np.asarray(each) for each in pictures[::4]]))
    frequent = (strip.quantize(_COLORS).getpalette() or [])[: 3 * _COLORS]
    named = [to_rgb(color) for color in (_INK, _GREY, _WAY, _TARGET, _WALKER)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(frequent + [round(255 * value) for color in named for value in color])
    return palette


def _picture(moments: Sequence[Moment]) -> Image.Image:
    """The last moment, with the way that was walked until then."""
    now = moments[-1]
    # Without pyplot there is no window system to look for, and no figure left open.
    figure = Figure(figsize=_SIZE, dpi=_DPI)
    canvas = FigureCanvasAgg(figure)
    plan = figure.add_axes((0.01, 0.14, 0.51, 0.84), aspect="equal")
    camera = figure.add_axes((0.54, 0.14, 0.45, 0.84))
    _draw_map(plan, now.grid, now.T_map_world)
    _draw_room(plan, now.world)
    _draw_hint(plan, moments)
    picture = render(
        now.world, now.intrinsics.resized(*_CAMERA), now.T_world_camera, samples=2
    ).color
    assert picture is not None
    camera.imshow(picture, interpolation="nearest")
    camera.axis("off")
    sentence = "\n".join(textwrap.wrap(now.hint.instruction, _LINE)[:2])
    figure.text(0.5, 0.07, sentence, ha="center", va="center", fontsize=9.5, color=_INK)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _draw_map(axes: Axes, grid: OccupancyGrid, T_map_world: FloatArray) -> None:
    """Free and occupied cells, where they are in the world."""
    colors = np.zeros((*grid.state.shape, 4))
    colors[grid.state == FREE] = _FREE_COLOR
    colors[grid.state == DOUBTFUL] = _DOUBTFUL_COLOR
    colors[grid.state == OCCUPIED] = _OCCUPIED_COLOR
    if not colors.size:
        return
    (left, low), (height, width) = grid.origin.tolist(), grid.state.shape
    extent = (left, left + width * grid.cell, low, low + height * grid.cell)
    T_world_map = np.linalg.inv(T_map_world)
    on_floor = Affine2D(T_world_map[np.ix_([0, 1, 3], [0, 1, 3])])
    shown = axes.imshow(colors, origin="lower", extent=extent, interpolation="nearest", zorder=1)
    shown.set_transform(on_floor + axes.transData)


def _draw_room(axes: Axes, world: World) -> None:
    """The true outlines of floor and things."""
    floor = floor_area(world.floor_plan)
    for part in shapely.get_parts(floor):
        for ring in (part.exterior, *part.interiors):
            axes.plot(*shapely.get_coordinates(ring).T, color=_GREY, linewidth=2, zorder=2)
    for item in world.objects:
        if item.box.low[2] < HEADROOM and item.box.high[2] > STEP_HEIGHT:
            outline = Polygon(footprint(item.box), fill=False, edgecolor=_GREY, zorder=2)
            axes.add_patch(outline)
    x0, y0, x1, y1 = floor.bounds
    axes.set(xlim=(x0 - _AROUND, x1 + _AROUND), ylim=(y0 - _AROUND, y1 + _AROUND), aspect="equal")
    axes.axis("off")


def _draw_hint(axes: Axes, moments: Sequence[Moment]) -> None:
    """Walker, the way behind and the way ahead, target."""
    now = moments[-1]
    behind = np.array([moment.T_world_camera[:2, 3] for moment in moments])
    axes.plot(*behind.T, color=_WALKER, linewidth=1.5, linestyle=":", zorder=4)
    if len(now.hint.path):
        ahead = on_true_floor(now.T_map_world, now.hint.path)
        axes.plot(*ahead.T, color=_WAY, linewidth=2, zorder=4)
    if now.target.has_place:
        place = on_true_floor(now.T_map_world, now.target.position[None])[0]
        axes.plot(*place, color=_TARGET, marker="*", markersize=13, zorder=6)
        axes.annotate(
            now.target.name,
            place,
            (0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=_TARGET,
            weight="bold",
            zorder=6,
        )
    here, facing = now.T_world_camera[:2, 3], math.degrees(heading(now.T_world_camera))
    half = math.degrees(math.atan(now.intrinsics.width / 2 / now.intrinsics.fx))
    axes.add_patch(
        Wedge(tuple(here), _SIGHT, facing - half, facing + half, color=_WALKER, alpha=0.3, zorder=5)
    )
    axes.add_patch(Circle(tuple(here), BODY_RADIUS, color=_WALKER, zorder=5))
