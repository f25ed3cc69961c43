"""A session as a network learns from it, behind all that is done once for it.

Apart from what workers make (`lessons`), which start without the networks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from vlm3r_ros.training.instruct.grounding import Grounding
from vlm3r_ros.training.instruct.network import GeometryTokens
from vlm3r_ros.training.instruct.packing import Turn


@dataclass(frozen=True, eq=False)
class Lesson:
    """A session as the network learns from it.

    Attributes:
        turns: the questions about it in tokens; at least one.
        forms: what kind of answer each wants, a number of `FORMS`.
        geometry: tokens of the keyframes.
        vision: image tokens of the keyframes `[F, N, Dv]`; where the vision tower is trained too,
            the keyframes themselves, uint8 `[F, S, S, 3]`.
        grounding: what words speak of; None where that is not taught.
        poses: of the keyframes `[F, 4, 4]`; likewise.
    """

    turns: tuple[Turn, ...]
    forms: tuple[int, ...]
    geometry: GeometryTokens
    vision: Tensor
    grounding: Grounding | None = None
    poses: Tensor | None = None

    def remembered(self) -> Lesson:
        """The same in half the memory."""
        camera, patches = self.geometry.camera.half(), self.geometry.patches.half()
        vision = self.vision.half() if self.vision.is_floating_point() else self.vision
        return replace(self, geometry=GeometryTokens(camera, patches), vision=vision)
