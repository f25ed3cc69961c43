"""In which direction a thing is for someone who stands by another and faces a third."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from random import Random

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import (
    BACK_ANGLE,
    DIRECTION_DISTANCE_MAX,
    DIRECTION_DISTANCE_MIN,
    DIRECTION_MARGIN,
    DIRECTION_PLAN_DISTANCE_MIN,
    DIRECTION_STAND_HEIGHT,
    DIRECTION_STRAY_CORNERS,
)
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.worlds.boxes import FloatArray

# Orders that the published generators try of a triple (a, b, c): stand by, face, ask for.
_PUBLISHED_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2))


@dataclass(frozen=True)
class Compass:
    """Sectors around someone who faces angle 0, counter-clockwise.

    Attributes:
        bounds: where each sector ends, degrees; the first begins at 0.
        words: what each is called.
        options: the words to choose from; what lies in another sector is not asked for.
    """

    bounds: tuple[float, ...]
    words: tuple[str, ...]
    options: tuple[str, ...]

    def sector(self, angles: FloatArray) -> NDArray[np.intp]:
        """Number of the sector that angles `[...]` in [0, 360) lie in."""
        return np.searchsorted(self.bounds, angles, side="right")

    def off_margin(self, angles: FloatArray, one_sided: bool) -> NDArray[np.bool_]:
        """Whether angles `[...]` are far enough from where the sectors meet.

        Args:
            angles: degrees in [0, 360).
            one_sided: only before the end of a sector, not after its beginning.
        """
        starts = np.array([0.0, *self.bounds[:-1]])
        sector = self.sector(angles)
        ends = np.array(self.bounds)
        off = ends[sector] - angles >= DIRECTION_MARGIN
        if not one_sided:
            off &= angles - starts[sector] >= DIRECTION_MARGIN
        return np.asarray(off)


QUADRANTS = Compass(
    (90.0, 180.0, 270.0, 360.0),
    ("front-left", "back-left", "back-right", "front-right"),
    ("front-left", "front-right", "back-left", "back-right"),
)
_SIDES = (BACK_ANGLE, 360.0 - BACK_ANGLE, 360.0), ("left", "back", "right")
LEFT_RIGHT_BACK = Compass(*_SIDES, ("left", "right", "back"))
LEFT_RIGHT = Compass(*_SIDES, ("left", "right"))


@dataclass(frozen=True, eq=False)
class Directions:
    """Angles of all triples of unique objects that are neither too near nor too far apart.

    Attributes:
        triples: numbers of the objects to stand by, to face and to ask for, `[K, 3]`.
        centroids: angle of the asked one's centroid from straight ahead, counter-clockwise, degrees
            in [0, 360), `[K]`.
        corners: of its box's corners, `[K, 8]`.
    """

    triples: NDArray[np.intp]
    centroids: FloatArray
    corners: FloatArray

    @classmethod
    def of(cls, view: SceneView) -> Directions:
        """Of a scene, in every order."""
        unique = np.array(view.unique, int)
        near = view.object_distances[np.ix_(unique, unique)]
        fit = (near >= DIRECTION_DISTANCE_MIN) & (near <= DIRECTION_DISTANCE_MAX)
        plan = view.boxes.centroids[unique, :2]
        corners = view.boxes.corners()
        stood_by = np.ones(len(unique), bool)
        if not view.published:
            apart = np.linalg.norm(plan[:, None] - plan, axis=-1)
            fit &= apart >= DIRECTION_PLAN_DISTANCE_MIN
            bottoms = corners[..., 2].min(1, initial=np.inf)
            lowest = bottoms.min(initial=np.inf)
            stood_by = bottoms[unique] <= lowest + DIRECTION_STAND_HEIGHT
        np.fill_diagonal(fit, False)
        triples = np.argwhere(stood_by[:, None, None] & fit[:, :, None] & fit[:, None] & fit)
        stand, face, ask = triples.T
        forward = plan[face] - plan[stand]
        asked = corners[unique[ask], :, :2]
        return cls(
            unique[triples],
            _angles(forward, plan[ask] - plan[stand]),
            _angles(forward[:, None], asked - plan[stand][:, None]),
        )


def object_rel_direction(
    task: QuestionType, compass: Compass, view: SceneView, random: Random, wanted: int
) -> list[Draft]:
    """Directions to unique objects; exact: in all six orders of a triple, off both margins."""
    found = view.once(Directions.of)
    sector = compass.sector(found.centroids)
    stray = (compass.sector(found.corners) != sector[:, None]).sum(-1)
    words = np.array(compass.words)[sector]
    good = compass.off_margin(found.centroids, one_sided=view.published and compass is QUADRANTS)
    good &= (stray <= DIRECTION_STRAY_CORNERS) & np.isin(words, compass.options)
    if view.published:
        chosen = _published_choice(view, found, good, random, wanted)
    else:
        candidates = np.nonzero(good)[0]
        chosen = [int(candidates[i]) for i in spread(words[good].tolist(), wanted, random)]
    return [
        _draft(task, compass, [view.category(i) for i in found.triples[k].tolist()], str(words[k]))
        for k in chosen
    ]


object_rel_direction_v1 = partial(
    object_rel_direction, QuestionType.OBJECT_REL_DIRECTION_V1, QUADRANTS
)
object_rel_direction_v2 = partial(
    object_rel_direction, QuestionType.OBJECT_REL_DIRECTION_V2, LEFT_RIGHT_BACK
)
object_rel_direction_v3 = partial(
    object_rel_direction, QuestionType.OBJECT_REL_DIRECTION_V3, LEFT_RIGHT
)


def _published_choice(
    view: SceneView, found: Directions, good: NDArray[np.bool_], random: Random, wanted: int
) -> list[int]:
    """Triples are cut to the wanted number before they are looked at; three orders of each."""
    triples = list(combinations(view.unique, 3))
    number = {tuple(triple): k for k, triple in enumerate(found.triples.tolist())}
    kept = []
    for triple in random.sample(triples, min(wanted, len(triples))):
        for order in _PUBLISHED_ORDERS:
            k = number.get(tuple(triple[i] for i in order))
            if k is not None and good[k]:
                kept.append(k)
    return random.sample(kept, min(wanted, len(kept)))


def _draft(task: QuestionType, compass: Compass, names: list[str], word: str) -> Draft:
    stand, face, ask = names
    return Draft(
        task,
        truth=word,
        answer=word,
        distractors=tuple(option for option in compass.options if option != word),
        fields={"positioning_object": stand, "orienting_object": face, "querying_object": ask},
        categories={
            "category, positioning object": stand,
            "category, orienting object": face,
            "category, querying object": ask,
        },
        subject=ask,
    )


def _angles(forward: FloatArray, to: FloatArray) -> FloatArray:
    """Counter-clockwise from one direction to another `[..., 2]`, degrees in [0, 360)."""
    cross = forward[..., 0] * to[..., 1] - forward[..., 1] * to[..., 0]
    dot = (forward * to).sum(-1)
    return np.asarray(np.degrees(np.arctan2(cross, dot)) % 360.0) % 360.0
