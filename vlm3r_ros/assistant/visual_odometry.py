"""The camera's motion from corners that are followed from frame to frame.

A recurrent network says well how far things are, and less well how the camera stands after hundreds
of frames: errors of one frame stay in its state. Corners followed through the images (Lucas and
Kanade) say to a fraction of a pixel how the camera turned and which way it moved, but not how far.
Together: corners become landmarks where the network tells depth, and the pose is the one from which
they are seen where they are. Parallax improves their depth from frame to frame; how large all of it
is, parallax cannot tell, and the network's later pointmaps do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.depth_correction import depth_correction
from vlm3r_ros.assistant.pose_solving import FloatArray, Lens, PoseFit, Sightings, solve_pose
from vlm3r_ros.assistant.rigid import inverse

_LANDMARKS = 240  # followed at once
_FEW = 180  # below which new ones are wanted
_LEAST = 6  # below which a pose is not believed
_BETWEEN = 1 / 28  # of the image's side, least distance between two corners
_QUALITY = 0.001  # of a corner, against the best one
_WINDOW = (11, 11)
_LEVELS = 3
_THERE_AND_BACK = 1.0  # pixels by which a corner that is followed back may miss its place
_MARGIN = 2  # pixels from the border at which corners are given up
_DEPTH_VARIANCE = 0.06  # of the logarithm of the network's depth: a quarter off
_SCALE_GAIN = 0.3  # share of the difference between a pointmap's scale and ours that is taken on
# Variances of the logarithm of a depth.
_WELL_KNOWN = 0.03
_TOLD_BY_PARALLAX = 0.003
_NEWS = 0.2  # share of what a pointmap says that pointmaps before it have not said
_FILTER_NOISE = 1.5  # pixels
_GATE = 3.0  # standard deviations beyond which a landmark is given up
_CLOSEST = 0.1  # metres
_FARTHEST = 0.5  # by which the logarithm of a depth changes at once


@dataclass(frozen=True, eq=False)
class _Landmarks:
    """Corners with a place in the map; see `Sightings`.

    Attributes:
        pixels: float32 `[N, 2]`, where the last frame shows them.
        origins: `[N, 3]`, where the camera was that found them.
        rays: `[N, 3]`, from there to them.
        variance: `[N]`
    """

    pixels: NDArray[np.float32]
    origins: FloatArray
    rays: FloatArray
    variance: FloatArray

    def __len__(self) -> int:
        return len(self.pixels)

    @classmethod
    def none(cls) -> _Landmarks:
        empty = np.zeros((0, 3))
        return cls(np.zeros((0, 2), np.float32), empty, empty, np.zeros(0))

    def where(self, chosen: NDArray[np.bool_]) -> _Landmarks:
        return _Landmarks(*(getattr(self, item.name)[chosen] for item in fields(self)))

    def and_those(self, others: _Landmarks) -> _Landmarks:
        return _Landmarks(
            *(
                np.concatenate([getattr(self, item.name), getattr(others, item.name)])
                for item in fields(self)
            )
        )

    @property
    def points(self) -> FloatArray:
        """`[N, 3]`, map frame."""
        return self.origins + self.rays


class VisualOdometry:
    """Follows corners, and says where the camera is.

    For each frame, in this order: `follow` its image; `locate` the camera (`start` with the first
    one's pose); `renew` the landmarks if the network told depth, which it should where
    `wants_depth`. Not thread safe.

    Args:
        camera_matrix: `[3, 3]`, in pixels of the images that are followed.
    """

    def __init__(self, camera_matrix: FloatArray) -> None:
        self._lens = Lens(camera_matrix[[0, 1], [0, 1]], camera_matrix[:2, 2])
        self._poses = [np.eye(4)]  # the newest, after the one before it
        self._landmarks = _Landmarks.none()
        self._cost = np.nan
        self._found = 0  # landmarks after the last renewal
        self._gray: NDArray[np.uint8] | None = None

    @property
    def focal(self) -> FloatArray:
        """Focal lengths along x and y `[2]`, pixels."""
        return self._lens.focal

    @property
    def pose(self) -> FloatArray:
        """Where the camera is, `T_map_camera` `[4, 4]`."""
        return self._poses[-1]

    @property
    def cost(self) -> float:
        """How badly landmarks were where the last frame shows them: about 1 is noise alone.

        NaN where there were too few.
        """
        return self._cost

    @property
    def wants_depth(self) -> bool:
        """Whether few landmarks are left in view: too few, and a fifth of those found lost."""
        left = len(self._landmarks)
        return left < _LEAST or left < min(_FEW, 0.8 * self._found)

    def well_known(self) -> FloatArray:
        """Landmarks whose depth parallax has told `[N, 3]`, map frame, metres."""
        return self._landmarks.where(self._landmarks.variance < _TOLD_BY_PARALLAX).points

    def follow(self, gray: NDArray[np.uint8]) -> None:
        """Follows the corners into the next frame.

        Args:
            gray: uint8 `[H, W]`, as large as the frame before.
        """
        before, self._gray = self._gray, gray
        if before is None or not len(self._landmarks):
            return
        pixels = self._landmarks.pixels
        there, found = _follow(before, gray, pixels)
        back, found_back = _follow(gray, before, there)
        height, width = gray.shape
        inside = (there > _MARGIN) & (there < np.array([width, height]) - 1 - _MARGIN)
        kept = found & found_back & inside.all(1)
        kept &= np.abs(back - pixels).max(1) < _THERE_AND_BACK
        self._landmarks = replace(self._landmarks, pixels=there).where(kept)

    def start(self, T_map_camera: FloatArray) -> None:
        """Begins with the camera at a pose `[4, 4]`."""
        self._poses = [T_map_camera]

    def locate(self, step: FloatArray) -> FloatArray:
        """Says where the camera is.

        Args:
            step: `[4, 4]`, the pose in the frame of the camera before, as the network has it. It is
                where the search begins, and what counts where too few landmarks are in view.

        Returns:
            `T_map_camera` `[4, 4]`.
        """
        here = self._poses[-1]
        pose = here @ step
        self._cost = np.nan
        if len(self._landmarks) >= _LEAST:
            guesses = [pose]
            if len(self._poses) > 1:
                guesses.append(here @ inverse(self._poses[-2]) @ here)
            fit = self._fit(here, guesses)
            self._cost = fit.cost / len(fit.deviations)
            near = fit.deviations < _GATE
            if near.sum() >= _LEAST:
                pose = fit.T_map_camera
                self._learn(fit, near)
            else:
                self._landmarks = _Landmarks.none()
        self._poses = [here, pose]
        return pose

    def _fit(self, here: FloatArray, guesses: Sequence[FloatArray]) -> PoseFit:
        marks = self._landmarks
        seen = Sightings(marks.points, marks.rays, marks.variance, marks.pixels.astype(float))
        return solve_pose(seen, self._lens, here, guesses)

    def _learn(self, fit: PoseFit, near: NDArray[np.bool_]) -> None:
        """Gives up outliers; corrects the others' depth."""
        marks = self._landmarks
        noise = _FILTER_NOISE**2
        variance = 1 / (1 / marks.variance + np.square(fit.by_depth).sum(1) / noise)
        change = -variance * (fit.by_depth * fit.residuals).sum(1) / noise
        rays = marks.rays * np.exp(np.clip(change, -_FARTHEST, _FARTHEST))[:, None]
        self._landmarks = replace(marks, rays=rays, variance=variance).where(near)

    def renew(self, points: NDArray[np.float32]) -> None:
        """Makes landmarks of corners where there are none.

        Args:
            points: pointmap of the newest frame `[h, w, 3]`, in its camera's frame, metres; may be
                coarser than the image.
        """
        gray = self._gray
        if gray is None:
            return
        pose = self._poses[-1]
        depth = np.ascontiguousarray(points[..., 2])
        scale = self._compare(_sampled(depth, self._landmarks.pixels, gray.shape), pose)
        wanted = _LANDMARKS - len(self._landmarks)
        corners = _corners(gray, self._landmarks.pixels, wanted)
        at_corners = _sampled(depth, corners, gray.shape) * scale
        known = at_corners > _CLOSEST
        corners, at_corners = corners[known], at_corners[known]
        flat = np.ones((len(corners), 3))
        flat[:, :2] = (corners - self._lens.center) / self._lens.focal
        in_camera = flat * at_corners[:, None]
        R = pose[:3, :3]
        self._landmarks = self._landmarks.and_those(
            _Landmarks(
                corners,
                np.tile(pose[:3, 3], (len(corners), 1)),
                in_camera @ R.T,
                np.full(len(corners), _DEPTH_VARIANCE),
            )
        )
        self._found = len(self._landmarks)

    def correct(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Lets landmarks of well known depth correct a pointmap.

        Args:
            points: of the newest frame `[h, w, 3]`, in its camera's frame, metres.

        Returns:
            `[h, w, 3]`
        """
        marks = self._landmarks.where(self._landmarks.variance < _WELL_KNOWN)
        pose = self._poses[-1]
        known = (marks.points - pose[:3, 3]) @ pose[:3, 2]
        seen = known > _CLOSEST
        if self._gray is None or seen.sum() < _LEAST:
            return points
        size = np.array(points.shape[1::-1])
        pixels = (marks.pixels[seen] + 0.5) * (size / self._gray.shape[::-1]) - 0.5
        pixels = np.clip(pixels, 0, size - 1)
        depth = np.ascontiguousarray(points[..., 2])
        factor = depth_correction(depth, pixels, known[seen], marks.variance[seen])
        return points * factor[..., None]

    def _compare(self, told: FloatArray, pose: FloatArray) -> float:
        """Lets a pointmap's depth at the landmarks `[N]` count a little.

        A pointmap may be too large or too small as a whole. Landmarks, of which several have
        spoken, say by how much.

        Returns:
            How many times as far away landmarks are as the pointmap has them, in the median.
        """
        marks = self._landmarks
        own = (marks.points - pose[:3, 3]) @ pose[:3, 2]
        both = (told > _CLOSEST) & (own > _CLOSEST)
        if both.sum() < _LEAST:
            return 1.0
        change = np.log(np.where(both, told, 1) / np.where(both, own, 1))
        common = float(np.median(change[both]))
        share = np.where(both, marks.variance / (marks.variance + _DEPTH_VARIANCE / _NEWS), 0)
        change = share * np.clip(change - common, -_FARTHEST, _FARTHEST)
        rays = marks.rays * np.exp(change)[:, None]
        self._landmarks = replace(marks, rays=rays, variance=marks.variance * (1 - share))
        self._rescale(float(np.exp(_SCALE_GAIN * common)))
        return float(np.exp((_SCALE_GAIN - 1) * common))

    def _rescale(self, factor: float) -> None:
        """Makes the world larger around the camera."""
        here = self._poses[-1][:3, 3]
        marks = self._landmarks
        origins = here + factor * (marks.origins - here)
        self._landmarks = replace(marks, origins=origins, rays=factor * marks.rays)
        before = self._poses[0].copy()
        before[:3, 3] = here + factor * (before[:3, 3] - here)
        self._poses[0] = before


def _follow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], pixels: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where pixels `[N, 2]` of one image are in the other `[N, 2]`, and which were found `[N]`."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, pixels, pixels.copy(), winSize=_WINDOW, maxLevel=_LEVELS
    )
    return np.asarray(there, np.float32), found[:, 0] > 0


def _corners(
    gray: NDArray[np.uint8], present: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    """New corners `[<= count, 2]` of an image, away from those that are there `[N, 2]`."""
    if count <= 0:
        return np.zeros((0, 2), np.float32)
    apart = max(gray.shape) * _BETWEEN
    free = np.full(gray.shape, 255, np.uint8)
    for x, y in present.round().astype(int).tolist():
        cv2.circle(free, (x, y), round(apart), 0, -1)
    found = cv2.goodFeaturesToTrack(gray, count, _QUALITY, apart, mask=free)
    corners = [] if found is None else found
    return np.asarray(corners, np.float32).reshape(-1, 2)


def _sampled(
    values: NDArray[np.float32], pixels: NDArray[np.float32], size: tuple[int, ...]
) -> FloatArray:
    """Values `[h, w]` at pixels `[N, 2]` of an image of `size`, height and width: `[N]`."""
    shape = np.array(values.shape[::-1])
    cells = ((pixels + 0.5) * (shape / np.array(size[::-1]))).astype(int)
    cells = np.clip(cells, 0, shape - 1)
    return values[cells[:, 1], cells[:, 0]].astype(np.float64)
