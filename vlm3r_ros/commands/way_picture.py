"""A picture of a hint: the map of the floor, the way, the target and the camera, from above."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid as OccupancyGridMessage
from numpy.typing import NDArray
from visualization_msgs.msg import Marker, MarkerArray

from vlm3r_ros.commands.query_client import QueryClient
from vlm3r_ros.msg import NavigationHint
from vlm3r_ros.navigation.occupancy import DOUBTFUL, FREE, OCCUPIED, UNKNOWN, OccupancyGrid
from vlm3r_ros.nodes.markers import MarkerKind
from vlm3r_ros.nodes.message_conversion import pose_to_matrix
from vlm3r_ros.nodes.navigation_conversion import message_to_grid
from vlm3r_ros.nodes.qos import LATCHED, RELIABLE

_SHADES = {UNKNOWN: 0.78, FREE: 1.0, DOUBTFUL: 0.6, OCCUPIED: 0.25}
_TITLE_WIDTH = 70  # letters
_AROUND = 3.0  # m around the camera, where there is no map to show


class WayWitness:
    """Listens to what an assistant says of ways, and draws it.

    Args:
        client: to listen with; in the assistant's namespace.
    """

    def __init__(self, client: QueryClient) -> None:
        self._grid: OccupancyGrid | None = None
        self._camera: NDArray[np.float64] | None = None
        self._target: NDArray[np.float64] | None = None
        self._has_pose = threading.Event()
        client.listen(OccupancyGridMessage, "vlm3r/occupancy", self._take_grid, LATCHED)
        client.listen(PoseStamped, "vlm3r/pose", self._take_pose, RELIABLE)
        client.listen(MarkerArray, "vlm3r/markers", self._take_markers, LATCHED)

    def wait_for_pose(self, timeout: float) -> bool:
        """Whether a pose of the camera came within so many seconds."""
        return self._has_pose.wait(timeout)

    def draw(self, path: Path, hint: NavigationHint) -> None:
        """Write a PNG of a hint over what came last of map, camera and target."""
        way = np.array([(p.pose.position.x, p.pose.position.y) for p in hint.path.poses])
        has_goal = bool(hint.goal.header.frame_id)
        draw_way(
            path,
            self._grid,
            way.reshape(-1, 2),
            goal=pose_to_matrix(hint.goal.pose) if has_goal else None,
            camera=self._camera,
            target=self._target if has_goal else None,
            name=hint.target,
            title=hint.instruction,
        )

    def _take_grid(self, message: OccupancyGridMessage) -> None:
        self._grid = message_to_grid(message)

    def _take_pose(self, message: PoseStamped) -> None:
        self._camera = pose_to_matrix(message.pose)
        self._has_pose.set()

    def _take_markers(self, message: MarkerArray) -> None:
        for marker in message.markers:
            if marker.action != Marker.ADD:
                continue
            if marker.ns == MarkerKind.TARGET and marker.type == Marker.SPHERE:
                place = marker.pose.position
                self._target = np.array([place.x, place.y])


def draw_way(
    path: Path,
    grid: OccupancyGrid | None,
    way: NDArray[np.float64],
    *,
    goal: NDArray[np.float64] | None,
    camera: NDArray[np.float64] | None,
    target: NDArray[np.float64] | None,
    name: str,
    title: str,
) -> None:
    """Write a PNG: map x to the right, y up, metres.

    Args:
        path: file to write.
        grid: the map of the floor; None where none is known.
        way: places `[K, 2]`; may be empty.
        goal: where to stand at the end `[4, 4]`, x forward; None without one.
        camera: `T_map_camera` `[4, 4]`, optical frame; None where it is not known.
        target: map x and y `[2]`; None where it is not known.
        name: of the target.
        title: above the picture.
    """
    # Without pyplot there is no window system to look for, and no figure left open.
    import textwrap

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(aspect="equal", xlabel="x (m)", ylabel="y (m)")
    axes.set_title(textwrap.fill(title, _TITLE_WIDTH), fontsize="medium")
    if grid is not None and not grid.all_unknown:
        _draw_map(axes, grid)
    else:
        axes.text(0.5, 0.02, "nothing is known of the floor", ha="center", transform=axes.transAxes)
        x, y = np.zeros(2) if camera is None else camera[:2, 3]
        axes.set(xlim=(x - _AROUND, x + _AROUND), ylim=(y - _AROUND, y + _AROUND))
    if len(way):
        axes.plot(*way.T, color="tab:green", linewidth=3, label="way")
    for pose, forward, color, label in (
        (camera, 2, "tab:red", "camera"),
        (goal, 0, "tab:green", "goal"),
    ):
        if pose is not None:
            x, y = pose[:2, 3]
            dx, dy = 0.4 * pose[:2, forward]
            axes.plot(x, y, "o", color=color, label=label)
            axes.annotate("", (x + dx, y + dy), (x, y), arrowprops={"color": color, "width": 1.5})
    if target is not None:
        axes.plot(*target, "*", color="tab:orange", markersize=16, label=name)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right")
    figure.savefig(path, dpi=120)


def _draw_map(axes: object, grid: OccupancyGrid) -> None:
    shades = np.vectorize(_SHADES.__getitem__, otypes=[float])(grid.state)
    height, width = grid.state.shape
    (left, bottom), (right, top) = grid.origin, grid.origin + np.array([width, height]) * grid.cell
    axes.imshow(  # type: ignore[attr-defined]
        shades,
        origin="lower",
        extent=(left, right, bottom, top),
        cmap="gray",
        vmin=0.0,
        vmax=1.0,
        interpolation="nearest",
    )
    rows, columns = np.nonzero(grid.state != UNKNOWN)
    known = grid.centers(np.stack([rows, columns], -1))
    margin = 0.5
    axes.set_xlim(known[:, 0].min() - margin, known[:, 0].max() + margin)  # type: ignore[attr-defined]
    axes.set_ylim(known[:, 1].min() - margin, known[:, 1].max() + margin)  # type: ignore[attr-defined]
