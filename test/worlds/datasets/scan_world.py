"""A furnished room of known geometry, from which tests write scans in the formats of data sets."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.scene import Intrinsics

FLOOR = np.array([4.0, 3.0])
CAMERA = Intrinsics(500.0, 500.0, 319.5, 239.5, 640, 480)


def surface_points(box: OrientedBox, spacing: float = 0.2) -> np.ndarray:
    """A grid of points on a box's faces, corners included, [N, 3]."""
    ticks = [np.linspace(-1, 1, max(2, int(np.ceil(side / spacing)) + 1)) for side in box.sides]
    grid = np.stack(np.meshgrid(*ticks, indexing="ij"), -1).reshape(-1, 3)
    grid = grid[(np.abs(grid) == 1).any(1)]
    return box.centroid + (grid * box.sides / 2) @ box.axes


def floor_points(size=FLOOR, spacing: float = 0.1) -> np.ndarray:
    """A grid over a floor that begins at the origin, [N, 3]."""
    ticks = [np.linspace(0, side, round(side / spacing) + 1) for side in size]
    grid = np.stack(np.meshgrid(*ticks, indexing="ij"), -1).reshape(-1, 2)
    return np.column_stack([grid, np.zeros(len(grid))])


def look_at(eye, target) -> np.ndarray:
    """Camera to world, optical frame, [4, 4]."""
    forward = np.subtract(target, eye) / np.linalg.norm(np.subtract(target, eye))
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    pose[:3, 3] = eye
    return pose


def project(box: OrientedBox, T_world_camera: np.ndarray) -> np.ndarray:
    """Pixels of a box's corners, [8, 2]."""
    corners = (box.corners() - T_world_camera[:3, 3]) @ T_world_camera[:3, :3]
    assert (corners[:, 2] > 0).all()
    homogeneous = corners @ CAMERA.matrix().T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def write_ply(path: Path, vertices, triangles=(), *, order="<", indices="vertex_indices") -> None:
    """Write a binary PLY with colours, as scanners do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    header = (
        f"ply\nformat {kind} 1.0\ncomment of a test\nelement vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\nproperty uchar alpha\n"
        f"element face {len(triangles)}\nproperty list uchar int {indices}\nend_header\n"
    )
    rows = np.zeros(len(vertices), [("place", f"{order}f4", 3), ("color", "u1", 4)])
    rows["place"] = np.reshape(vertices, (-1, 3))
    faces = [struct.pack(f"{order}B{len(face)}i", len(face), *face) for face in triangles]
    path.write_bytes(header.encode() + rows.tobytes() + b"".join(faces))


@dataclass
class Furnished:
    """What stands in the room: label and box of each object, and where cameras are."""

    objects: list[tuple[str, OrientedBox]]
    poses: list[np.ndarray] = field(default_factory=list)

    def boxes(self, *labels: str) -> list[OrientedBox]:
        return [box for label, box in self.objects if label in labels]

    def mask(self, T_world_camera: np.ndarray, dtype=np.uint8) -> np.ndarray:
        """Number + 1 of each object, what is near before what is far, [480, 640]."""
        image = np.zeros((CAMERA.height, CAMERA.width), dtype)
        eye = T_world_camera[:3, 3]
        far = sorted(
            range(len(self.objects)),
            key=lambda number: -np.linalg.norm(self.objects[number][1].centroid - eye),
        )
        for number in far:
            pixels = np.rint(project(self.objects[number][1], T_world_camera)).astype(np.int32)
            cv2.fillConvexPoly(image, cv2.convexHull(pixels), number + 1)
        return image


def assert_same_box(found: OrientedBox, truth: OrientedBox, atol: float = 1e-5) -> None:
    """Equal as solids: the order and the signs of axes may differ."""
    corners = found.corners()
    gaps = np.linalg.norm(corners[:, None] - truth.corners()[None], axis=2)
    assert gaps.min(0).max() < atol
    assert gaps.min(1).max() < atol
