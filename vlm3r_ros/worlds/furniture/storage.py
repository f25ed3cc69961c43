"""Things that hold other things: shelves, cupboards, bags and bins."""

from __future__ import annotations

from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.furniture.materials import (
    BLACK,
    DARK,
    GLASS,
    RUBBER,
    STEEL,
    cloth,
    color,
    darker,
    metal,
    plain,
    plastic,
    wood,
)
from vlm3r_ros.worlds.furniture.shapes import blob, block, legs, tub, tube
from vlm3r_ros.worlds.primitives import Material, Primitive, Texture


def bookshelf(random: Random) -> Furniture:
    """An open case of boards filled with rows of books."""
    case = wood(random)
    width, depth = random.uniform(0.6, 1.2), random.uniform(0.26, 0.36)
    rows = random.choice((2, 3, 4, 5, 5, 6))
    pitch = random.uniform(0.32, 0.38)
    board = 0.022
    height = rows * pitch + board + 0.05
    parts = [
        block(case, (board, depth, height), (side * (width - board) / 2, 0, 0)) for side in (-1, 1)
    ]
    inner = width - 2 * board
    parts.append(block(case, (inner, 0.012, height), (0, depth / 2 - 0.006, 0)))
    for row in range(rows + 1):
        z = 0.05 + row * pitch if row else 0.04
        parts.append(
            block(case, (inner, depth - 0.014, board), (0, -0.006, min(z, height - board)))
        )
    for row in range(rows):
        draw = random.random()
        z = 0.05 + row * pitch + board
        if draw < 0.8:
            tall, deep = pitch * random.uniform(0.6, 0.8), depth * random.uniform(0.55, 0.75)
            share = random.uniform(0.5, 1.0)
            side = random.choice((-1, 1))
            books = Material(Texture.BOOKS, color(random), color(random, muted=True))
            parts.append(
                block(
                    books,
                    (inner * share - 0.01, deep, tall),
                    (side * inner * (1 - share) / 2, depth / 2 - 0.02 - deep / 2, z),
                )
            )
        elif draw < 0.92:
            vase = plastic(random)
            parts.append(blob(vase, (0.14, 0.14, 0.22), (inner * 0.2, 0, z + 0.11)))
    return Furniture.of(
        "bookshelf",
        parts,
        surfaces=(Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height),),
    )


def cabinet(random: Random) -> Furniture:
    """A sideboard or chest: doors or drawers with handles, on legs or a plinth."""
    body = wood(random) if random.random() < 0.75 else plain(color(random, muted=True))
    front = body if random.random() < 0.6 else wood(random)
    width = random.uniform(0.8, 1.8)
    depth, height = random.uniform(0.38, 0.5), random.uniform(0.6, 1.0)
    return _cupboard(random, "cabinet", body, front, (width, depth, height))


def tv_stand(random: Random) -> Furniture:
    """A long, low cabinet."""
    body = wood(random)
    front = body if random.random() < 0.5 else wood(random)
    size = (random.uniform(1.2, 1.9), random.uniform(0.38, 0.48), random.uniform(0.42, 0.55))
    return _cupboard(random, "cabinet", body, front, size)


def _cupboard(
    random: Random,
    category: str,
    body: Material,
    front: Material,
    size: tuple[float, float, float],
) -> Furniture:
    width, depth, height = size
    feet = random.choice((0.06, 0.12, 0.18))
    tall = height - feet - 0.025
    handle = metal(random)
    parts = legs(handle if feet > 0.1 else body, width - 0.06, depth - 0.06, feet, 0.04)
    parts.append(block(body, (width - 0.02, depth - 0.03, tall), (0, 0.015, feet)))
    parts.append(block(body, (width, depth, 0.025), (0, 0, height - 0.025)))
    columns = max(2, round(width / 0.5))
    cell = (width - 0.04) / columns
    y = -depth / 2 + 0.02
    drawers = random.random() < 0.45
    rows = max(2, round(tall / 0.22)) if drawers else 1
    for column in range(columns):
        x = (column - (columns - 1) / 2) * cell
        for row in range(rows):
            z = feet + row * tall / rows
            parts.append(block(front, (cell - 0.015, 0.022, tall / rows - 0.015), (x, y, z)))
            if drawers:
                parts.append(
                    block(handle, (cell * 0.4, 0.018, 0.014), (x, y - 0.02, z + tall / rows * 0.65))
                )
            else:
                side = 1 if column % 2 == 0 else -1
                parts.append(
                    block(
                        handle,
                        (0.014, 0.018, min(0.2, tall * 0.4)),
                        (x + side * (cell / 2 - 0.05), y - 0.02, z + tall * 0.45),
                    )
                )
    surface = Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height)
    return Furniture.of(category, parts, surfaces=(surface,), front=0.45)


