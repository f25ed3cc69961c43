"""Files of scans, read with errors that name the scan and the field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.datasets.ply import Mesh, read_ply
from vlm3r_ros.worlds.scene import VisibleObject
from vlm3r_ros.worlds.skipping import SceneError

MIN_VISIBLE_FRACTION = 1 / 1000
"""Of an image's pixels, for an object to count as seen: 307 of 640x480."""


def read_json(scene: str, path: Path, field: str) -> dict[str, Any]:
    """A JSON dictionary.

    Raises:
        SceneError: it is missing or no JSON dictionary.
    """
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(scene, path, field, error) from error
    except ValueError as error:
        raise SceneError(scene, field, f"is no JSON ({error})") from error
    if not isinstance(loaded, dict):
        raise SceneError(scene, field, f"is a JSON {type(loaded).__name__}, not a dictionary")
    return loaded


def entries(scene: str, loaded: dict[str, Any], field: str, name: str) -> list[dict[str, Any]]:
    """The dictionaries in a list of a JSON dictionary.

    Raises:
        SceneError: there is no such list, or something else is in it.
    """
    found = loaded.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise SceneError(scene, f"{field}: {name}", "is no list of dictionaries")
    return found


def read_mesh(scene: str, path: Path, field: str) -> Mesh:
    """A binary PLY file.

    Raises:
        SceneError: it is missing, broken or empty, or a vertex is not finite.
    """
    try:
        mesh = read_ply(path)
    except OSError as error:
        raise _unreadable(scene, path, field, error) from error
    except ValueError as error:
        raise SceneError(scene, field, str(error)) from error
    if not len(mesh.vertices):
        raise SceneError(scene, field, "has no vertices")
    if not np.isfinite(mesh.vertices).all():
        count = len(mesh.vertices)
        broken = count - int(np.isfinite(mesh.vertices).all(1).sum())
        raise SceneError(scene, field, f"{broken} of {count} vertices are not finite")
    return mesh


def read_text(scene: str, path: Path, field: str) -> str:
    """A text file.

    Raises:
        SceneError: it is missing or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(scene, path, field, error) from error
    except ValueError as error:
        raise SceneError(scene, field, f"is no text ({error})") from error


def read_matrix(path: Path) -> FloatArray | None:
    """The 4x4 matrix in a text file, which may hold inf or NaN; None where there is none."""
    try:
        return np.array(path.read_text(encoding="utf-8").split(), float).reshape(4, 4)
    except (OSError, ValueError):
        return None


def camera_to_world(rotations: FloatArray, translations: FloatArray) -> FloatArray:
    """Inverts world-to-camera rotations `[B, 3, 3]` and translations `[B, 3]` to `[B, 4, 4]`."""
    poses = np.tile(np.eye(4), (len(rotations), 1, 1))
    poses[:, :3, :3] = rotations.transpose(0, 2, 1)
    poses[:, :3, 3] = -np.einsum("bij,bi->bj", rotations, translations)
    return poses


def read_mask(scene: str, path: Path, field: str) -> NDArray[np.integer] | None:
    """An 8 or 16 bit image of ids `[H, W]`; None where there is no file.

    Raises:
        SceneError: it is no such image.
    """
    if not path.is_file():
        return None
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 2:
        raise SceneError(scene, field, f"{path.name} is no image with one channel")
    return np.asarray(image)


def visible_in(
    mask: NDArray[np.integer] | None, *, first_id: int, any_pixel: bool
) -> tuple[VisibleObject, ...]:
    """What a mask shows, by ascending id.

    Args:
        mask: `[H, W]`; 0 is nothing. None shows nothing.
        first_id: instance id of what the mask calls 1.
        any_pixel: whether a single pixel makes visible, as published; by default it takes
            `MIN_VISIBLE_FRACTION` of the image, and the pixels are told.
    """
    if mask is None:
        return ()
    pixels = np.bincount(mask.ravel())
    least = 1 if any_pixel else MIN_VISIBLE_FRACTION * mask.size
    return tuple(
        VisibleObject(
            first_id + value - 1,
            (columns.start, rows.start, columns.stop - 1, rows.stop - 1),
            None if any_pixel else int(pixels[value]),
        )
        for value, place in enumerate(find_objects(mask), 1)
        if place is not None and pixels[value] >= least
        for rows, columns in [place]
    )


def _unreadable(scene: str, path: Path, field: str, error: OSError) -> SceneError:
    if isinstance(error, FileNotFoundError):
        return SceneError(scene, field, f"there is no {path}")
    return SceneError(scene, field, f"{path} cannot be read ({error.strerror})")
