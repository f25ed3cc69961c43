"""Materials of furniture, drawn at random from what is found in homes."""

from __future__ import annotations

from colorsys import hsv_to_rgb
from random import Random

from vlm3r_ros.worlds.primitives import Color, Material, Texture

_GAMMA = 2.2  # colours are chosen as a screen shows them and stored as linear light

# Hue, saturation, value as seen on a screen.
_WOODS = (
    (0.08, 0.35, 0.85),  # birch
    (0.09, 0.50, 0.72),  # oak
    (0.07, 0.60, 0.58),  # beech, dark
    (0.05, 0.62, 0.45),  # cherry
    (0.06, 0.55, 0.32),  # walnut
    (0.04, 0.40, 0.22),  # wenge
    (0.10, 0.05, 0.93),  # painted white
    (0.08, 0.10, 0.70),  # grey wash
)


def seen(hue: float, saturation: float, value: float) -> Color:
    """Linear colour of what a screen shows as this hue, saturation and value, all in [0, 1]."""
    red, green, blue = hsv_to_rgb(hue % 1.0, min(saturation, 1.0), min(value, 1.0))
    return (red**_GAMMA, green**_GAMMA, blue**_GAMMA)


def darker(color: Color, factor: float) -> Color:
    """The colour with its light multiplied."""
    return (color[0] * factor, color[1] * factor, color[2] * factor)


def plain(color: Color, emission: float = 0.0) -> Material:
    """Paint or plastic of one colour."""
    return Material(Texture.PLAIN, color, darker(color, 0.6), emission=emission)


def gray(value: float) -> Material:
    """Plain gray; `value` as seen on a screen."""
    return plain(seen(0, 0, value))


BLACK = gray(0.12)
DARK = gray(0.25)
WHITE = gray(0.93)
RUBBER = gray(0.16)
GLASS = Material(Texture.MIRROR, seen(0.52, 0.08, 0.85), seen(0.55, 0.10, 0.95))
STEEL = Material(Texture.METAL, seen(0.58, 0.03, 0.72), seen(0.58, 0.03, 0.55))
CERAMIC = Material(Texture.PLAIN, seen(0.12, 0.02, 0.96), seen(0.12, 0.02, 0.85))
DARK_GLASS = Material(Texture.MIRROR, seen(0.6, 0.2, 0.16), seen(0.6, 0.1, 0.28))


def wood(random: Random) -> Material:
    """Wood of some tree, or painted wood."""
    hue, saturation, value = random.choice(_WOODS)
    color = seen(
        hue + random.uniform(-0.01, 0.01),
        saturation * random.uniform(0.85, 1.1),
        value * random.uniform(0.9, 1.05),
    )
    return Material(Texture.WOOD, color, darker(color, 0.55), random.uniform(0.7, 1.4))


def metal(random: Random) -> Material:
    """Steel, black or white lacquer, or brass."""
    hue, saturation, value = random.choice(
        ((0.58, 0.03, 0.72), (0.6, 0.05, 0.2), (0.1, 0.02, 0.9), (0.12, 0.5, 0.7), (0.6, 0.04, 0.4))
    )
    color = seen(hue, saturation, value * random.uniform(0.9, 1.05))
    return Material(Texture.METAL, color, darker(color, 0.65))


def color(random: Random, *, muted: bool = False) -> Color:
    """Any hue; `muted` as walls and large covers have it."""
    if muted:
        return seen(random.random(), random.uniform(0.05, 0.4), random.uniform(0.5, 0.9))
    return seen(random.random(), random.uniform(0.3, 0.9), random.uniform(0.3, 0.9))


def plastic(random: Random) -> Material:
    """White, black, gray or coloured."""
    if random.random() < 0.5:
        return gray(random.choice((0.93, 0.85, 0.5, 0.3, 0.15)))
    return plain(color(random))


def device(random: Random) -> Material:
    """What office machines and screens are cased in."""
    return gray(random.choice((0.12, 0.2, 0.3, 0.75, 0.9)))


def cloth(random: Random, *, patterned: float = 0.25) -> Material:
    """Woven cover: one colour, or striped or checked with probability `patterned`."""
    base = color(random, muted=random.random() < 0.6)
    if random.random() < patterned:
        texture = random.choice((Texture.STRIPES, Texture.CHECKS))
        return Material(texture, base, color(random, muted=True), random.uniform(0.5, 1.5))
    return Material(Texture.FABRIC, base, darker(base, 0.6), random.uniform(0.7, 1.5))


def leather(random: Random) -> Material:
    """Smooth cover."""
    hue, saturation, value = random.choice(
        ((0.06, 0.6, 0.4), (0.08, 0.5, 0.6), (0, 0, 0.15), (0.1, 0.15, 0.85), (0.0, 0.6, 0.45))
    )
    return plain(seen(hue, saturation, value * random.uniform(0.9, 1.1)))


def upholstery(random: Random) -> Material:
    """Cloth, more often than leather."""
    return cloth(random) if random.random() < 0.75 else leather(random)


def white_goods(random: Random) -> Material:
    """What kitchen and laundry machines are cased in."""
    draw = random.random()
    if draw < 0.5:
        return gray(random.uniform(0.88, 0.96))
    if draw < 0.8:
        return STEEL
    return gray(0.2) if draw < 0.92 else plain(color(random, muted=True))