def closet(random: Random) -> Furniture:
    """A wardrobe with two to four tall doors, sometimes with mirrors or drawers below."""
    body = wood(random)
    doors = random.choice((2, 2, 3, 4))
    width = doors * random.uniform(0.42, 0.52)
    depth, height = random.uniform(0.52, 0.62), random.uniform(1.85, 2.2)
    handle = metal(random)
    parts = [
        block(body, (width, depth - 0.03, height - 0.06), (0, 0.015, 0.06)),
        block(DARK, (width - 0.04, depth - 0.1, 0.06), (0, 0.03, 0)),
        block(body, (width + 0.04, depth, 0.04), (0, 0, height - 0.04)),
    ]
    door = width / doors
    drawers = 0.4 if random.random() < 0.35 else 0.0
    mirrored = random.randrange(doors) if random.random() < 0.25 else -1
    y = -depth / 2 + 0.02
    for k in range(doors):
        x = (k - (doors - 1) / 2) * door
        bottom = 0.08 + drawers
        tall = height - 0.06 - bottom
        parts.append(block(body, (door - 0.012, 0.022, tall), (x, y, bottom)))
        if k == mirrored:
            parts.append(
                block(GLASS, (door - 0.1, 0.01, tall - 0.12), (x, y - 0.012, bottom + 0.06))
            )
        elif random.random() < 0.8:
            for low, share in ((0.06, 0.4), (0.53, 0.42)):
                parts.append(
                    block(
                        body,
                        (door - 0.14, 0.012, tall * share),
                        (x, y - 0.012, bottom + tall * low),
                    )
                )
        side = 1 if k % 2 == 0 else -1
        at = (x + side * (door / 2 - 0.045), y - 0.03, bottom + tall * 0.42)
        parts.append(block(handle, (0.018, 0.03, 0.2), at))
        if drawers:
            parts.append(block(body, (door - 0.012, 0.022, drawers - 0.02), (x, y, 0.08)))
            parts.append(block(handle, (0.16, 0.025, 0.018), (x, y - 0.02, 0.08 + drawers * 0.6)))
    return Furniture.of("closet", parts, front=0.55)


def suitcase(random: Random) -> Furniture:
    """An upright trolley case with ribs, wheels and a pulled-out handle."""
    shell = plastic(random)
    width, depth = random.uniform(0.36, 0.48), random.uniform(0.22, 0.3)
    height = random.uniform(0.5, 0.68)
    base = 0.05
    parts = [block(shell, (width, depth, height), (0, 0, base))]
    rib = Material(Texture.PLAIN, darker(shell.color, 0.75), shell.second)
    parts += [
        block(rib, (0.02, depth + 0.012, height - 0.06), (share * width, 0, base + 0.03))
        for share in (-0.36, -0.18, 0.0, 0.18, 0.36)
    ]
    for side in (-1, 1):
        for end in (-1, 1):
            at = (side * (width / 2 - 0.04), end * (depth / 2 - 0.04), base / 2)
            parts.append(blob(RUBBER, (base, base, base), at))
    parts.append(block(BLACK, (width * 0.35, 0.03, 0.025), (0, 0, base + height)))
    pulled = random.uniform(0.25, 0.4)
    y = depth / 2 - 0.03
    parts += [block(STEEL, (0.018, 0.018, pulled), (x, y, base + height)) for x in (-0.09, 0.09)]
    parts.append(block(BLACK, (0.22, 0.03, 0.03), (0, y, base + height + pulled)))
    return Furniture.of("suitcase", parts)


