"""What annotated labels are called in questions: which are asked about, which are one category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Naming:
    """From labels to the categories of questions.

    Attributes:
        categories: that are asked about, in key order; empty for every label that there is, in
            the order of their appearance.
        merges: labels that are called otherwise.
        excluded: categories that are not asked about.
    """

    categories: tuple[str, ...] = ()
    merges: Mapping[str, str] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()

    def category(self, label: str) -> str | None:
        """What a label is called; None where it is not asked about."""
        name = self.merges.get(label, label)
        listed = name in self.categories if self.categories else True
        return name if listed and name not in self.excluded else None


# Kinds that a person would not tell apart when asked about the category: without these, "the
# table" seems unique although a coffee table stands beside it.
_KINDS = {
    **dict.fromkeys(
        (
            *("office chair", "armchair", "sofa chair", "dining chair", "folded chair"),
            *("rocking chair", "recliner chair", "massage chair"),
        ),
        "chair",
    ),
    "couch": "sofa",
    **dict.fromkeys(
        (
            *("coffee table", "dining table", "end table", "side table", "round table"),
            *("folded table", "conference table"),
        ),
        "table",
    ),
    "mini fridge": "refrigerator",
    **dict.fromkeys(("trash can", "recycling bin", "compost bin"), "trash bin"),
    "potted plant": "plant",
    "alarm clock": "clock",
    "wall clock": "clock",
    "mouse": "computer mouse",
    "tv_monitor": "tv",
}

_SCANNET_CATEGORIES = (
    *("bed", "chair", "sofa", "table", "window", "bookshelf", "counter", "desk", "refrigerator"),
    *("pillow", "monitor", "door", "lamp", "printer", "towel", "tv", "nightstand", "plant"),
    *("keyboard", "backpack", "closet", "microwave", "fan", "washing machine", "mirror", "piano"),
    *("radiator", "telephone", "clock", "guitar", "bicycle", "oven", "trash bin"),
    "computer mouse",
)

SCANNET_PUBLISHED = Naming(
    _SCANNET_CATEGORIES,
    {"trash can": "trash bin", "recycling bin": "trash bin", "mouse": "computer mouse"},
)
SCANNET = Naming(
    _SCANNET_CATEGORIES,
    {
        **_KINDS,
        **dict.fromkeys(("desk lamp", "night lamp", "ceiling lamp"), "lamp"),
        **dict.fromkeys(("kitchen counter", "bathroom counter"), "counter"),
        **dict.fromkeys(
            (
                *("closet door", "sliding door", "sliding wood door", "glass door"),
                "bathroom stall door",
            ),
            "door",
        ),
        "hand towel": "towel",
        "ceiling fan": "fan",
        "poster printer": "printer",
    },
)

PUBLISHED_TWICE = "printer"
"""Named twice in the list of the published ScanNet metadata, which so hold its boxes twice."""

_SCANNETPP_CATEGORIES = (
    *("table", "door", "ceiling lamp", "cabinet", "blinds", "curtain", "chair"),
    *("storage cabinet", "office chair", "bookshelf", "whiteboard", "window", "box", "monitor"),
    *("shelf", "heater", "kitchen cabinet", "sofa", "bed", "trash can", "book", "plant"),
    *("blanket", "tv", "computer tower", "refrigerator", "jacket", "sink", "bag", "picture"),
    *("pillow", "towel", "suitcase", "backpack", "crate", "keyboard", "rack", "toilet"),
    *("printer", "poster", "painting", "microwave", "shoes", "socket", "bottle", "bucket"),
    *("cushion", "basket", "shoe rack", "telephone", "file folder", "laptop", "plant pot"),
    *("exhaust fan", "cup", "coat hanger", "light switch", "speaker", "table lamp", "kettle"),
    *("smoke detector", "container", "power strip", "slippers", "paper bag", "mouse"),
    *("cutting board", "toilet paper", "paper towel", "pot", "clock", "pan", "tap", "jar"),
    *("soap dispenser", "binder", "bowl", "tissue box", "whiteboard eraser", "toilet brush"),
    *("spray bottle", "headphones", "stapler", "marker"),
)
# Small, many or hard to tell apart.
_SCANNETPP_EXCLUDED = frozenset(
    (
        *("backpack", "bag", "binder", "blinds", "book", "bottle", "box", "cabinet", "container"),
        *("curtain", "jacket", "jar", "kitchen cabinet", "light switch", "marker", "painting"),
        *("paper towel", "plant pot", "poster", "pot", "shelf", "sink", "smoke detector"),
        *("soap dispenser", "socket", "speaker", "spray bottle", "storage cabinet", "tap"),
        *("tissue box", "toilet brush", "toilet paper", "towel", "whiteboard eraser", "window"),
    )
)
_SCANNETPP_MERGES = {**_KINDS, "ceiling lamp": "ceiling light"}

SCANNETPP_PUBLISHED = Naming(_SCANNETPP_CATEGORIES)
SCANNETPP = Naming(
    tuple(
        dict.fromkeys(
            _SCANNETPP_MERGES.get(name, name)
            for name in _SCANNETPP_CATEGORIES
            if name not in _SCANNETPP_EXCLUDED
        )
    ),
    _SCANNETPP_MERGES,
)

ARKITSCENES_PUBLISHED = Naming()
ARKITSCENES = Naming(merges=_KINDS, excluded=frozenset(("sink", "shelf", "oven", "cabinet")))
