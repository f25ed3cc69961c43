"""Camera poses of ScanNet++'s DSLR images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.datasets.scan_files import camera_to_world, entries, read_json, read_text
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.skipping import SceneError

_UNDISTORTED = "nerfstudio/transforms_undistorted.json"
_TRANSFORMS = (_UNDISTORTED, "nerfstudio/transforms.json")
_COLMAP = "colmap/images.txt"
_COLMAP_WORDS = 10

# In the nerfstudio files the world's x and y are swapped and its z points down, and cameras look
# along -z with y up. The COLMAP files have the world of the mesh and optical frames.
_MESH_FROM_NERFSTUDIO = np.array(
    [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]], dtype=float
)
_OPENGL_FROM_OPTICAL = np.diag([1.0, -1.0, -1.0, 1.0])


def camera_poses(scene: str, dslr: Path) -> dict[str, FloatArray]:
    """Camera to world by image name without ending, `[4, 4]` each; empty where there are none.

    Args:
        scene: the scan's name.
        dslr: its folder `dslr`.

    Raises:
        SceneError: a file of poses is broken.
    """
    if (dslr / _COLMAP).is_file():
        return _read_colmap(scene, dslr / _COLMAP)
    for name in _TRANSFORMS:
        if (dslr / name).is_file():
            return _read_transforms(scene, dslr / name, name)
    return {}


def undistorted_intrinsics(scene: str, dslr: Path) -> Intrinsics | None:
    """Of the undistorted images; None where there are none, as a fisheye is no pinhole camera.

    Raises:
        SceneError: the file is broken.
    """
    if not (dslr / _UNDISTORTED).is_file():
        return None
    loaded = read_json(scene, dslr / _UNDISTORTED, _UNDISTORTED)
    try:
        fx, fy, cx, cy = (float(loaded[key]) for key in ("fl_x", "fl_y", "cx", "cy"))
        return Intrinsics(fx, fy, cx, cy, int(loaded["w"]), int(loaded["h"]))
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(scene, _UNDISTORTED, f"intrinsics are missing ({error})") from error


def _read_colmap(scene: str, path: Path) -> dict[str, FloatArray]:
    """Of each image a line with its pose, then one with points, which may be empty."""
    text = read_text(scene, path, _COLMAP)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = [line.split(maxsplit=_COLMAP_WORDS - 1) for line in lines[::2] if line.strip()]
    if not rows:
        return {}
    try:
        numbers = np.array([row[1 : _COLMAP_WORDS - 2] for row in rows], float)
        names = [Path(row[_COLMAP_WORDS - 1].strip()).stem for row in rows]
        rotations = Rotation.from_quat(numbers[:, [1, 2, 3, 0]]).as_matrix()
    except (ValueError, IndexError) as error:
        raise SceneError(scene, _COLMAP, f"a line is no pose ({error})") from error
    return dict(zip(names, camera_to_world(rotations, numbers[:, 4:]), strict=True))


def _read_transforms(scene: str, path: Path, field: str) -> dict[str, FloatArray]:
    loaded = read_json(scene, path, field)
    poses = {}
    for frame in entries(scene, loaded, field, "frames"):
        try:
            pose = np.array(frame["transform_matrix"], float).reshape(4, 4)
            name = Path(frame["file_path"]).stem
        except (KeyError, TypeError, ValueError) as error:
            raise SceneError(scene, field, f"a frame has no pose ({error})") from error
        poses[name] = _MESH_FROM_NERFSTUDIO @ pose @ _OPENGL_FROM_OPTICAL
    return poses
