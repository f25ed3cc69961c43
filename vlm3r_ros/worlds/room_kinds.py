"""What stands in which kind of room."""

from __future__ import annotations

from dataclasses import dataclass

from vlm3r_ros.worlds import groups
from vlm3r_ros.worlds.floor_plans import Bounds
from vlm3r_ros.worlds.groups import Group

Wish = tuple[float, str, int]
"""A probability, a category, and the largest number of it."""


@dataclass(frozen=True)
class RoomKind:
    """A use of rooms.

    Attributes:
        name: in words.
        weight: how often it is drawn.
        sides: shortest and longest width and depth, metres.
        groups: what is placed first, in this order, each with a probability.
        scattered: what is placed after that.
        windows: fewest and most.
        tiled: whether walls and floor have tiles.
    """

    name: str
    weight: float
    sides: Bounds
    groups: tuple[tuple[float, Group], ...]
    scattered: tuple[Wish, ...]
    windows: tuple[int, int] = (1, 2)
    tiled: bool = False


ANYWHERE: tuple[Wish, ...] = (
    (0.3, "plant", 2),
    (0.2, "clock", 1),
    (0.15, "trash bin", 1),
    (0.12, "backpack", 1),
    (0.1, "printer", 1),
    (0.1, "fan", 1),
    (0.08, "suitcase", 2),
    (0.08, "telephone", 1),
    (0.08, "basket", 1),
    (0.05, "bicycle", 1),
)
"""What may turn up in every room."""

KINDS: tuple[RoomKind, ...] = (
    RoomKind(
        "living room",
        weight=3,
        sides=(3.6, 3.4, 9.0, 7.5),
        groups=(
            (0.15, groups.by_the_fire),
            (1.0, groups.sitting),
            (0.85, groups.watching),
            (0.4, groups.dining),
            (0.15, groups.working),
            (0.12, groups.playing),
            (0.2, groups.sitting),
        ),
        scattered=(
            (0.6, "bookshelf", 2),
            (0.6, "lamp", 2),
            (0.6, "plant", 2),
            (0.7, "picture", 3),
            (0.3, "cabinet", 1),
            (0.25, "chair", 2),
            (0.15, "mirror", 1),
            (0.15, "laptop", 1),
            (0.2, "stool", 2),
            (0.12, "guitar", 1),
            (0.1, "bicycle", 1),
        ),
        windows=(1, 3),
    ),
    RoomKind(
        "bedroom",
        weight=3,
        sides=(3.0, 3.0, 6.5, 5.5),
        groups=((1.0, groups.sleeping), (0.4, groups.working), (0.15, groups.watching)),
        scattered=(
            (0.7, "closet", 1),
            (0.4, "lamp", 2),
            (0.5, "picture", 3),
            (0.4, "mirror", 1),
            (0.3, "suitcase", 2),
            (0.3, "chair", 1),
            (0.3, "bookshelf", 1),
            (0.25, "cabinet", 1),
            (0.15, "guitar", 1),
            (0.15, "towel", 1),
            (0.1, "stool", 1),
        ),
    ),
    RoomKind(
        "kitchen",
        weight=2.5,
        sides=(2.8, 2.8, 6.0, 5.5),
        groups=((1.0, groups.cooking), (0.75, groups.dining), (0.15, groups.laundering)),
        scattered=(
            (0.5, "trash bin", 2),
            (0.4, "stool", 3),
            (0.3, "cabinet", 1),
            (0.3, "towel", 1),
            (0.3, "picture", 2),
            (0.2, "chair", 2),
            (0.2, "microwave", 1),
            (0.15, "laptop", 1),
        ),
    ),
    RoomKind(
        "bathroom",
        weight=2,
        sides=(2.5, 2.5, 4.0, 3.8),
        groups=((1.0, groups.washing), (0.5, groups.laundering)),
        scattered=(
            (0.5, "trash bin", 1),
            (0.35, "basket", 1),
            (0.3, "stool", 1),
            (0.3, "cabinet", 1),
            (0.2, "mirror", 1),
            (0.2, "towel", 1),
        ),
        windows=(0, 1),
        tiled=True,
    ),
    RoomKind(
        "office",
        weight=2,
        sides=(2.8, 2.8, 8.0, 6.0),
        groups=(
            (1.0, groups.working),
            (0.6, groups.working),
            (0.35, groups.working),
            (0.2, groups.dining),
        ),
        scattered=(
            (0.7, "bookshelf", 3),
            (0.5, "cabinet", 2),
            (0.8, "whiteboard", 1),
            (0.6, "printer", 1),
            (0.4, "picture", 2),
            (0.5, "trash bin", 2),
            (0.3, "lamp", 1),
            (0.3, "chair", 2),
            (0.3, "backpack", 2),
            (0.2, "sofa", 1),
            (0.15, "bicycle", 1),
            (0.2, "telephone", 2),
        ),
        windows=(1, 3),
    ),
    RoomKind(
        "dining room",
        weight=1.5,
        sides=(3.2, 3.2, 6.5, 6.0),
        groups=((1.0, groups.dining), (0.2, groups.by_the_fire), (0.15, groups.playing)),
        scattered=(
            (0.7, "cabinet", 2),
            (0.7, "picture", 3),
            (0.4, "lamp", 2),
            (0.3, "mirror", 1),
            (0.3, "bookshelf", 1),
            (0.3, "stool", 2),
            (0.2, "sofa", 1),
            (0.2, "refrigerator", 1),
        ),
        windows=(1, 3),
    ),
    RoomKind(
        "studio apartment",
        weight=2,
        sides=(4.5, 4.2, 9.0, 8.0),
        groups=(
            (0.9, groups.cooking),
            (1.0, groups.sleeping),
            (0.7, groups.sitting),
            (0.5, groups.working),
            (0.5, groups.watching),
            (0.4, groups.dining),
        ),
        scattered=(
            (0.5, "closet", 1),
            (0.3, "bookshelf", 1),
            (0.4, "picture", 2),
            (0.3, "mirror", 1),
            (0.3, "bicycle", 1),
            (0.3, "lamp", 1),
            (0.3, "washing machine", 1),
            (0.2, "guitar", 1),
        ),
        windows=(1, 3),
    ),
    RoomKind(
        "laundry room",
        weight=0.8,
        sides=(2.5, 2.5, 4.5, 4.0),
        groups=((1.0, groups.laundering), (0.4, groups.laundering)),
        scattered=(
            (0.7, "basket", 2),
            (0.5, "sink", 1),
            (0.6, "towel", 2),
            (0.5, "cabinet", 1),
            (0.4, "closet", 1),
            (0.4, "bicycle", 1),
            (0.3, "stool", 1),
            (0.3, "trash bin", 1),
            (0.3, "chair", 1),
            (0.3, "suitcase", 1),
        ),
        windows=(0, 2),
        tiled=True,
    ),
    RoomKind(
        "music room",
        weight=1,
        sides=(3.0, 3.0, 6.5, 6.0),
        groups=((1.0, groups.playing), (0.5, groups.sitting), (0.3, groups.working)),
        scattered=(
            (0.6, "guitar", 2),
            (0.5, "bookshelf", 2),
            (0.6, "chair", 3),
            (0.5, "picture", 3),
            (0.4, "lamp", 2),
            (0.3, "cabinet", 1),
            (0.3, "stool", 2),
            (0.2, "whiteboard", 1),
        ),
    ),
)
