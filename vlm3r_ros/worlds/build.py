"""From a world's id to a furnished room."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from random import Random

from vlm3r_ros.worlds.floor_plans import HousePlan, Layout, draw_plan
from vlm3r_ros.worlds.furniture import fixtures
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.groups import clutter, curtains, make, scatter, warming
from vlm3r_ros.worlds.items import Item
from vlm3r_ros.worlds.lighting import light
from vlm3r_ros.worlds.placement import Site
from vlm3r_ros.worlds.primitives import Placed, build_table
from vlm3r_ros.worlds.reachability import clear_the_way
from vlm3r_ros.worlds.room_kinds import ANYWHERE, KINDS, RoomKind
from vlm3r_ros.worlds.scene import SceneObject
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.structure import build_structure, draw_finish
from vlm3r_ros.worlds.wall_spans import Prefer
from vlm3r_ros.worlds.world import World, WorldId

MOST_OBJECTS = 25  # a room
FEWEST_OBJECTS = 6  # a room
_LARGEST_GROUP = 10  # objects that one group may bring
_USUAL_AREA = 20.0  # m2: larger rooms hold more, smaller ones less
_ATTEMPTS = 20  # rooms drawn until one can be walked through
_ORDER = {name: number for number, name in enumerate(CATEGORIES)}
_LAYOUTS = {Layout.RECTANGLE: 6, Layout.L_SHAPE: 2, Layout.TWO_ROOMS: 2}
_NO_OBJECT = -1


def build_world(world_id: WorldId) -> World:
    """The world of an id: the same on every machine.

    Raises:
        SceneError: no room could be made from the id in which one can walk to everything.
    """
    random = Random(int(world_id.generator().integers(2**63)))
    for _ in range(_ATTEMPTS):
        world = _attempt(world_id, random)
        if world is not None:
            return world
    raise SceneError(world_id.name, "", f"no room in {_ATTEMPTS} could be walked through")


def _attempt(world_id: WorldId, random: Random) -> World | None:
    """A world, if one can walk to everything in it and it is not too empty."""
    layout = random.choices(list(_LAYOUTS), list(_LAYOUTS.values()))[0]
    count = 2 if layout is Layout.TWO_ROOMS else 1
    kinds = random.choices(KINDS, [kind.weight for kind in KINDS], k=count)
    plan = draw_plan(random, layout, tuple(kind.sides for kind in kinds))
    sites = [Site(room, plan.height, random) for room in plan.rooms]
    for site, kind in zip(sites, kinds, strict=True):
        _add_doors(site, must=site is sites[0])
        _add_windows(site, kind)
        _furnish(site, kind)
    if not sites[0].of("door"):
        return None
    kept = clear_the_way(plan, [item for site in sites for item in site.items])
    if kept is None:
        return None
    for site in sites:
        site.items = [item for item in site.items if item in kept]
        if site.count < FEWEST_OBJECTS:
            return None
    return _assemble(world_id, random, plan, sites, kinds)


def _assemble(
    world_id: WorldId,
    random: Random,
    plan: HousePlan,
    sites: Sequence[Site],
    kinds: Sequence[RoomKind],
) -> World:
    things = [item for site in sites for item in site.items]
    objects = sorted(
        (item for item in things if item.category in _ORDER),
        key=lambda item: _ORDER[item.category],
    )
    decor = [item for item in things if item.category not in _ORDER]
    decor += [rug for site in sites for rug in site.rugs]
    finishes = [
        draw_finish(random, site, tiled=kind.tiled) for site, kind in zip(sites, kinds, strict=True)
    ]
    placed = build_structure(plan, sites, finishes, random.getrandbits(20))
    placed += [_placed(item, number, random) for number, item in enumerate(objects)]
    placed += [_placed(item, _NO_OBJECT, random) for item in decor]
    return World(
        id=world_id,
        kind=kinds[0].name,
        objects=tuple(
            SceneObject(item.category, item.box(), number) for number, item in enumerate(objects)
        ),
        primitives=build_table(placed),
        lighting=light(random, sites),
        floor_plan=plan.floor_plan(),
        height=plan.height,
    )


def _placed(item: Item, instance: int, random: Random) -> Placed:
    return Placed(
        item.furniture.primitives,
        (item.x, item.y, item.z),
        item.yaw,
        instance,
        random.getrandbits(20),
    )


def _add_doors(site: Site, *, must: bool) -> None:
    """One or two doors; none, mostly, where there need not be one."""
    random = site.random
    for _ in range(random.choice((1, 1, 1, 2)) if must else random.choice((0, 0, 1))):
        prefer = random.choice((Prefer.CORNER, Prefer.ANYWHERE))
        height = min(random.uniform(2.0, 2.15), site.height - 0.1)
        door = fixtures.door(random, random.uniform(0.8, 1.05), height)
        site.against_wall(door, prefer=prefer, side_gap=0.1, back_gap=0.0)


def _add_windows(site: Site, kind: RoomKind) -> None:
    """Windows of one design, each in a wall of its own."""
    random = site.random
    design = random.getrandbits(32)
    width, height = random.uniform(0.6, 2.0), random.uniform(0.8, 1.35)
    for _ in range(random.randint(*kind.windows)):
        bottom = random.uniform(0.75, 1.0)
        tall = min(height, site.height - bottom - 0.25)
        site.set_into_wall(fixtures.window(Random(design), width, tall), (width, tall), bottom)


def _furnish(site: Site, kind: RoomKind) -> None:
    random = site.random
    for chance, group in kind.groups:
        if random.random() < chance and site.count <= MOST_OBJECTS - _LARGEST_GROUP:
            group(site)
    x0, y0, x1, y1 = site.room.bounds
    if random.random() < 0.7:
        site.under_ceiling(make(site, "ceiling light"), (x0 + x1) / 2, (y0 + y1) / 2)
    warming(site)
    curtains(site)
    for name in _wishes(random, kind, site.room.area / _USUAL_AREA):
        if site.count >= MOST_OBJECTS:
            break
        scatter(site, name)
    clutter(site)


def _wishes(random: Random, kind: RoomKind, rounds: float) -> list[str]:
    """Categories to scatter, in random order; the lists are gone through `rounds` times."""
    names = [
        name
        for turn in range(ceil(rounds))
        for chance, name, most in (*kind.scattered, *ANYWHERE)
        if random.random() < chance * min(1.0, rounds - turn)
        for _ in range(random.randint(1, most))
    ]
    random.shuffle(names)
    return names
