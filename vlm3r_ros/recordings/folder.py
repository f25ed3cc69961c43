"""A folder of pictures, in the order of the numbers in their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vlm3r_ros.recordings.pixel_formats import PixelFormatError, decode_compressed
from vlm3r_ros.recordings.recording import RecordedFrame, Recording, RecordingError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"})
DEFAULT_FRAME_RATE = 10.0

_EXIF_ORIENTATION = 0x0112
_EXIF_SIDEWAYS = frozenset({5, 6, 7, 8})
# Sizes whose aspect ratios differ by less are the same picture, scaled and rounded to whole pixels.
_ASPECT_TOLERANCE = 0.02


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key under which `frame_2` comes before `frame_10`."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    ]


class FolderRecording(Recording):
    """Pictures of one folder at a given rate (10 a second where none is given).

    All frames have the first picture's size: others of the same aspect ratio are resized to it.

    Raises:
        RecordingError: no pictures, or pictures of different shapes.
    """

    def __init__(self, path: Path, fps: float | None = None) -> None:
        super().__init__(path, DEFAULT_FRAME_RATE if fps is None else fps)
        files = sorted(
            (f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file()),
            key=lambda f: natural_key(f.name),
        )
        if not files:
            raise RecordingError(_no_pictures(path))
        # Headers only: a folder of mixed shapes is refused before a single frame is played.
        sizes = [_upright_size(file) for file in files]
        self._files = files
        self._size = next((size for size in sizes if size is not None), None)
        if self._size is None:
            raise RecordingError(f"{path}: none of its {len(files)} pictures can be opened")
        self.num_frames = sum(size is not None for size in sizes)
        aspect = self._size[0] / self._size[1]
        for file, size in zip(files, sizes, strict=True):
            if size is not None and abs(size[0] / size[1] / aspect - 1) > _ASPECT_TOLERANCE:
                raise RecordingError(
                    f"{path}: pictures of different shapes: {self._size[0]}x{self._size[1]} and "
                    f"{size[0]}x{size[1]} ({file.name}); keep one camera's pictures in a folder"
                )

    def _read(self) -> Iterator[RecordedFrame]:
        index = 0
        for file in self._files:
            try:
                image = decode_compressed(file.read_bytes(), upright=True)
            except (OSError, PixelFormatError) as error:
                self._skip(file.name, error)
                continue
            yield RecordedFrame(self._resized(image), index / self.frame_rate)
            index += 1

    def _resized(self, image: np.ndarray) -> np.ndarray:
        if (image.shape[1], image.shape[0]) == self._size:
            return image
        return cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)


def _upright_size(file: Path) -> tuple[int, int] | None:
    """Width and height after the EXIF rotation; None where the header cannot be read."""
    try:
        with Image.open(file) as image:
            width, height = image.size
            sideways = image.getexif().get(_EXIF_ORIENTATION) in _EXIF_SIDEWAYS
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return (height, width) if sideways else (width, height)


def _no_pictures(path: Path) -> str:
    fuller = sorted(
        child.name
        for child in path.iterdir()
        if child.is_dir() and any(f.suffix.lower() in SUFFIXES for f in child.iterdir())
    )
    if fuller:
        return f"{path}: no pictures here, but in {', '.join(fuller[:5])} below; give that folder"
    return f"{path}: no pictures ({', '.join(sorted(SUFFIXES))}) and no rosbag2 metadata.yaml"
