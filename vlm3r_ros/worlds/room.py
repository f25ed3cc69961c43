"""A textured room of boxes and a ray caster: colour, metric depth and object of every pixel.

World frame: z up, x towards the far wall, y to the left, origin on the floor at the middle of the
near wall. Metres throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from vlm3r_ros.worlds.texture import fractal_noise, hash_grid

_AMBIENT = 0.55
_LAMP_REACH = 4.0  # m: the distance at which the lamp's light has halved


class Surface(Enum):
    """How a box is painted."""

    PLASTER = auto()
    PLANKS = auto()
    BRICKS = auto()
    FABRIC = auto()
    WOOD = auto()
    BOOKS = auto()
    PAINTING = auto()
    DAYLIGHT = auto()
    WOVEN = auto()


@dataclass(frozen=True)
class Box:
    """An axis-aligned box: corners in the world frame, base colour in `[0, 1]`."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    color: tuple[float, float, float]
    surface: Surface


@dataclass(frozen=True)
class Room:
    """A hollow box, seen from inside, with boxes in it."""

    size: tuple[float, float, float]
    boxes: tuple[Box, ...]
    seed: int = 0
    walls: tuple[Surface, ...] = field(
        # near, far, right, left, floor, ceiling
        default=(
            Surface.PLASTER,
            Surface.BRICKS,
            Surface.PLASTER,
            Surface.PLASTER,
            Surface.PLANKS,
            Surface.PLASTER,
        )
    )

    @property
    def low(self) -> np.ndarray:
        """The lowest corner, world frame `[3]`."""
        return np.array([0.0, -self.size[1] / 2, 0.0])

    @property
    def high(self) -> np.ndarray:
        """The highest corner, world frame `[3]`."""
        return np.array([self.size[0], self.size[1] / 2, self.size[2]])


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; the principal point is the middle of the image."""

    width: int = 320
    height: int = 240
    focal: float = 240.0

    def matrix(self) -> np.ndarray:
        """Intrinsic matrix `[3, 3]`, pixel centres at whole numbers."""
        center_x, center_y = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[self.focal, 0, center_x], [0, self.focal, center_y], [0, 0, 1.0]])


@dataclass(frozen=True)
class View:
    """What a camera sees.

    Attributes:
        color: uint8 `[H, W, 3]`, RGB.
        depth: float32 `[H, W]`, metres along the optical axis.
        label: int32 `[H, W]`, index into `Room.boxes`, -1 for the room itself.
    """

    color: np.ndarray
    depth: np.ndarray
    label: np.ndarray


def render(room: Room, camera: Camera, T_world_camera: np.ndarray, samples: int = 1) -> View:
    """Look into the room from an optical frame (x right, y down, z forward).

    Args:
        room: what there is.
        camera: intrinsics.
        T_world_camera: `[4, 4]`.
        samples: rays per pixel along each axis, for smooth edges. Depth and label are those of the
            ray through the pixel's centre (odd counts) or next to it.
    """
    offsets = (np.arange(samples) + 0.5) / samples - 0.5
    color = np.zeros((camera.height, camera.width, 3), np.float32)
    for index, (dy, dx) in enumerate((dy, dx) for dy in offsets for dx in offsets):
        rays = _rays(camera, dx, dy) @ T_world_camera[:3, :3].T.astype(np.float32)
        distance, label, axis = _cast(room, T_world_camera[:3, 3], rays)
        color += _shade(room, T_world_camera[:3, 3], rays, distance, label, axis).reshape(
            color.shape
        )
        if index == (samples * samples) // 2:
            # Rays have length 1 along the optical axis, so that the ray's parameter is the depth.
            depth, labels = distance, label
    color /= samples * samples
    return View(
        (np.clip(color, 0, 1) * 255 + 0.5).astype(np.uint8),
        depth.reshape(camera.height, camera.width),
        labels.reshape(camera.height, camera.width),
    )


def _rays(camera: Camera, dx: float, dy: float) -> np.ndarray:
    """Directions in the camera frame, `[H * W, 3]`, z = 1."""
    matrix = camera.matrix()
    columns = (np.arange(camera.width) + dx - matrix[0, 2]) / camera.focal
    rows = (np.arange(camera.height) + dy - matrix[1, 2]) / camera.focal
    x, y = np.meshgrid(columns, rows)
    return np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3).astype(np.float32)


def _cast(room: Room, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, ...]:
    """Nearest surface of each ray: parameter, box index and the axis of its normal, all `[R]`."""
    with np.errstate(divide="ignore"):
        inverse = (1.0 / np.where(rays == 0, np.float32(1e-12), rays)).astype(np.float32)
    exits = np.maximum(
        (room.low - origin).astype(np.float32) * inverse,
        (room.high - origin).astype(np.float32) * inverse,
    )
    axis = exits.argmin(1).astype(np.int32)
    nearest = exits.min(1)
    label = np.full(len(rays), -1, np.int32)
    for index, box in enumerate(room.boxes):
        first = (np.asarray(box.low) - origin).astype(np.float32) * inverse
        second = (np.asarray(box.high) - origin).astype(np.float32) * inverse
        entries = np.minimum(first, second)
        entry = entries.max(1)
        hit = (entry < np.maximum(first, second).min(1)) & (entry > 1e-4) & (entry < nearest)
        nearest[hit] = entry[hit]
        label[hit] = index
        axis[hit] = entries[hit].argmax(1)
    return nearest, label, axis


def _shade(
    room: Room,
    origin: np.ndarray,
    rays: np.ndarray,
    distance: np.ndarray,
    label: np.ndarray,
    axis: np.ndarray,
) -> np.ndarray:
    points = (origin + rays * distance[:, None]).astype(np.float32)
    color = np.empty((len(rays), 3), np.float32)
    lit = np.ones(len(rays), bool)
    for wall in range(6):
        side_high = points[:, wall // 2] > (room.low + room.high)[wall // 2] / 2
        chosen = (label < 0) & (axis == wall // 2) & (side_high == bool(wall % 2))
        tint = (0.78, 0.52, 0.34) if wall == 4 else (0.88, 0.84, 0.74)
        color[chosen] = _paint(
            room.walls[wall], points[chosen], wall // 2, tint, room.seed + 101 * wall
        )
    for index, box in enumerate(room.boxes):
        chosen = label == index
        if chosen.any():
            place = (points[chosen] - np.asarray(box.low, np.float32)).astype(np.float32)
            color[chosen] = _paint(
                box.surface, place, axis[chosen], box.color, room.seed + 977 * (index + 1)
            )
            lit[chosen] = box.surface is not Surface.DAYLIGHT
    lamp = np.array([room.size[0] / 2, 0.0, room.size[2] - 0.1])
    towards = lamp - points
    length = np.linalg.norm(towards, axis=1)
    # The normal's sign does not matter for a thin room light that reaches every side.
    facing = np.abs(np.take_along_axis(towards, axis[:, None].astype(np.intp), 1)[:, 0]) / length
    light = _AMBIENT + (0.35 + 0.65 * facing) / (1 + (length / _LAMP_REACH) ** 2) * (1.1 - _AMBIENT)
    return color * np.where(lit, light, 1.0)[:, None].astype(np.float32)


def _paint(
    surface: Surface,
    points: np.ndarray,
    axis: np.ndarray | int,
    color: tuple[float, float, float],
    seed: int,
) -> np.ndarray:
    """Colour `[P, 3]` at surface points `[P, 3]` (metres) whose normal lies along `axis`."""
    axes = np.broadcast_to(np.asarray(axis), len(points))
    u = np.where(axes == 0, points[:, 1], points[:, 0])
    v = np.where(axes == 2, points[:, 1], points[:, 2])
    base = np.asarray(color, np.float32)
    fine = fractal_noise(u * 9, v * 9, seed)[:, None] - 0.5
    if surface is Surface.PLANKS:
        row = np.floor(v / 0.14)
        along = u + 0.37 * hash_grid(row, row * 0, seed) * 4
        board = hash_grid(row, np.floor(along / 0.9), seed)[:, None]
        seam = (((v / 0.14) % 1 < 0.05) | ((along / 0.9) % 1 < 0.012))[:, None]
        grain = fractal_noise(u * 3, v * 45, seed + 1)[:, None] - 0.5
        return base * (0.75 + 0.4 * board + 0.25 * grain) * np.where(seam, 0.55, 1)
    if surface is Surface.BRICKS:
        row = np.floor(v / 0.11)
        along = u / 0.27 + 0.5 * (row % 2)
        tone = hash_grid(row, np.floor(along), seed)[:, None]
        joint = (((v / 0.11) % 1 < 0.1) | (along % 1 < 0.045))[:, None]
        brick = np.array([0.62, 0.33, 0.25], np.float32) * (0.75 + 0.5 * tone + 0.4 * fine)
        return np.where(joint, base * 0.85, brick)
    if surface is Surface.BOOKS:
        shelf = (v / 0.36) % 1
        slot = hash_grid(np.floor(u / 0.045), np.floor(v / 0.36), seed)
        hue = np.stack([hash_grid(slot * 999, slot * 77, seed + k) for k in range(3)], -1)
        book = (0.2 + 0.7 * hue) * np.where((u / 0.045) % 1 < 0.08, 0.5, 1)[:, None]
        boards = (shelf < 0.09) | (shelf > 0.55 + 0.35 * slot)
        return np.where(boards[:, None], base * (0.8 + 0.3 * fine), book)
    if surface is Surface.PAINTING:
        blobs = [fractal_noise(u * 4, v * 4, seed + k) for k in range(3)]
        return np.clip(2.2 * np.stack(blobs, -1) - 0.6, 0, 1) * (0.4 + 0.6 * base)
    if surface is Surface.DAYLIGHT:
        frame = ((u % 0.7 < 0.06) | (v % 0.6 < 0.06))[:, None]
        sky = base * (0.85 + 0.3 * fractal_noise(u * 2, v * 3, seed)[:, None])
        return np.where(frame, np.float32(0.95), sky)
    if surface is Surface.WOVEN:
        ring = np.floor(u / 0.12) + np.floor(v / 0.12)
        return base * np.where(ring % 2 == 0, 1.1, 0.65)[:, None] * (1 + 0.5 * fine)
    if surface is Surface.WOOD:
        return base * (0.9 + 0.6 * (fractal_noise(u * 4, v * 40, seed)[:, None] - 0.5))
    if surface is Surface.FABRIC:
        weave = hash_grid(np.floor(u * 120), np.floor(v * 120), seed)[:, None] - 0.5
        return base * (1 + 0.45 * fine + 0.2 * weave)
    return base * (1 + 0.16 * fine + 0.1 * (fractal_noise(u * 1.5, v * 1.5, seed)[:, None] - 0.5))


def living_room(seed: int = 0) -> Room:
    """A furnished room of 5.2 x 4.2 m; the seed moves the small things and changes the textures."""
    shift = np.random.default_rng(seed).uniform(-0.15, 0.15, 4)
    cloth, oak, white = (0.25, 0.38, 0.55), (0.55, 0.36, 0.2), (0.85, 0.85, 0.82)
    table_x, table_y = 2.6 + shift[0], 0.1 + shift[1]
    legs = tuple(
        Box("table", (x, y, 0.0), (x + 0.06, y + 0.06, 0.42), oak, Surface.WOOD)
        for x in (table_x - 0.5, table_x + 0.44)
        for y in (table_y - 0.3, table_y + 0.24)
    )
    boxes = (
        Box("rug", (1.6, -1.0, 0.0), (3.7, 1.1, 0.012), (0.7, 0.25, 0.22), Surface.WOVEN),
        Box("sofa", (1.7, 1.25, 0.0), (3.6, 2.05, 0.42), cloth, Surface.FABRIC),
        Box("sofa", (1.7, 1.85, 0.42), (3.6, 2.1, 0.85), cloth, Surface.FABRIC),
        Box("sofa", (1.5, 1.25, 0.0), (1.7, 2.1, 0.6), cloth, Surface.FABRIC),
        Box("sofa", (3.6, 1.25, 0.0), (3.8, 2.1, 0.6), cloth, Surface.FABRIC),
        Box("cushion", (1.75, 1.6, 0.42), (2.2, 1.85, 0.8), (0.85, 0.6, 0.15), Surface.WOVEN),
        Box(
            "table",
            (table_x - 0.55, table_y - 0.35, 0.42),
            (table_x + 0.55, table_y + 0.35, 0.46),
            oak,
            Surface.WOOD,
        ),
        *legs,
        Box(
            "book",
            (table_x + shift[2], table_y - 0.1, 0.46),
            (table_x + 0.24 + shift[2], table_y + 0.08, 0.5),
            (0.15, 0.45, 0.3),
            Surface.FABRIC,
        ),
        Box("shelf", (4.85, -2.0, 0.0), (5.2, -0.9, 1.9), oak, Surface.BOOKS),
        Box("door", (5.15, 0.9, 0.0), (5.2, 1.75, 2.02), (0.5, 0.28, 0.16), Surface.WOOD),
        Box("handle", (5.08, 1.0, 0.98), (5.15, 1.1, 1.02), white, Surface.PLASTER),
        Box("picture", (5.16, -0.55, 1.15), (5.2, 0.5, 1.85), (0.9, 0.8, 0.6), Surface.PAINTING),
        Box("window", (1.9, -2.1, 0.95), (3.4, -2.07, 2.2), (0.72, 0.86, 1.0), Surface.DAYLIGHT),
        Box("cabinet", (3.75, -2.1, 0.0), (4.6, -1.7, 0.75), white, Surface.WOOD),
        Box(
            "lamp",
            (4.05 + shift[3], -2.0, 0.75),
            (4.25 + shift[3], -1.8, 1.15),
            (0.95, 0.8, 0.45),
            Surface.PLASTER,
        ),
        Box("picture", (2.2, 2.07, 1.3), (3.1, 2.1, 1.9), (0.7, 0.9, 0.9), Surface.PAINTING),
    )
    return Room(size=(5.2, 4.2, 2.5), boxes=boxes, seed=seed)
