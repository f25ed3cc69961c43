"""Frames of an ARKitScenes scan: the camera's path, its images and intrinsics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.datasets.scan_files import camera_to_world, read_text
from vlm3r_ros.worlds.datasets.scan_source import media_path, spread
from vlm3r_ros.worlds.scene import Intrinsics, SceneFrame
from vlm3r_ros.worlds.skipping import SceneError

TRAJECTORY = "lowres_wide.traj"

# The path has 10 poses a second, the images come at up to 60.
_LONGEST_GAP = 0.2
# Names of images have milliseconds, the path has more digits.
_SAME_TIME = 0.005
_PINCAM_NUMBERS = 6


@dataclass(frozen=True, eq=False)
class CameraTrack:
    """Where the camera was.

    Attributes:
        times: ascending `[T]`, seconds.
        T_world_camera: `[T, 4, 4]`, optical frame.
    """

    times: FloatArray
    T_world_camera: FloatArray

    @classmethod
    def read(cls, scene: str, path: Path) -> CameraTrack:
        """Read lines of time, axis times angle (rad) and translation (m), world to camera.

        Raises:
            SceneError: the file is no such path, or has fewer than two poses.
        """
        lines = read_text(scene, path, TRAJECTORY).split("\n")
        try:
            rows = np.array([line.split() for line in lines if line.strip()], float).reshape(-1, 7)
        except ValueError as error:
            raise SceneError(scene, TRAJECTORY, f"a line has not 7 numbers ({error})") from error
        rows = rows[np.isfinite(rows).all(1)]
        rows = rows[np.unique(rows[:, 0], return_index=True)[1]]
        if len(rows) < 2:
            raise SceneError(scene, TRAJECTORY, f"has {len(rows)} poses; it takes two or more")
        rotations = Rotation.from_rotvec(rows[:, 1:4]).as_matrix()
        return cls(rows[:, 0], camera_to_world(rotations, rows[:, 4:]))

    def poses_at(self, times: FloatArray) -> FloatArray:
        """Camera to world at times `[B]`, between its neighbours on the path; `[B, 4, 4]`.

        NaN before its beginning, after its end, and in gaps.
        """
        inside = np.clip(times, self.times[0], self.times[-1])
        left = np.clip(np.searchsorted(self.times, inside, "right") - 1, 0, len(self.times) - 2)
        before, after = self.times[left], self.times[left + 1]
        share = ((inside - before) / (after - before))[:, None]
        centers = self.T_world_camera[:, :3, 3]
        poses = np.tile(np.eye(4), (len(times), 1, 1))
        rotations = Slerp(self.times, Rotation.from_matrix(self.T_world_camera[:, :3, :3]))
        poses[:, :3, :3] = rotations(inside).as_matrix()
        poses[:, :3, 3] = (1 - share) * centers[left] + share * centers[left + 1]
        nearest = np.minimum(np.abs(times - before), np.abs(times - after))
        between = (inside == times) & (after - before <= _LONGEST_GAP)
        poses[~(between | (nearest <= _SAME_TIME))] = np.nan
        return poses


def read_frames(scene: str, folder: Path, split: str) -> tuple[SceneFrame, ...]:
    """Frames spread over the images, or over the path where there are none.

    Args:
        scene: the scan's name.
        folder: with the path.
        split: for the paths of images.

    Returns:
        Frames with poses, numbered from the first image; none where there is no path.

    Raises:
        SceneError: the path is broken, or an image has no time in its name.
    """
    if not (folder / TRAJECTORY).is_file():
        return ()
    track = CameraTrack.read(scene, folder / TRAJECTORY)
    images = sorted((folder / "lowres_wide").glob("*.png"), key=lambda path: _time_of(scene, path))
    times = np.array([_time_of(scene, image) for image in images]) if images else track.times
    chosen = np.array(spread(range(len(times))))
    return tuple(
        SceneFrame(
            frame_id=int(index),
            T_world_camera=pose,
            time=float(times[index] - times[0]),
            color_path=media_path("color", split, f"{scene}/{images[index].name}")
            if images
            else "",
        )
        for index, pose in zip(chosen, track.poses_at(times[chosen]), strict=True)
    )


def read_intrinsics(scene: str, folder: Path) -> Intrinsics | None:
    """The middle of what autofocus makes of the intrinsics; None where there are no files.

    Raises:
        SceneError: a file has not the six numbers.
    """
    field = "lowres_wide_intrinsics"
    files = spread(sorted((folder / field).glob("*.pincam")))
    if not files:
        return None
    try:
        rows = np.array([read_text(scene, file, field).split() for file in files], float)
        width, height, fx, fy, cx, cy = np.median(rows.reshape(-1, _PINCAM_NUMBERS), axis=0)
    except ValueError as error:
        raise SceneError(scene, field, f"a .pincam has not 6 numbers ({error})") from error
    return Intrinsics(float(fx), float(fy), float(cx), float(cy), int(width), int(height))


def _time_of(scene: str, image: Path) -> float:
    try:
        return float(image.stem.rpartition("_")[2])
    except ValueError as error:
        raise SceneError(scene, "lowres_wide", f"{image.name} has no time in its name") from error
