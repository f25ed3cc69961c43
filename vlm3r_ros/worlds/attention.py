"""What somebody with a camera looks at next: that all of a room gets filmed."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.world import World

_NEAREST, _FARTHEST = 0.6, 6.0  # m: from how far things are looked at
_IN_VIEW = 0.4  # of the field of view to either side: what is well within the picture
# A thing is looked at the less gladly, the longer it was seen (each s), the farther the camera must
# turn (each rad), and the more of the picture it would fill (each m nearer than comfortable).
_SEEN, _FAR_ROUND, _TOO_NEAR = 0.5, 0.15, 0.6
_LONGEST_SEEN = 5.0  # s
_COMFORTABLE = 1.6  # m


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
        self._seen = np.zeros(len(self.targets))

    def choose(self, place: FloatArray, yaw: float, within: float = np.pi) -> int | None:
        """The object to look at.

        Args:
            place: where from, world x and y `[2]`.
            yaw: where the camera looks now, rad.
            within: how far from there it may be made to look, rad.

        Returns:
            Index into `targets`; None where nothing suits.
        """
        angle, distance = (part[0] for part in self._seen_from(place[None], np.array([yaw])))
        suits = _is_near(distance) & (angle <= within)
        if not suits.any():
            return None
        score = self._generator.random(len(suits)) - _SEEN * self._seen - _FAR_ROUND * angle
        score -= _TOO_NEAR * np.maximum(_COMFORTABLE - distance, 0)
        return int(np.where(suits, score, -np.inf).argmax())

    def note(self, places: FloatArray, yaws: FloatArray, seconds: float) -> None:
        """Tell it what was filmed: places `[n, 2]`, directions `[n]`, each for that long."""
        angle, distance = self._seen_from(places, yaws)
        seen = (_is_near(distance) & (angle < self._in_view)).sum(0)
        self._seen = np.minimum(self._seen + seconds * seen, _LONGEST_SEEN)

    def _seen_from(self, places: FloatArray, yaws: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Angle from where the camera looks, and distance, of each target `[n, N]`.

        What is in another room is infinitely far.
        """
        away = self.targets[:, :2] - places[:, None]
        bearing = np.arctan2(away[..., 1], away[..., 0])
        angle = np.abs((bearing - yaws[:, None] + np.pi) % (2 * np.pi) - np.pi)
        same_room = self._room_of_target == self._rooms(places)[:, None]
        return angle, np.where(same_room, np.hypot(away[..., 0], away[..., 1]), np.inf)

    def _rooms(self, places: ArrayLike) -> NDArray[np.intp]:
        """Which room world points `[n, 2]` are in, or else next to: `[n]`."""
        if len(self._floors) == 1:
            return np.zeros(len(np.asarray(places)), np.intp)
        points = shapely.points(np.asarray(places, float))
        return np.asarray(np.argmin([shapely.distance(floor, points) for floor in self._floors], 0))


def _is_near(distance: FloatArray) -> NDArray[np.bool_]:
    return (distance > _NEAREST) & (distance < _FARTHEST)
