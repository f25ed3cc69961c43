"""Where the camera is and what it saw of the floor: all that hints rest on, kept per session."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.guidance import Guidance, GuidanceConfig
from vlm3r_ros.navigation.hint import HintStatus, NavigationHint, make_hint, no_hint
from vlm3r_ros.navigation.occupancy import (
    OccupancyConfig,
    OccupancyGrid,
    OccupancyMap,
    UpdateStatus,
)
from vlm3r_ros.navigation.target import Target


@dataclass(frozen=True)
class NavigatorConfig:
    """What is taken in, and how hints are made.

    Attributes:
        occupancy: how evidence about the floor is weighed.
        guidance: how hints are made and the camera is followed.
        least_move, least_turn: metres and radians that the camera has to have moved since the
            last pointmap that went into the map; what is seen twice from one place is no more
            evidence.
        longest_wait: seconds after which a pointmap goes in all the same: things move.
        max_pointmaps: that are kept for lifting attention; as many as there are keyframes.
    """

    occupancy: OccupancyConfig = field(default_factory=OccupancyConfig)
    guidance: GuidanceConfig = field(default_factory=GuidanceConfig)
    least_move: float = 0.1
    least_turn: float = math.radians(10.0)
    longest_wait: float = 1.0
    max_pointmaps: int = 64

    def __post_init__(self) -> None:
        if self.max_pointmaps < 2:
            raise ValueError(f"max_pointmaps is {self.max_pointmaps}; keep at least 2")


@dataclass(frozen=True, eq=False)
class Pointmap:
    """What one frame told of its surroundings.

    Attributes:
        points: in the map frame `[H, W, 3]`, metres; NaN where nothing is known.
        confidence: of the points `[H, W]`, from 1 up; None where unknown.
    """

    points: NDArray[np.float32]
    confidence: NDArray[np.float32] | None


class Navigator:
    """Knows pose and floor of one session and makes hints. Safe to use from several threads.

    Example:
        >>> navigator = Navigator()
        >>> navigator.observe("a", 0.0, T_map_camera, points, confidence)
        >>> navigator.hint(target).instruction
        'Turn left about 40 degrees and walk 2.1 m; the sofa is on your right.'
    """

    def __init__(self, config: NavigatorConfig | None = None) -> None:
        self.config = config or NavigatorConfig()
        self._lock = threading.RLock()
        self._map = OccupancyMap(self.config.occupancy)
        self._way: NDArray[np.float64] | None = None
        self._T_camera_body = np.eye(4)
        self.clear()

    def guide_body(self, T_camera_body: ArrayLike) -> None:
        """Gives hints for what carries the camera in place of the camera itself.

        Args:
            T_camera_body: its pose `[4, 4]` in the camera's optical frame, axes as of an optical
                frame: z is where it goes, y is down.

        Raises:
            ValueError: it is no pose.
        """
        T_camera_body = np.array(T_camera_body, np.float64)
        if T_camera_body.shape != (4, 4) or not np.isfinite(T_camera_body).all():
            raise ValueError("the body's pose is not [4, 4] and finite")
        self._T_camera_body = T_camera_body

    def clear(self) -> None:
        """Forgets everything that was seen."""
        with self._lock:
            self._session_id: str | None = None
            self._pose: tuple[float, NDArray[np.float64]] | None = None
            self._taken_in: tuple[float, NDArray[np.float64]] | None = None
            self._pointmaps: OrderedDict[float, Pointmap] = OrderedDict()
            self._grid: OccupancyGrid | None = None
            self._way = None
            self._map.clear()

    @property
    def session_id(self) -> str | None:
        """Session of the map; None before the first frame."""
        return self._session_id

    @property
    def stamp(self) -> float:
        """Time of the newest frame in seconds; NaN before the first."""
        pose = self._pose
        return math.nan if pose is None else pose[0]

    @property
    def T_map_camera(self) -> NDArray[np.float64] | None:  # noqa: N802
        """Pose of the newest frame's optical frame `[4, 4]`; None before the first."""
        pose = self._pose
        return None if pose is None else pose[1]

    @property
    def pointmaps(self) -> dict[float, Pointmap]:
        """The pointmaps that are kept, by stamp."""
        with self._lock:
            return dict(self._pointmaps)

    def observe(
        self,
        session_id: str,
        stamp: float,
        T_map_camera: ArrayLike,
        points: NDArray[np.floating] | None = None,
        confidence: NDArray[np.floating] | None = None,
    ) -> UpdateStatus | None:
        """Takes in a frame's pose and, where it has one, its pointmap.

        A frame of another session forgets all before it. A pose that is no pose is dropped.

        Args:
            session_id: of the map that the pose belongs to.
            stamp: time of the frame, seconds.
            T_map_camera: pose of the camera's optical frame `[4, 4]`.
            points: pointmap in the map frame `[H, W, 3]`, metres; may hold NaN.
            confidence: of the points `[H, W]`, from 1 up.

        Returns:
            What the map made of the pointmap; None where it had no need of one.
        """
        pose = np.array(T_map_camera, np.float64)
        if pose.shape != (4, 4) or not np.isfinite(pose).all():
            return UpdateStatus.BAD_POSE
        with self._lock:
            if session_id != self._session_id:
                self.clear()
                self._session_id = session_id
            if self._pose is None or stamp >= self._pose[0]:
                self._pose = (stamp, pose)
            if points is None:
                return None
            self._keep(stamp, Pointmap(np.asarray(points, np.float32), confidence))
            if not self._is_news(stamp, pose):
                return None
            status = self._map.update(points, pose, confidence, self._way)
            if status is not UpdateStatus.NO_POINTS:
                self._taken_in = (stamp, pose)
                self._grid = None
            return status

    def keep_only(self, stamps: Collection[float]) -> None:
        """Lets go of pointmaps that belong to no keyframe any more, but for the newest.

        Args:
            stamps: of the keyframes.
        """
        with self._lock:
            newest = next(reversed(self._pointmaps), None)
            for stamp in [s for s in self._pointmaps if s not in stamps and s != newest]:
                del self._pointmaps[stamp]

    def grid(self) -> OccupancyGrid:
        """What is known of the floor."""
        with self._lock:
            if self._grid is None:
                self._grid = self._map.grid()
            return self._grid

    def hint(self, target: Target) -> NavigationHint:
        """The way to a target from where the camera is now."""
        with self._lock:
            pose, grid = self._pose, self.grid()
        if pose is None:
            return no_hint(target.name, HintStatus.NO_FRAMES)
        body = pose[1] @ self._T_camera_body
        hint = make_hint(target, grid, body, stamp=pose[0], config=self.config.guidance.hint)
        self._remember_way(hint)
        return hint

    def follow(self, target: Target) -> Guidance:
        """Guidance to a target in the present session; `lead` gives its hints."""
        return Guidance(target, self._session_id or "", self.config.guidance)

    def lead(self, guidance: Guidance) -> NavigationHint:
        """The next hint of a guidance, for where the camera is now."""
        with self._lock:
            pose, session, grid = self._pose, self._session_id, self.grid()
        if pose is None:
            # After a reset there is no session: the guidance ends as one of another map.
            return guidance.update(np.eye(4), grid, session or "", math.nan)
        hint = guidance.update(pose[1] @ self._T_camera_body, grid, session or "", pose[0])
        self._remember_way(hint)
        return hint

    def _remember_way(self, hint: NavigationHint) -> None:
        """A map that has to be cropped keeps what the way leads over."""
        with self._lock:
            self._way = hint.path[:, :2] if len(hint.path) else None

    def _keep(self, stamp: float, pointmap: Pointmap) -> None:
        self._pointmaps[stamp] = pointmap
        while len(self._pointmaps) > self.config.max_pointmaps:
            self._pointmaps.popitem(last=False)

    def _is_news(self, stamp: float, pose: NDArray[np.float64]) -> bool:
        if self._taken_in is None:
            return True
        then, before = self._taken_in
        if abs(stamp - then) >= self.config.longest_wait:
            return True
        if np.linalg.norm(pose[:3, 3] - before[:3, 3]) >= self.config.least_move:
            return True
        cosine = (np.trace(before[:3, :3].T @ pose[:3, :3]) - 1) / 2
        return math.acos(float(np.clip(cosine, -1.0, 1.0))) >= self.config.least_turn
