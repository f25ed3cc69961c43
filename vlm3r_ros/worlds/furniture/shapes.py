"""Short ways to write the solids that furniture is made of, in its own frame, metres."""

from __future__ import annotations

from math import asin, atan2, cos, dist, hypot, pi, sin

from vlm3r_ros.worlds.furniture.furniture import Vector
from vlm3r_ros.worlds.primitives import Material, Primitive, Shape


def block(
    material: Material, size: Vector, at: Vector, yaw: float = 0.0, pitch: float = 0.0
) -> Primitive:
    """A box of full `size`; `at` is the middle of its bottom while it is not pitched."""
    x, y, z = at
    half = (size[0] / 2, size[1] / 2, size[2] / 2)
    return Primitive(Shape.BOX, (x, y, z + half[2]), half, material, yaw, pitch)


def tube(
    material: Material,
    radius: float,
    height: float,
    at: Vector,
    *,
    depth: float | None = None,
    pitch: float = 0.0,
) -> Primitive:
    """An upright cylinder; `at` is the middle of its bottom, `depth` its radius along y."""
    x, y, z = at
    half = (radius, radius if depth is None else depth, height / 2)
    return Primitive(Shape.CYLINDER, (x, y, z + height / 2), half, material, 0.0, pitch)


def rod(material: Material, radius: float, length: float, center: Vector) -> Primitive:
    """A cylinder that lies along x."""
    return Primitive(Shape.CYLINDER, center, (radius, radius, length / 2), material, pi / 2, pi / 2)


def disc(
    material: Material, radius: float, thickness: float, center: Vector, tall: float | None = None
) -> Primitive:
    """A cylinder that lies along y; `tall` is its radius along z where it is not round."""
    half = (radius, radius if tall is None else tall, thickness / 2)
    return Primitive(Shape.CYLINDER, center, half, material, 0.0, pi / 2)


def blob(
    material: Material, size: Vector, center: Vector, yaw: float = 0.0, pitch: float = 0.0
) -> Primitive:
    """An ellipsoid of full `size`."""
    half = (size[0] / 2, size[1] / 2, size[2] / 2)
    return Primitive(Shape.ELLIPSOID, center, half, material, yaw, pitch)


def bar(material: Material, thickness: float, start: Vector, end: Vector) -> Primitive:
    """A square beam from one point to another."""
    length = dist(start, end)
    dx, dy, dz = ((b - a) / length for a, b in zip(start, end, strict=True))
    half = (thickness / 2, length / 2, thickness / 2)
    return Primitive(
        Shape.BOX, _middle(start, end), half, material, atan2(-dx, dy), asin(max(-1, min(1, dz)))
    )


def pole(material: Material, radius: float, start: Vector, end: Vector) -> Primitive:
    """A round rod from one point to another."""
    length = dist(start, end)
    dx, dy, dz = ((b - a) / length for a, b in zip(start, end, strict=True))
    half = (radius, radius, length / 2)
    return Primitive(
        Shape.CYLINDER,
        _middle(start, end),
        half,
        material,
        atan2(dx, -dy),
        atan2(hypot(dx, dy), dz),
    )


def ring(
    material: Material, radius: float, thickness: float, center: Vector, sides: int
) -> list[Primitive]:
    """A hoop of straight pieces that faces along y: a wheel's tyre, a cage's rim."""
    x, y, z = center
    corners = [
        (x + radius * cos(2 * pi * k / sides), y, z + radius * sin(2 * pi * k / sides))
        for k in range(sides)
    ]
    return [bar(material, thickness, corners[k - 1], corners[k]) for k in range(sides)]


def scaled(parts: list[Primitive], factor: float) -> list[Primitive]:
    """The same solids, larger or smaller about the origin."""
    return [
        Primitive(
            part.shape,
            (part.center[0] * factor, part.center[1] * factor, part.center[2] * factor),
            (part.half[0] * factor, part.half[1] * factor, part.half[2] * factor),
            part.material,
            part.yaw,
            part.pitch,
        )
        for part in parts
    ]


def _middle(start: Vector, end: Vector) -> Vector:
    return (
        (start[0] + end[0]) / 2,
        (start[1] + end[1]) / 2,
        (start[2] + end[2]) / 2,
    )


def legs(
    material: Material,
    width: float,
    depth: float,
    height: float,
    thickness: float,
    *,
    round_: bool = False,
) -> list[Primitive]:
    """Four upright legs within a rectangle of `width` x `depth` around the origin."""
    x, y = (width - thickness) / 2, (depth - thickness) / 2
    places = [(-x, -y, 0.0), (x, -y, 0.0), (-x, y, 0.0), (x, y, 0.0)]
    if round_:
        return [tube(material, thickness / 2, height, at) for at in places]
    return [block(material, (thickness, thickness, height), at) for at in places]


def star(
    material: Material, arms: int, radius: float, thickness: float, z: float
) -> list[Primitive]:
    """Arms that spread over the floor from the origin, as under an office chair."""
    turns = [pi / 2 + 2 * pi * k / arms for k in range(arms)]
    return [
        block(
            material,
            (radius, thickness, thickness * 0.8),
            (radius / 2 * cos(turn), radius / 2 * sin(turn), z),
            yaw=turn,
        )
        for turn in turns
    ]


def tub(
    material: Material, size: Vector, at: Vector, wall: float, inside: Material | None = None
) -> list[Primitive]:
    """An open box: four walls and a bottom, `wall` thick; `at` is the middle of its bottom."""
    width, depth, height = size
    x, y, z = at
    return [
        block(material, (width, wall, height), (x, y - (depth - wall) / 2, z)),
        block(material, (width, wall, height), (x, y + (depth - wall) / 2, z)),
        block(material, (wall, depth - 2 * wall, height), (x - (width - wall) / 2, y, z)),
        block(material, (wall, depth - 2 * wall, height), (x + (width - wall) / 2, y, z)),
        block(inside or material, (width - 2 * wall, depth - 2 * wall, wall), (x, y, z)),
    ]