def backpack(random: Random) -> Furniture:
    """A rounded sack with a front pocket, two straps and a grab loop."""
    cover = cloth(random, patterned=0.1)
    other = cloth(random, patterned=0.0)
    width, depth, height = (
        random.uniform(0.28, 0.34),
        random.uniform(0.18, 0.24),
        random.uniform(0.4, 0.5),
    )
    parts = [
        block(cover, (width, depth, height * 0.8), (0, 0, 0)),
        blob(cover, (width, depth, height * 0.5), (0, 0, height * 0.75)),
        block(other, (width * 0.75, 0.07, height * 0.38), (0, -depth / 2 - 0.025, 0.03)),
        blob(other, (width * 0.72, 0.09, height * 0.16), (0, -depth / 2 - 0.02, height * 0.45)),
        block(DARK, (width * 0.7, 0.012, 0.018), (0, -depth / 2 - 0.062, height * 0.34)),
    ]
    parts += [
        block(
            DARK,
            (0.05, 0.025, height * 0.75),
            (side * width * 0.28, depth / 2 + 0.025, height * 0.1),
            pitch=0.06,
        )
        for side in (-1, 1)
    ]
    parts.append(block(DARK, (0.1, 0.02, 0.05), (0, depth / 2 - 0.03, height * 0.94)))
    return Furniture.of("backpack", parts)


def trash_bin(random: Random) -> Furniture:
    """A pedal bin, an open paper basket or a swing-top box."""
    style = random.randrange(3)
    parts: list[Primitive]
    if style == 0:
        body, lid = (STEEL, BLACK) if random.random() < 0.5 else (plastic(random), DARK)
        radius, height = random.uniform(0.12, 0.17), random.uniform(0.35, 0.6)
        parts = [
            tube(BLACK, radius, 0.04, (0, 0, 0)),
            tube(body, radius * 0.97, height - 0.07, (0, 0, 0.04)),
            tube(lid, radius, 0.03, (0, 0, height - 0.03)),
            blob(lid, (radius * 1.8, radius * 1.8, 0.08), (0, 0, height)),
            block(BLACK, (0.1, 0.07, 0.02), (0, -radius - 0.02, 0.02)),
        ]
    elif style == 1:
        body = plastic(random)
        width, height = random.uniform(0.24, 0.3), random.uniform(0.28, 0.36)
        parts = tub(body, (width, width * 0.85, height), (0, 0, 0), 0.012, BLACK)
        rim = 0.02
        parts += tub(body, (width + rim, width * 0.85 + rim, 0.025), (0, 0, height), 0.022)[:4]
    else:
        body, lid = plastic(random), plastic(random)
        width, depth, height = (
            random.uniform(0.26, 0.36),
            random.uniform(0.22, 0.3),
            random.uniform(0.45, 0.65),
        )
        parts = [
            block(body, (width, depth, height * 0.78), (0, 0, 0)),
            block(lid, (width + 0.02, depth + 0.02, 0.03), (0, 0, height * 0.78)),
            block(
                lid, (width * 0.9, 0.02, height * 0.2), (0, -depth * 0.26, height * 0.78), pitch=0.9
            ),
            block(
                lid, (width * 0.9, 0.02, height * 0.2), (0, depth * 0.26, height * 0.78), pitch=-0.9
            ),
            block(BLACK, (width * 0.8, depth * 0.5, 0.04), (0, 0, height * 0.8)),
        ]
    return Furniture.of("trash bin", parts)


def basket(random: Random) -> Furniture:
    """An open laundry basket with two handles."""
    weave = Material(Texture.CHECKS, color(random, muted=True), color(random, muted=True), 0.35)
    width, depth, height = (
        random.uniform(0.38, 0.5),
        random.uniform(0.3, 0.4),
        random.uniform(0.28, 0.5),
    )
    parts = tub(weave, (width, depth, height), (0, 0, 0), 0.02, DARK)
    if random.random() < 0.6:
        parts.append(blob(cloth(random), (width * 0.8, depth * 0.8, 0.2), (0, 0, height - 0.02)))
    for side in (-1, 1):
        parts.append(
            block(weave, (0.02, 0.16, 0.03), (side * (width / 2 + 0.01), 0, height - 0.06))
        )
    return Furniture.of("basket", parts)
