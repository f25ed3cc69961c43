"""One picture of a filmed world: frames, their depth, their objects, and the plan from above."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.camera_path import CameraPath
from vlm3r_ros.worlds.plan_view import INK, draw_plan, write_names
from vlm3r_ros.worlds.rendering import View, render
from vlm3r_ros.worlds.world import World

_DPI = 180
_ROW_HEIGHT = 1.35  # inches, of a picture
_GAP = 0.06  # inches between pictures
_TOP, _SCALE_WIDTH = 0.32, 0.48  # inches for the title and for the scale of depth
_DEPTH_COLORS = "viridis_r"
_SHADING = 0.55  # how much of the picture's light and shade the objects' colours keep
_NAMED = 0.006  # share of a frame that an object fills to be named
_HUE_STEP = 0.6180339887  # golden ratio: neighbouring ids get hues far apart


def contact_sheet(
    world: World, path: CameraPath, *, columns: int = 4, samples: int = 2
) -> NDArray[np.uint8]:
    """Draw a world and how it is filmed.

    Args:
        world: what is filmed.
        path: the camera's way.
        columns: how many frames to show, spread evenly over the path.
        samples: rays along each side of a pixel.

    Returns:
        RGB `[H, W, 3]`.
    """
    frames = len(path.T_world_camera)
    shown = np.unique(np.linspace(0, frames - 1, columns + 2)[1:-1].round().astype(int)).tolist()
    views = [
        render(world, path.intrinsics, path.T_world_camera[frame], samples=samples)
        for frame in shown
    ]
    colors = instance_colors(len(world.objects))

    camera = path.intrinsics
    width = _ROW_HEIGHT * camera.width / camera.height
    left = len(shown) * (width + _GAP)
    side = 3 * _ROW_HEIGHT + 2 * _GAP
    size = (left + _SCALE_WIDTH + side + _GAP, _TOP + side + _GAP)
    figure = Figure(figsize=size, dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)

    def place(x: float, y: float, wide: float, high: float) -> Axes:
        """Axes at inches from the top left corner."""
        return figure.add_axes(
            (x / size[0], 1 - (y + high) / size[1], wide / size[0], high / size[1])
        )

    farthest = max(float(np.percentile(view.depth[np.isfinite(view.depth)], 99)) for view in views)
    for column, (frame, view) in enumerate(zip(shown, views, strict=True)):
        row = [
            place(
                _GAP + column * (width + _GAP), _TOP + k * (_ROW_HEIGHT + _GAP), width, _ROW_HEIGHT
            )
            for k in range(3)
        ]
        color = np.asarray(view.color)
        row[0].imshow(color)
        _stamp(row[0], f"{column + 1}", f"{path.times[frame]:.1f} s")
        scale = row[1].imshow(view.depth, cmap=_DEPTH_COLORS, vmin=0, vmax=farthest)
        row[2].imshow(paint_instances(color, view.instance, colors))
        _name_instances(row[2], world, view)
        for axes in row:
            axes.axis("off")
    bar = place(left + _GAP + 0.03, _TOP + _ROW_HEIGHT + _GAP, 0.1, _ROW_HEIGHT)
    figure.colorbar(scale, cax=bar)
    bar.tick_params(labelsize=6.5, length=2, pad=2, colors=INK)
    bar.set_ylabel("depth (m)", fontsize=7, labelpad=2, color=INK)
    bar.invert_yaxis()
    draw_plan(place(left + _SCALE_WIDTH, _TOP, side, side), world, path, shown, colors)
    _write_title(figure, world, path)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def instance_colors(count: int) -> FloatArray:
    """Colours that tell objects apart, RGB in [0, 1] by instance id `[count, 3]`."""
    ids = np.arange(count)
    hue = (0.03 + ids * _HUE_STEP) % 1
    saturation = np.choose(ids % 3, (0.62, 0.45, 0.78))
    value = np.choose(ids % 4, (0.92, 0.78, 0.97, 0.68))
    return np.asarray(hsv_to_rgb(np.stack([hue, saturation, value], -1).reshape(-1, 3)))


def paint_instances(
    color: NDArray[np.uint8], instance: NDArray[np.int32], colors: FloatArray
) -> FloatArray:
    """A frame in pale grey with its objects in their colours.

    Args:
        color: the frame `[H, W, 3]`, RGB.
        instance: id of the object at each pixel `[H, W]`, -1 for none.
        colors: RGB in [0, 1] by instance id `[N, 3]`.

    Returns:
        RGB in [0, 1] `[H, W, 3]`.
    """
    grey = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)[..., None] / 255.0
    # The last colour, white, is that of id -1.
    palette = np.concatenate([colors, np.ones((1, 3))])
    return np.asarray((1 - _SHADING + _SHADING * grey) * palette[instance])


def _name_instances(axes: Axes, world: World, view: View) -> None:
    ids, pixels = np.unique(view.instance[view.instance >= 0], return_counts=True)
    names = {item.instance_id: item.category for item in world.objects}
    order = [k for k in np.argsort(-pixels) if pixels[k] >= _NAMED * view.instance.size]
    places = np.reshape([_visible_center(view.instance == ids[k]) for k in order], (-1, 2))
    write_names(axes, places, [names[int(ids[k])] for k in order], font_size=5.5)


def _visible_center(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Column and row of the pixel that lies deepest within what is seen of an object."""
    # Beyond the picture's edge the object goes on, but the name must not.
    inside = cv2.distanceTransform(
        cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3
    )
    row, column = np.unravel_index(inside.argmax(), inside.shape)
    return int(column) - 1, int(row) - 1


def _stamp(axes: Axes, number: str, text: str) -> None:
    box = {"boxstyle": "round,pad=0.25", "facecolor": INK, "edgecolor": "none", "alpha": 0.85}
    axes.text(
        0.03,
        0.95,
        number,
        transform=axes.transAxes,
        va="top",
        fontsize=7,
        color="white",
        weight="bold",
        bbox=box,
    )
    axes.text(
        0.97,
        0.95,
        text,
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=6.5,
        color="white",
        bbox=box,
    )


def _write_title(figure: Figure, world: World, path: CameraPath) -> None:
    width, height = figure.get_size_inches()
    y = 1 - _TOP / 2 / height
    figure.text(_GAP / width, y, world.id.name, va="center", fontsize=10, weight="bold", color=INK)
    facts: Sequence[str] = (
        world.kind,
        f"{world.scene().room_size:.1f} m²",
        f"{len(world.objects)} objects",
        f"filmed as: {path.style}",
        f"{len(path.times)} frames in {path.times[-1]:.1f} s",
        f"{path.intrinsics.width} x {path.intrinsics.height} pixels",
    )
    figure.text(
        1 - 2 * _GAP / width,
        y,
        "  ·  ".join(facts),
        ha="right",
        va="center",
        fontsize=8,
        color=INK,
    )
