"""What stands in which kind of room."""

from __future__ import annotations

from dataclasses import dataclass

from vlm3r_ros.worlds import groups
from vlm3r_ros.worlds.floor_plans import Bounds
from vlm3r_ros.worlds.groups import Group


@dataclass(frozen=True)
class RoomKind:
    """A use of rooms.

    Attributes:
        name: in words.
        weight: how often it is drawn.
        sides: shortest and longest width and depth, metres.
        groups: what is placed first, in this order, each with a probability.
        scattered: categories placed after that, each with a probability and the largest number.
        windows: fewest and most.
        tiled: whether walls and floor have tiles.
    """

    name: str
    weight: float
    sides: Bounds
    groups: tuple[tuple[float, Group], ...]
    scattered: tuple[tuple[float, str, int], ...]
    windows: tuple[int, int] = (1, 2)
    tiled: bool = False


KINDS: tuple[RoomKind, ...] = (
    RoomKind(
        "living room",
        3,
        (3.6, 3.4, 8.5, 7.0),
        (
            (1.0, groups.sitting),
            (0.85, groups.watching),
            (0.45, groups.dining),
            (0.15, groups.working),
        ),
        (
            (0.7, "bookshelf", 2),
            (0.5, "lamp", 2),
            (0.7, "picture", 3),
            (0.4, "clock", 1),
            (0.3, "cabinet", 1),
            (0.3, "chair", 2),
            (0.2, "mirror", 1),
            (0.2, "trash bin", 1),
            (0.2, "telephone", 1),
            (0.2, "laptop", 1),
            (0.15, "suitcase", 1),
            (0.2, "backpack", 1),
            (0.2, "stool", 2),
            (0.2, "basket", 1),
        ),
    ),
    RoomKind(
        "bedroom",
        3,
        (3.0, 3.0, 6.0, 5.5),
        ((1.0, groups.sleeping), (0.45, groups.working)),
        (
            (0.7, "closet", 1),
            (0.4, "lamp", 2),
            (0.5, "picture", 3),
            (0.4, "mirror", 1),
            (0.3, "clock", 1),
            (0.3, "suitcase", 2),
            (0.3, "backpack", 1),
            (0.3, "chair", 1),
            (0.3, "bookshelf", 1),
            (0.25, "cabinet", 1),
            (0.2, "basket", 1),
            (0.2, "trash bin", 1),
        ),
    ),
    RoomKind(
        "office",
        2,
        (2.8, 2.8, 8.0, 6.0),
        (
            (1.0, groups.working),
            (0.7, groups.working),
            (0.4, groups.working),
            (0.25, groups.dining),
        ),
        (
            (0.7, "bookshelf", 3),
            (0.6, "cabinet", 2),
            (0.5, "whiteboard", 1),
            (0.6, "printer", 1),
            (0.4, "clock", 1),
            (0.4, "picture", 2),
            (0.5, "trash bin", 1),
            (0.3, "lamp", 1),
            (0.3, "chair", 2),
            (0.4, "backpack", 2),
            (0.2, "sofa", 1),
        ),
    ),
)
