"""From a world's id to a furnished room."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from random import Random

from vlm3r_ros.worlds.floor_plans import Layout, draw_plan
from vlm3r_ros.worlds.furniture import fixtures
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.groups import clutter, curtains, make, scatter, warming
from vlm3r_ros.worlds.lighting import light
from vlm3r_ros.worlds.placement import Item, Prefer, Site
from vlm3r_ros.worlds.primitives import Placed, build_table
from vlm3r_ros.worlds.reachability import access
from vlm3r_ros.worlds.room_kinds import ANYWHERE, KINDS, RoomKind
from vlm3r_ros.worlds.scene import SceneObject
from vlm3r_ros.worlds.structure import build_structure, draw_finish
from vlm3r_ros.worlds.world import World, WorldId

MOST_OBJECTS = 25  # a room
FEWEST_OBJECTS = 6  # a room
_LARGEST_GROUP = 9  # objects that one group may bring
_USUAL_AREA = 20.0  # m2: larger rooms hold more, smaller ones less
_ATTEMPTS = 20  # rooms drawn until one can be walked through
_ORDER = {name: number for number, name in enumerate(CATEGORIES)}
_LAYOUTS = ((Layout.RECTANGLE, 6), (Layout.L_SHAPE, 2), (Layout.TWO_ROOMS, 2))


def build_world(world_id: WorldId) -> World:
    """The world of an id: the same on every machine."""
    random = Random(int(world_id.generator().integers(2**63)))
    for _ in range(_ATTEMPTS):
        world = _attempt(world_id, random)
        if world is not None:
            return world
    raise RuntimeError(f"{world_id.name}: no room in {_ATTEMPTS} could be walked through")


def _attempt(world_id: WorldId, random: Random) -> World | None:
    layout = random.choices([name for name, _ in _LAYOUTS], [share for _, share in _LAYOUTS])[0]
    count = 2 if layout is Layout.TWO_ROOMS else 1
    weights = [kind.weight for kind in KINDS]
    kinds = [random.choices(KINDS, weights)[0] for _ in range(count)]
    plan = draw_plan(random, layout, tuple(kind.sides for kind in kinds))
    sites = [Site(room, plan.height, random) for room in plan.rooms]
    for number, (site, kind) in enumerate(zip(sites, kinds, strict=True)):
        if not _add_doors(site, is_first=number == 0):
            return None
        _add_windows(site, kind)
        _furnish(site, kind)
    items = [item for site in sites for item in site.items]
    kept = _walkable(plan, items)
    if kept is None:
        return None
    for site in sites:
        site.items = [item for item in site.items if item in kept]
        if sum(item.category in CATEGORIES for item in site.items) < FEWEST_OBJECTS:
            return None
    decor = [item for site in sites for item in site.items if item.category not in CATEGORIES]
    items = [item for site in sites for item in site.items if item.category in CATEGORIES]
    items.sort(key=lambda item: _ORDER[item.category])
    finishes = [
        draw_finish(random, site, tiled=kind.tiled) for site, kind in zip(sites, kinds, strict=True)
    ]
    placed = build_structure(plan, sites, finishes, random.getrandbits(20))
    decor += [rug for site in sites for rug in site.rugs]
    for number, item in enumerate([*items, *decor]):
        instance = number if number < len(items) else -1
        place = (item.x, item.y, item.z)
        seed = random.getrandbits(20)
        placed.append(Placed(item.furniture.primitives, place, item.yaw, instance, seed))
    return World(
        id=world_id,
        kind=kinds[0].name,
        objects=tuple(
            SceneObject(item.category, item.box(), number) for number, item in enumerate(items)
        ),
        primitives=build_table(placed),
        lighting=light(random, sites),
        floor_plan=plan.floor_plan(),
        height=plan.height,
    )


def _add_doors(site: Site, *, is_first: bool) -> bool:
    """At least one in the first room; whether there is one where there must be."""
    random = site.random
    wanted = random.choice((1, 1, 1, 2)) if is_first else random.choice((0, 0, 1))
    placed = 0
    for _ in range(wanted):
        prefer = random.choice((Prefer.CORNER, Prefer.ANYWHERE))
        height = min(random.uniform(2.0, 2.15), site.height - 0.1)
        furniture = fixtures.door(random, random.uniform(0.8, 1.05), height)
        item = site.against_wall(furniture, prefer=prefer, side_gap=0.1, back_gap=0.0)
        placed += item is not None
    return placed > 0 or not is_first


def _add_windows(site: Site, kind: RoomKind) -> None:
    random = site.random
    alike = random.getrandbits(32)
    width, height = random.uniform(0.6, 2.0), random.uniform(0.8, 1.35)
    for _ in range(random.randint(*kind.windows)):
        bottom = random.uniform(0.75, 1.0)
        tall = min(height, site.height - bottom - 0.25)
        window = fixtures.window(Random(alike), width, tall)
        site.set_into_wall(window, (width, tall), bottom)


def _furnish(site: Site, kind: RoomKind) -> None:
    random = site.random
    for chance, group in kind.groups:
        if random.random() < chance and len(site.items) < MOST_OBJECTS - _LARGEST_GROUP:
            group(site)
    warming(site)
    curtains(site)
    rounds = site.area / _USUAL_AREA
    wanted = [
        name
        for turn in range(ceil(rounds))
        for chance, name, most in (*kind.scattered, *ANYWHERE)
        if random.random() < chance * min(1.0, rounds - turn)
        for _ in range(random.randint(1, most))
    ]
    random.shuffle(wanted)
    for name in wanted:
        if len(site.items) >= MOST_OBJECTS - 1:
            break
        scatter(site, name)
    clutter(site)
    if random.random() < 0.7:
        x0, y0, x1, y1 = site.room.bounds
        site.under_ceiling(make(site, "ceiling light"), (x0 + x1) / 2, (y0 + y1) / 2, 0.0)


def _walkable(plan, items: Sequence[Item]) -> list[Item] | None:
    """The things left when what bars the way is taken out; None where that does not help."""
    kept = list(items)
    for _ in range(8):
        found = access(plan, kept)
        if found.is_complete:
            return kept
        drop = found.missed[-1] if found.missed else _obstacle(plan, kept)
        if drop is None or drop.category == "door":
            return None
        kept = _without(kept, drop)
    return None


def _obstacle(plan, items: list[Item]) -> Item | None:
    """The last thing placed whose removal opens the way to every room."""
    for item in reversed(items):
        if item.base is None and item.z == 0 and item.category != "door":
            if access(plan, _without(items, item)).whole:
                return item
    return None


def _without(items: Sequence[Item], dropped: Item) -> list[Item]:
    return [item for item in items if item is not dropped and item.base is not dropped]
