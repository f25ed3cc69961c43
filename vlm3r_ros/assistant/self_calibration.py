"""Visual odometry of a camera whose focal length nobody told.

Where the focal length is taken to be another than it is, corners cannot be where landmarks should
be seen once the camera has turned. One odometry that corrects its focal length as it goes bends
landmarks and poses to fit it instead; so several go along, each sure of its own focal length, and
the one that all frames suit best is believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.pose_solving import FloatArray
from vlm3r_ros.assistant.rigid import inverse, orthonormal
from vlm3r_ros.assistant.visual_odometry import VisualOdometry

_SPACING = 0.2  # of the logarithm of the focal lengths that are tried
_OFFSETS = _SPACING * np.arange(-2, 3)
_PRIOR = 0.3  # cost of an offset of 1, squared: the network's guess is rarely far off
# Cost of a metre a frame, squared: a turn seen through a wrong lens looks like a long way.
_MOTION = 5.0
_LOST = 9.0  # cost of a frame by which one has lost all landmarks, as of outliers alone
_LEAST_FRAMES = 30
_MOST_FRAMES = 300
_CLOSEST = 0.1  # metres; what is nearer says nothing of the focal length
_FOCAL_RANGE = (0.3, 3.0)  # of the image's side
_DECISIVE = 0.05  # by which the neighbours' costs exceed the best one's


class SelfCalibratingOdometry:
    """Odometry that finds its focal length; to be used as `VisualOdometry` is.

    Until the focal length is clear, after some seconds of a moving camera, it takes several times
    as long as with a camera matrix.

    Args:
        aspect: width over height of the camera's own image, if it was squashed into the one that is
            followed; pixels are then taken to have been square.
    """

    def __init__(self, aspect: float | None = None) -> None:
        self._aspect = aspect
        self._odometries: list[VisualOdometry] = []
        self._costs = np.zeros(len(_OFFSETS))
        self._frames = 0
        self._best = 0
        self._pose = np.eye(4)
        self._gray: NDArray[np.uint8] | None = None

    @property
    def pose(self) -> FloatArray:
        """Where the camera is, `T_map_camera` `[4, 4]`."""
        return self._pose

    @property
    def focal(self) -> FloatArray | None:
        """Focal lengths along x and y `[2]` of the best one, pixels; None before any depth."""
        return self._odometries[self._best].focal if self._odometries else None

    @property
    def decided(self) -> bool:
        """Whether one focal length is left."""
        return len(self._odometries) == 1

    @property
    def wants_depth(self) -> bool:
        """Whether few landmarks are left in view of the best one."""
        return not self._odometries or self._odometries[self._best].wants_depth

    def follow(self, gray: NDArray[np.uint8]) -> None:
        """Follows the corners into the next frame, uint8 `[H, W]`."""
        self._gray = gray
        for odometry in self._odometries:
            odometry.follow(gray)

    def start(self, T_map_camera: FloatArray) -> None:
        """Begins with the camera at a pose `[4, 4]`."""
        self._pose = T_map_camera
        for odometry in self._odometries:
            odometry.start(T_map_camera)

    def locate(self, step: FloatArray) -> FloatArray:
        """Says where the camera is `[4, 4]`, from the network's step; see `VisualOdometry`."""
        if not self._odometries:
            self._pose = self._pose @ step
            return self._pose
        before = [odometry.pose for odometry in self._odometries]
        after = [odometry.locate(step) for odometry in self._odometries]
        # Who is believed for now says the step, so that poses do not jump from one to another.
        steps = [inverse(one) @ other for one, other in zip(before, after, strict=True)]
        self._pose = orthonormal(self._pose @ steps[self._best])
        if len(steps) > 1:
            self._compare(np.array([step[:3, 3] for step in steps]))
        return self._pose

    def renew(self, points: NDArray[np.float32]) -> None:
        """Makes landmarks of corners where there are none; see `VisualOdometry`."""
        if self._gray is None:
            return
        if not self._odometries:
            self._try_around(focal_of(points, self._gray.shape, self._aspect))
        for odometry in self._odometries:
            odometry.renew(points)

    def correct(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Lets landmarks of well known depth correct a pointmap; see `VisualOdometry`."""
        return self._odometries[self._best].correct(points) if self._odometries else points

    def well_known(self) -> FloatArray:
        """Landmarks whose depth parallax has told `[N, 3]`, map frame, metres."""
        if not self._odometries:
            return np.zeros((0, 3))
        best = self._odometries[self._best]
        T = self._pose @ inverse(best.pose)
        return best.well_known() @ T[:3, :3].T + T[:3, 3]

    def _try_around(self, focal: FloatArray) -> None:
        """Begins with odometries of focal lengths around one `[2]`."""
        self._odometries = [self._odometry(focal * np.exp(offset)) for offset in _OFFSETS]
        self._costs = np.zeros(len(_OFFSETS))
        self._frames = 0
        self._best = len(_OFFSETS) // 2

    def _odometry(self, focal: FloatArray) -> VisualOdometry:
        """One that is sure of its focal lengths `[2]`, where the camera is now."""
        assert self._gray is not None
        K = np.eye(3)
        K[[0, 1], [0, 1]] = focal
        K[:2, 2] = (np.array(self._gray.shape[::-1]) - 1) / 2
        odometry = VisualOdometry(K)
        odometry.follow(self._gray)
        odometry.start(self._pose)
        return odometry

    def _compare(self, moved: FloatArray) -> None:
        """Counts what the frame cost each; lets go of all but the best once that is clear.

        Args:
            moved: by which each moved the camera `[N, 3]`, metres.
        """
        costs = np.array([odometry.cost for odometry in self._odometries])
        if np.isnan(costs).all():
            return
        self._costs += np.nan_to_num(costs, nan=_LOST) + _MOTION * np.square(moved).sum(1)
        self._frames += 1
        total = self._costs / self._frames + _PRIOR * _OFFSETS**2
        best = self._best = int(total.argmin())
        sides = [total[side] for side in (best - 1, best + 1) if 0 <= side < len(total)]
        clear = min(sides) > total[best] + _DECISIVE
        if self._frames < (_LEAST_FRAMES if clear else _MOST_FRAMES):
            return
        focal = self._odometries[best].focal
        if len(sides) == 2:
            left, right = sides
            # The vertex of the parabola through the three.
            share = (left - right) / (2 * (left + right - 2 * total[best]))
            self._odometries = [self._odometry(focal * np.exp(share * _SPACING))]
            self._best = 0
        elif clear:
            # What was tried last may not be the best there is.
            self._try_around(focal)
        else:
            self._odometries = [self._odometries[best]]
            self._best = 0


def focal_of(
    points: NDArray[np.float32], size: tuple[int, ...], aspect: float | None
) -> FloatArray:
    """The focal lengths `[2]` that suit a pointmap `[h, w, 3]` best, in pixels of an image."""
    height, width = points.shape[:2]
    x, y = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    pixels = np.stack(np.meshgrid(x, y), -1)
    depth = points[..., 2:]
    slopes = np.where(depth > _CLOSEST, points[..., :2] / np.maximum(depth, _CLOSEST), 0.0)
    squares = np.where(depth > _CLOSEST, pixels**2, 0.0).sum((0, 1))
    shares = squares / np.maximum((pixels * slopes).sum((0, 1)), 1e-6) / (width, height)
    focal = np.clip(shares, *_FOCAL_RANGE) * (size[1], size[0])
    if aspect is not None:
        focal = np.sqrt(focal.prod()) * np.array([aspect**-0.5, aspect**0.5])
    return np.asarray(focal, np.float64)
