"""Small rooms that tests furnish by hand."""

import numpy as np

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.primitives import Material, Placed, Primitive, Shape, build_table
from vlm3r_ros.worlds.scene import FloorPlan, Scene, SceneObject
from vlm3r_ros.worlds.world import Lighting, Split, World, WorldId

HEIGHT = 2.5


def rectangle(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


ROOM = rectangle(0, 0, 5, 4)


def box(x, y, width, depth, *, bottom=0.0, top=0.8, yaw=0.0):
    return OrientedBox.upright((x, y, (bottom + top) / 2), (width, depth, top - bottom), yaw)


def objects(*placed):
    """`(category, box)` pairs as objects, ids from 0."""
    return tuple(SceneObject(name, where, number) for number, (name, where) in enumerate(placed))


def scene(placed=(), rooms=(ROOM,), passages=(), frames=(), *, has_plan=True):
    things = objects(*placed)
    counts = {}
    for item in things:
        counts[item.category] = counts.get(item.category, 0) + 1
    plan = FloorPlan(tuple(rooms), tuple(passages)) if has_plan else None
    return Scene("room", "rooms", "test", "", 20.0, np.zeros(3), things, counts, frames, None, plan)


def world(placed=(), rooms=(ROOM,), passages=()):
    """A world of plain boxes; each room has a floor and walls as one box seen from inside."""
    parts = [
        Placed(
            [Primitive(Shape.BOX, (0, 0, 0), tuple(where.sides / 2), Material())],
            tuple(where.centroid),
            float(np.arctan2(where.axes[0, 1], where.axes[0, 0])),
            number,
        )
        for number, (_, where) in enumerate(placed)
    ]
    for room in rooms:
        (x0, y0), (x1, y1) = room.min(0), room.max(0)
        half = ((x1 - x0) / 2, (y1 - y0) / 2, HEIGHT / 2)
        shell = Primitive(Shape.BOX, ((x0 + x1) / 2, (y0 + y1) / 2, HEIGHT / 2), half, Material())
        parts.append(Placed([shell]))
    lamp = np.array([[2.0, 2.0, 2.3]], np.float32)
    return World(
        WorldId(Split.TEST, 0, 0),
        "living room",
        objects(*placed),
        build_table(parts),
        Lighting(lamp, np.ones((1, 3), np.float32), np.full(3, 0.3, np.float32)),
        FloorPlan(tuple(rooms), tuple(passages)),
        HEIGHT,
    )
