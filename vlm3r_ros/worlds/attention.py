"""What somebody with a camera looks at next: that all of a room gets filmed."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.world import World

_NEAREST, _FARTHEST = 0.6, 6.0  # m: from how far things are looked at
_IN_VIEW = 0.4  # of the field of view to either side: what is well within the picture
# Weights of having been seen before (each time) and of the angle to turn (each rad).
_SEEN, _FAR_ROUND = 0.8, 0.25
_MOST_LOOKS = 3.0


class Attention:
    """Which objects have been seen, and which is looked at next.

    Args:
        world: whose objects.
        field_of_view: horizontal, rad.
        generator: draws what remains open.

    Attributes:
        targets: middles of the objects, world frame `[N, 3]`.
    """

    def __init__(self, world: World, field_of_view: float, generator: np.random.Generator) -> None:
        self.targets: FloatArray = np.reshape(
            [item.box.centroid for item in world.objects], (-1, 3)
        )
        self._in_view = _IN_VIEW * field_of_view
        self._generator = generator
        self._floors = [shapely.Polygon(room) for room in world.floor_plan.rooms]
        self._room_of_target = self._rooms(self.targets[:, :2])
        self._looks = np.zeros(len(self.targets))

    def choose(self, place: FloatArray, yaw: float, within: float = np.pi) -> int | None:
        """The object to look at.

        Args:
            place: where from, world x and y `[2]`.
            yaw: where the camera looks now, rad.
            within: how far from there it may be made to look, rad.

        Returns:
            Index into `targets`; None where nothing suits.
        """
        angle, near = self._seen_from(place[None], np.array([yaw]))
        suits = near[0] & (angle[0] <= within)
        if not suits.any():
            return None
        score = self._generator.random(len(suits)) - _FAR_ROUND * angle[0] - _SEEN * self._looks
        return int(np.where(suits, score, -np.inf).argmax())

    def note(self, places: FloatArray, yaws: FloatArray, seconds: float) -> None:
        """Tell it what was filmed: places `[n, 2]`, directions `[n]`, each for that long."""
        angle, near = self._seen_from(places, yaws)
        looks = self._looks + seconds * (near & (angle < self._in_view)).sum(0)
        self._looks = np.minimum(looks, _MOST_LOOKS)

    def _seen_from(
        self, places: FloatArray, yaws: FloatArray
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Angle to each target and whether it is in the same room and near enough, `[n, N]`."""
        away = self.targets[:, :2] - places[:, None]
        bearing = np.arctan2(away[..., 1], away[..., 0])
        angle = np.abs((bearing - yaws[:, None] + np.pi) % (2 * np.pi) - np.pi)
        distance = np.linalg.norm(away, axis=-1)
        same_room = self._room_of_target == self._rooms(places)[:, None]
        return angle, same_room & (distance > _NEAREST) & (distance < _FARTHEST)

    def _rooms(self, places: ArrayLike) -> NDArray[np.intp]:
        """Which room world points `[n, 2]` are in, or else next to: `[n]`."""
        points = shapely.points(np.asarray(places, float))
        return np.asarray(np.argmin([shapely.distance(floor, points) for floor in self._floors], 0))
