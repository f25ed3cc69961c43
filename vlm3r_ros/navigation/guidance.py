"""Following the camera to a target, hint by hint."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.hint import HintConfig, HintStatus, NavigationHint, make_hint, no_hint
from vlm3r_ros.navigation.occupancy import OccupancyGrid
from vlm3r_ros.navigation.target import Target


@dataclass(frozen=True)
class GuidanceConfig:
    """How the camera is followed.

    Attributes:
        hint: how hints are made.
        max_speed: faster, a camera does not move, m/s; its pose has jumped.
        jump: metres by which a pose may be off without that.
    """

    hint: HintConfig = field(default_factory=HintConfig)
    max_speed: float = 3.0
    jump: float = 0.5


class Guidance:
    """Leads to one target until it is reached, cancelled, or the map is gone.

    Example:
        >>> guidance = Guidance(target, session_id)
        >>> while not guidance.finished:
        ...     hint = guidance.update(T_map_camera, occupancy.grid(), session_id, stamp)
    """

    def __init__(
        self, target: Target, session_id: str, config: GuidanceConfig | None = None
    ) -> None:
        self.config = config or GuidanceConfig()
        self._target = target
        self._session_id = session_id
        self._ended: HintStatus | None = None
        self._last: tuple[float, NDArray[np.float64]] | None = None

    @property
    def target(self) -> Target:
        """What it leads to."""
        return self._target

    @property
    def finished(self) -> bool:
        """Whether there are no more hints to come: arrived, cancelled, or another session."""
        return self._ended is not None

    def retarget(self, target: Target) -> None:
        """Goes on to where the target turned out to be; a target without a place is ignored."""
        if target.has_place:
            self._target = target

    def cancel(self) -> NavigationHint:
        """Ends the guidance; returns the hint that says so."""
        self._ended = HintStatus.CANCELLED
        return no_hint(self._target.name, HintStatus.CANCELLED)

    def update(
        self, T_map_camera: ArrayLike, grid: OccupancyGrid, session_id: str, stamp: float
    ) -> NavigationHint:
        """The hint for where the camera is now.

        Where the pose jumped, that one hint says so; the next starts from the new pose.

        Args:
            T_map_camera: of the newest frame `[4, 4]`, optical frame.
            grid: what is known of the floor.
            session_id: of the map that pose and grid belong to.
            stamp: of the newest frame, seconds.
        """
        name = self._target.name
        if self._ended in (HintStatus.CANCELLED, HintStatus.SESSION_RESET):
            return no_hint(name, self._ended, stamp)
        if session_id != self._session_id:
            self._ended = HintStatus.SESSION_RESET
            return no_hint(name, HintStatus.SESSION_RESET, stamp)
        pose = np.asarray(T_map_camera, float)
        if pose.shape == (4, 4) and np.isfinite(pose).all() and self._jumped(pose, stamp):
            return no_hint(name, HintStatus.POSE_JUMP, stamp)
        hint = make_hint(self._target, grid, pose, stamp=stamp, config=self.config.hint)
        self._ended = hint.status if hint.arrived else None
        return hint

    def _jumped(self, pose: NDArray[np.float64], stamp: float) -> bool:
        last, self._last = self._last, (stamp, pose[:3, 3].copy())
        if last is None:
            return False
        moved = float(np.linalg.norm(pose[:3, 3] - last[1]))
        passed = stamp - last[0]
        passed = max(passed, 0.0) if math.isfinite(passed) else 0.0
        return moved > self.config.jump + self.config.max_speed * passed
