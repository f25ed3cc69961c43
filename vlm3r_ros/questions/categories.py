"""Names of things as the benchmark has them, for scenes whose metadata has others.

The published metadata of ScanNet++ and ARKitScenes calls a chair and an office chair two kinds of
things; "the chair" is then not the only one, and a count of chairs is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vlm3r_ros.worlds.datasets.labels import ARKITSCENES, SCANNET, SCANNETPP, Naming
from vlm3r_ros.worlds.scene import Scene

_NAMINGS: Mapping[str, Naming] = {
    "scannet": SCANNET,
    "scannetpp": SCANNETPP,
    "arkitscenes": ARKITSCENES,
}


def clean_categories(scene: Scene) -> Scene:
    """The scene with the benchmark's names; of other data sets the scene itself.

    A merged category takes the place of the first one that it is made of.
    """
    naming = _NAMINGS.get(scene.dataset.lower())
    if naming is None:
        return scene
    counts: dict[str, int] = {}
    for label, count in scene.object_counts.items():
        name = naming.category(label)
        if name is not None:
            counts[name] = counts.get(name, 0) + count
    objects = [
        replace(item, category=name)
        for item in scene.objects
        if (name := naming.category(item.category)) is not None
    ]
    order = {name: rank for rank, name in enumerate(counts)}
    objects.sort(key=lambda item: order.get(item.category, len(order)))
    return replace(scene, objects=tuple(objects), object_counts=counts)
