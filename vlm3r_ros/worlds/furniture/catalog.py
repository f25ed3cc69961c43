"""Every category of furniture, in the order in which worlds list them, and how large each is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from vlm3r_ros.worlds.furniture import (
    appliances,
    bathroom,
    beds,
    electronics,
    fixtures,
    lamps,
    leisure,
    seating,
    storage,
    tables,
)
from vlm3r_ros.worlds.furniture.furniture import Furniture, Mount, Vector

Builder = Callable[[Random], Furniture]


@dataclass(frozen=True)
class Category:
    """A kind of thing.

    Attributes:
        name: as questions call it.
        builders: how it is made, by what holds it.
        smallest, largest: limits of width, depth and height over all designs, metres.
    """

    name: str
    builders: Mapping[Mount, tuple[Builder, ...]]
    smallest: Vector
    largest: Vector

    def make(self, random: Random, mount: Mount | None = None) -> Furniture:
        """A thing of some design that `mount` can hold; any where it is None."""
        return random.choice(self.builders[mount or random.choice(tuple(self.builders))])(random)


def _on_floor(*builders: Builder) -> dict[Mount, tuple[Builder, ...]]:
    return {Mount.FLOOR: builders}


def _on_surface(*builders: Builder) -> dict[Mount, tuple[Builder, ...]]:
    return {Mount.SURFACE: builders}


def _on_wall(*builders: Builder) -> dict[Mount, tuple[Builder, ...]]:
    return {Mount.WALL: builders}


def _any_door(random: Random) -> Furniture:
    return fixtures.door(random, random.uniform(0.8, 1.05), random.uniform(2.0, 2.15))


def _any_window(random: Random) -> Furniture:
    return fixtures.window(random, random.uniform(0.6, 2.2), random.uniform(0.7, 1.4))


_ALL = (
    Category("bed", _on_floor(beds.bed), (0.9, 1.9, 0.7), (2.1, 2.4, 1.3)),
    Category(
        "chair",
        _on_floor(seating.chair, seating.office_chair),
        (0.38, 0.38, 0.75),
        (0.75, 0.8, 1.3),
    ),
    Category("sofa", _on_floor(seating.sofa), (1.3, 0.8, 0.7), (3.3, 1.8, 1.1)),
    Category(
        "table",
        _on_floor(tables.dining_table, tables.coffee_table, tables.side_table),
        (0.38, 0.38, 0.35),
        (2.0, 1.35, 0.8),
    ),
    Category("window", _on_wall(_any_window), (0.6, 0.1, 0.7), (2.4, 0.25, 1.5)),
    Category("bookshelf", _on_floor(storage.bookshelf), (0.6, 0.25, 0.6), (1.25, 0.4, 2.4)),
    Category("counter", _on_floor(tables.counter), (0.8, 0.55, 0.85), (3.1, 0.7, 0.95)),
    Category("desk", _on_floor(tables.desk), (1.0, 0.6, 0.7), (1.75, 0.85, 0.8)),
    Category("refrigerator", _on_floor(appliances.refrigerator), (0.5, 0.6, 1.4), (1.0, 0.85, 2.0)),
    Category(
        "pillow", _on_surface(beds.pillow, beds.cushion), (0.35, 0.12, 0.08), (0.75, 0.45, 0.55)
    ),
    Category("monitor", _on_surface(electronics.monitor), (0.45, 0.05, 0.35), (0.65, 0.25, 0.6)),
    Category("door", _on_wall(_any_door), (0.8, 0.06, 2.0), (1.1, 0.15, 2.2)),
    Category(
        "lamp",
        {Mount.FLOOR: (lamps.floor_lamp,), Mount.SURFACE: (lamps.table_lamp,)},
        (0.12, 0.12, 0.25),
        (0.8, 0.8, 1.85),
    ),
    Category("printer", _on_surface(electronics.printer), (0.4, 0.3, 0.2), (0.55, 0.6, 0.55)),
    Category(
        "towel",
        {Mount.WALL: (bathroom.hanging_towel,), Mount.SURFACE: (bathroom.folded_towels,)},
        (0.2, 0.05, 0.08),
        (0.8, 0.35, 0.8),
    ),
    Category(
        "tv",
        {Mount.SURFACE: (electronics.tv,), Mount.WALL: (electronics.wall_tv,)},
        (0.75, 0.05, 0.4),
        (1.4, 0.3, 0.9),
    ),
    Category("nightstand", _on_floor(beds.nightstand), (0.38, 0.35, 0.4), (0.55, 0.5, 0.65)),
    Category(
        "plant",
        {Mount.FLOOR: (leisure.floor_plant,), Mount.SURFACE: (leisure.pot_plant,)},
        (0.1, 0.1, 0.2),
        (1.6, 1.6, 2.0),
    ),
    Category("keyboard", _on_surface(electronics.keyboard), (0.35, 0.12, 0.015), (0.5, 0.2, 0.06)),
    Category("backpack", _on_floor(storage.backpack), (0.25, 0.2, 0.4), (0.4, 0.45, 0.6)),
    Category("closet", _on_floor(storage.closet), (0.8, 0.5, 1.8), (2.2, 0.7, 2.3)),
    Category("microwave", _on_surface(appliances.microwave), (0.4, 0.3, 0.25), (0.6, 0.5, 0.35)),
    Category("fan", _on_floor(appliances.fan), (0.35, 0.3, 1.1), (0.55, 0.5, 1.5)),
    Category(
        "washing machine",
        _on_floor(appliances.washing_machine),
        (0.55, 0.5, 0.8),
        (0.65, 0.75, 0.9),
    ),
    Category(
        "mirror",
        {Mount.WALL: (fixtures.mirror,), Mount.FLOOR: (fixtures.standing_mirror,)},
        (0.35, 0.02, 0.45),
        (0.95, 0.25, 1.8),
    ),
    Category("piano", _on_floor(leisure.piano), (1.35, 0.55, 1.0), (1.65, 0.75, 1.4)),
    Category("radiator", _on_wall(appliances.radiator), (0.6, 0.05, 0.5), (1.6, 0.15, 0.8)),
    Category(
        "telephone", _on_surface(electronics.telephone), (0.15, 0.15, 0.08), (0.25, 0.25, 0.2)
    ),
    Category(
        "clock",
        {Mount.WALL: (fixtures.wall_clock,), Mount.SURFACE: (fixtures.table_clock,)},
        (0.1, 0.03, 0.1),
        (0.45, 0.08, 0.45),
    ),
    Category("guitar", _on_floor(leisure.guitar), (0.3, 0.3, 0.85), (0.45, 0.5, 1.3)),
    Category("bicycle", _on_floor(leisure.bicycle), (1.5, 0.4, 0.9), (1.9, 0.7, 1.3)),
    Category("oven", _on_floor(appliances.oven), (0.5, 0.55, 0.8), (0.8, 0.75, 1.15)),
    Category("trash bin", _on_floor(storage.trash_bin), (0.2, 0.2, 0.25), (0.45, 0.45, 0.7)),
    Category(
        "computer mouse",
        _on_surface(electronics.computer_mouse),
        (0.15, 0.14, 0.05),
        (0.25, 0.2, 0.09),
    ),
    Category(
        "cabinet", _on_floor(storage.cabinet, storage.tv_stand), (0.8, 0.35, 0.4), (1.9, 0.55, 1.05)
    ),
    Category(
        "sink",
        {Mount.FLOOR: (bathroom.washbasin,), Mount.SURFACE: (bathroom.kitchen_sink,)},
        (0.45, 0.4, 0.2),
        (0.85, 0.55, 1.15),
    ),
    Category("toilet", _on_floor(bathroom.toilet), (0.35, 0.6, 0.7), (0.45, 0.85, 0.95)),
    Category("bathtub", _on_floor(bathroom.bathtub), (1.5, 0.65, 0.5), (1.85, 0.9, 0.8)),
    Category(
        "stool", _on_floor(seating.stool, seating.piano_bench), (0.28, 0.28, 0.4), (0.75, 0.45, 0.8)
    ),
    Category("suitcase", _on_floor(storage.suitcase), (0.35, 0.2, 0.7), (0.5, 0.35, 1.2)),
    Category("dishwasher", _on_floor(appliances.dishwasher), (0.55, 0.5, 0.8), (0.65, 0.75, 0.9)),
    Category("fireplace", _on_floor(leisure.fireplace), (1.2, 0.35, 0.9), (1.8, 0.6, 1.3)),
    Category("laptop", _on_surface(electronics.laptop), (0.3, 0.2, 0.15), (0.4, 0.4, 0.3)),
    Category("whiteboard", _on_wall(fixtures.whiteboard), (1.0, 0.05, 0.8), (1.85, 0.15, 1.2)),
    Category("picture", _on_wall(fixtures.picture), (0.3, 0.02, 0.3), (1.1, 0.05, 0.8)),
    Category("basket", _on_floor(storage.basket), (0.35, 0.3, 0.25), (0.6, 0.45, 0.65)),
    Category(
        "ceiling light",
        {Mount.CEILING: (lamps.ceiling_light,)},
        (0.2, 0.15, 0.05),
        (0.65, 0.6, 0.75),
    ),
)

CATEGORIES: Mapping[str, Category] = {category.name: category for category in _ALL}
"""By name, in listing order: that of the published class lists, then what they lack."""
