"""Things that belong together, placed as a group: a bed with its nightstands, chairs at a table."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, sin
from random import Random

from vlm3r_ros.worlds.furniture import beds, decor, lamps, seating, storage, tables
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.furniture.furniture import Furniture, Mount
from vlm3r_ros.worlds.items import Item
from vlm3r_ros.worlds.placement import Site
from vlm3r_ros.worlds.wall_spans import Prefer

Group = Callable[[Site], None]

_MACHINES = (("refrigerator", 0.92), ("oven", 0.9), ("dishwasher", 0.45))
_LINE_GAP = 0.012  # m between kitchen machines in line
_REDRAWS = 2  # times a thing is drawn again where it finds no place: another may be smaller


def make(site: Site, category: str, mount: Mount | None = None) -> Furniture:
    """A thing of a category."""
    return CATEGORIES[category].make(site.random, mount)


def stand(
    site: Site,
    draw: Callable[[Random], Furniture],
    prefer: Prefer = Prefer.ANYWHERE,
    opposite: Item | None = None,
) -> Item | None:
    """Stand a thing with its back to a wall, drawn again where it is too large."""
    for _ in range(_REDRAWS):
        item = site.against_wall(draw(site.random), prefer=prefer, opposite=opposite)
        if item:
            return item
    return None


def drawn(category: str, mount: Mount | None = None) -> Callable[[Random], Furniture]:
    """What draws a thing of a category."""
    return lambda random: CATEGORIES[category].make(random, mount)


def sleeping(site: Site) -> None:
    """A bed with pillows, nightstands and their lamps."""
    bed = stand(site, drawn("bed"), Prefer.MIDDLE)
    if bed is None:
        return
    double = bed.furniture.size[0] > 1.3
    for u in (-0.9, 0.9) if double else (0.0,):
        site.on(beds.pillow(site.random), bed, spot=(u, 0.9), jitter=0.1)
    if site.random.random() < 0.3:
        site.on(beds.pillow(site.random), bed, jitter=0.3)
    spread(site, bed, 0.5, -0.3)
    alike = site.random.getrandbits(32)
    for side in (-1, 1):
        if site.random.random() < (0.85 if double else 0.5):
            # Both of one design, as they are bought.
            nightstand = CATEGORIES["nightstand"].make(Random(alike))
            placed = site.beside(nightstand, bed, side, gap=0.05)
            if placed and site.random.random() < 0.7:
                site.on(lamps.table_lamp(Random(alike)), placed, spot=(0.0, 0.5))
    if site.random.random() < 0.5:
        hang(site, "picture", over=bed)


def sitting(site: Site) -> None:
    """A sofa with pillows, a low table before it, a lamp beside it, a picture over it."""
    random = site.random
    sofa = stand(site, drawn("sofa"), Prefer.MIDDLE)
    if sofa is None:
        return
    for _ in range(random.choice((0, 1, 2, 2, 3))):
        spot = (random.uniform(-1, 1), 1.0)
        site.on(beds.cushion(random), sofa, spot=spot, jitter=0.15)
    if random.random() < 0.8:
        for distance in (0.5, 0.4, 0.35):
            table = site.before(tables.coffee_table(random), sofa, distance, turn=0.0)
            if table:
                spread(site, table, random.uniform(0.5, 1.0), random.uniform(0.4, 0.8))
                break
    if random.random() < 0.5:
        side = random.choice((-1, 1))
        table = site.beside(tables.side_table(random), sofa, side)
        if table and random.random() < 0.7:
            site.on(lamps.table_lamp(random), table, spot=(0.0, 0.0))
    if random.random() < 0.5:
        hang(site, "picture", over=sofa)


def watching(site: Site) -> None:
    """A television on a low cabinet or on the wall, opposite a sofa or bed where there is one."""
    random = site.random
    places = site.of("sofa", "bed")[:1]
    on_cabinet = random.random() < 0.65
    for opposite in (*places, None):
        if on_cabinet:
            cabinet = stand(site, storage.tv_stand, Prefer.MIDDLE, opposite)
            if cabinet:
                for _ in range(_REDRAWS):
                    if site.on(make(site, "tv", Mount.SURFACE), cabinet, spot=(0.0, 0.3)):
                        return
        else:
            screen, bottom = make(site, "tv", Mount.WALL), random.uniform(0.9, 1.2)
            if site.hang(screen, bottom, opposite=opposite, prefer=Prefer.MIDDLE):
                return


def dining(site: Site) -> None:
    """A table in the room with like chairs around it."""
    random = site.random
    for clearance in (0.75, 0.7, 0.65, 0.6, 0.55):
        table = site.loose(tables.dining_table(random), clearance=clearance)
        if table:
            break
    else:
        return
    _seat(site, table)
    spread(site, table, 0.7, 0.7)


def spread(site: Site, over: Item, along: float, across: float) -> None:
    """In every other case, lay a rug that stands out from under a thing by so many metres."""
    if site.random.random() < 0.5:
        size_x, size_y, _ = over.furniture.size
        rug = decor.rug(site.random, size_x + 2 * along, size_y + 2 * across)
        site.lay(rug, over.x, over.y, over.yaw)


def _seat(site: Site, table: Item) -> None:
    random = site.random
    alike = random.getrandbits(32)
    size_x, size_y, _ = table.furniture.size
    places = []
    for edge in range(4):
        length = size_x if edge % 2 == 0 else size_y
        count = min(int(length / 0.6), 3)
        places += [(edge, (k - (count - 1) / 2) * length / max(count, 1)) for k in range(count)]
    random.shuffle(places)
    wanted = random.randint(min(2, len(places)), min(6, len(places)))
    for edge, along in places[:wanted]:
        chair = seating.chair(Random(alike))
        site.around(chair, table, edge, along, random.uniform(0.03, 0.12))


def working(site: Site) -> None:
    """A desk with a chair, a computer and small things."""
    random = site.random
    desk = stand(site, drawn("desk"))
    if desk is None:
        return
    chair = seating.office_chair(random) if random.random() < 0.7 else seating.chair(random)
    site.before(chair, desk, random.uniform(0.03, 0.15), along=random.uniform(-0.15, 0.15))
    middle = random.uniform(-0.3, 0.3)
    if random.random() < 0.75:
        if random.random() < 0.25:
            for u in (-0.5, 0.5):
                site.on(make(site, "monitor"), desk, spot=(u, 0.75))
        else:
            site.on(make(site, "monitor"), desk, spot=(middle, 0.75), jitter=0.05)
        keyboard = site.on(make(site, "keyboard"), desk, spot=(middle, -0.5))
        if keyboard and random.random() < 0.85:
            _lay_mouse(site, desk, keyboard)
    else:
        site.on(make(site, "laptop"), desk, spot=(middle, -0.2), jitter=0.1)
    if random.random() < 0.3:
        site.on(make(site, "printer"), desk, spot=(random.choice((-1.0, 1.0)), 0.8))
    for category, chance in (("lamp", 0.55), ("telephone", 0.4)):
        if random.random() < chance:
            site.on(make(site, category, Mount.SURFACE), desk, jitter=0.3)
    if random.random() < 0.5:
        site.beside(make(site, "trash bin"), desk, random.choice((-1, 1)), gap=0.06)


def _lay_mouse(site: Site, desk: Item, keyboard: Item) -> None:
    """To the right of the keyboard, or to the left of it where the desk ends."""
    mouse = make(site, "computer mouse")
    reach = keyboard.furniture.high[0] + mouse.high[0] + 0.04
    half = desk.furniture.high[0]
    # The keyboard's place along the desk.
    at = (keyboard.x - desk.x) * cos(desk.yaw) + (keyboard.y - desk.y) * sin(desk.yaw)
    slack = half - mouse.high[0]
    for place in (at + reach, at - reach):
        if abs(place) <= slack and site.on(mouse, desk, spot=(place / slack, -0.5)):
            return


_HEIGHTS = {
    "picture": (1.2, 1.5),
    "clock": (1.5, 1.9),
    "mirror": (0.9, 1.2),
    "tv": (0.9, 1.2),
    "whiteboard": (0.9, 1.0),
    "towel": (0.7, 0.9),
}


def hang(site: Site, category: str, *, over: Item | None = None) -> Item | None:
    """Hang a thing of a category at its usual height, or over a thing at a wall."""
    low, high = _HEIGHTS[category]
    for _ in range(_REDRAWS):
        furniture = make(site, category, Mount.WALL)
        bottom = site.random.uniform(low, high)
        if over is not None:
            bottom = max(bottom, over.furniture.size[2] + 0.1)
        item = site.hang(furniture, bottom, over=over)
        if item:
            return item
    return None


_BASES = {
    "clock": ("nightstand", "bookshelf", "cabinet", "desk", "fireplace"),
    "computer mouse": ("desk",),
    "keyboard": ("desk",),
    "lamp": ("nightstand", "table", "desk", "cabinet", "piano"),
    "laptop": ("table", "desk", "counter"),
    "microwave": ("counter", "cabinet", "table"),
    "monitor": ("desk",),
    "pillow": ("sofa", "bed"),
    "plant": ("table", "desk", "cabinet", "nightstand", "bookshelf", "counter", "fireplace"),
    "printer": ("desk", "cabinet", "table"),
    "sink": ("counter",),
    "telephone": ("desk", "nightstand", "cabinet", "table", "counter"),
    "towel": ("washing machine", "bed", "cabinet"),
    "tv": ("cabinet",),
}
_STRAY = frozenset({"chair", "stool", "backpack", "suitcase", "basket"})
_CORNERED = frozenset({"lamp", "trash bin", "plant", "fan", "guitar", "mirror"})


def scatter(site: Site, category: str) -> Item | None:
    """Put a thing of a category wherever such things are."""
    random = site.random
    mount = random.choice(tuple(CATEGORIES[category].builders))
    if mount is Mount.WALL:
        return hang(site, category)
    if mount is Mount.SURFACE:
        bases = site.of(*_BASES[category])
        random.shuffle(bases)
        furniture = make(site, category, mount)
        return next(filter(None, (site.on(furniture, base, jitter=0.3) for base in bases)), None)
    if category in _STRAY and random.random() < 0.4:
        stray = seating.chair(random) if category == "chair" else make(site, category, mount)
        return site.loose(stray, square=False, clearance=0.1)
    prefer = Prefer.CORNER if category in _CORNERED else Prefer.ANYWHERE
    return stand(site, drawn(category, mount), prefer)


def cooking(site: Site) -> None:
    """A worktop with a sink, and machines in line with it as far as there is room for them."""
    random = site.random
    machines = [name for name, chance in _MACHINES if random.random() < chance]
    random.shuffle(machines)
    apart: list[str] = []
    items: list[Item] = []
    while not items:
        in_line = [make(site, name) for name in machines]
        in_line.insert(random.randint(0, len(in_line)), make(site, "counter"))
        items = site.row(in_line, _LINE_GAP)
        if items or not machines:
            break
        apart.append(machines.pop())
    for name in apart:
        stand(site, drawn(name), Prefer.CORNER)
    for counter in (item for item in items if item.category == "counter"):
        site.on(make(site, "sink", Mount.SURFACE), counter, spot=(random.uniform(-0.8, 0.8), 0.0))
        if random.random() < 0.75:
            site.on(make(site, "microwave"), counter, spot=(random.choice((-0.95, 0.95)), 0.6))


def washing(site: Site) -> None:
    """A bathroom: toilet, sink with a mirror over it, bathtub, towels."""
    random = site.random
    if random.random() < 0.6:
        stand(site, drawn("bathtub"), Prefer.CORNER)
    sink = stand(site, drawn("sink", Mount.FLOOR))
    if random.random() < 0.92:
        stand(site, drawn("toilet"))
    if sink and random.random() < 0.85:
        hang(site, "mirror", over=sink)
    for _ in range(random.randint(1, 3)):
        hang(site, "towel")


def laundering(site: Site) -> None:
    """A washing machine, sometimes with towels on it and a basket beside."""
    machine = stand(site, drawn("washing machine"), Prefer.CORNER)
    if machine is None:
        return
    if site.random.random() < 0.4:
        site.on(make(site, "towel", Mount.SURFACE), machine, jitter=0.3)
    if site.random.random() < 0.5:
        site.beside(make(site, "basket"), machine, site.random.choice((-1, 1)))


def playing(site: Site) -> None:
    """A piano with its stool, and a guitar."""
    random = site.random
    piano = stand(site, drawn("piano"), Prefer.MIDDLE)
    if piano:
        site.before(seating.piano_bench(random), piano, random.uniform(0.03, 0.15))
    if random.random() < 0.6:
        scatter(site, "guitar")


def warming(site: Site) -> None:
    """Radiators under windows."""
    for window in site.of("window"):
        if site.random.random() < 0.6:
            for _ in range(_REDRAWS):
                if site.hang(make(site, "radiator"), 0.0, over=window):
                    break


def clutter(site: Site) -> None:
    """Small things on tables, which are no objects of their own."""
    random = site.random
    for base in site.of("table", "desk", "cabinet", "counter", "nightstand", "bookshelf"):
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            site.on(random.choice(decor.CLUTTER)(random), base, turn=random.uniform(-1.5, 1.5))


def curtains(site: Site) -> None:
    """At both sides of some windows."""
    random = site.random
    alike = random.getrandbits(32)
    if random.random() < 0.5:
        return
    for window in site.of("window"):
        width, height = random.uniform(0.2, 0.3), window.furniture.size[2] + 0.25
        bottom = window.z - 0.15
        for side in (-1, 1):
            cloth = decor.curtain(Random(alike), width, min(height, site.height - bottom - 0.02))
            site.flank(cloth, window, side, bottom)


def by_the_fire(site: Site) -> None:
    """A fireplace with a picture or a mirror over it."""
    fireplace = stand(site, drawn("fireplace"), Prefer.MIDDLE)
    if fireplace:
        hang(site, site.random.choice(("picture", "mirror", "clock")), over=fireplace)
