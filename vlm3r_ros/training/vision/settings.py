"""Settings of the vision stage; `config/training/vision.yaml` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vlm3r_ros.training.settings import OptimizerSettings, RunSettings


@dataclass(frozen=True)
class ModelSettings:
    """What is trained.

    Attributes:
        size: registered size whose vision tower it is.
        vision: settings of `SiglipVisionConfig` that differ from that size's.
        embedding_dim: width in which patches are told to be of one thing; in training only.
    """

    size: str = "nano"
    vision: Mapping[str, Any] = field(default_factory=dict)
    embedding_dim: int = 64

    def __post_init__(self) -> None:
        if self.embedding_dim < 1:
            raise ValueError(f"embedding_dim is {self.embedding_dim}; it must be 1 or more")


@dataclass(frozen=True)
class DataSettings:
    """What is filmed.

    Attributes:
        rooms: of a step.
        images: of each room, one in each part of a walk through it.
        seconds: that the walk takes.
        colors: strength of the changes of exposure, contrast and colour balance; 0 for none.
        noise: standard deviation of a pixel's noise at most, grey levels.

    Raises:
        ValueError: a setting makes no sense.
    """

    rooms: int = 2
    images: int = 8
    seconds: float = 20.0
    colors: float = 1.0
    noise: float = 4.0

    def __post_init__(self) -> None:
        if self.rooms < 1 or self.images < 2:
            raise ValueError("rooms must be 1 or more, images 2 or more")
        if self.seconds <= 0 or self.colors < 0 or self.noise < 0:
            raise ValueError("seconds must be above 0, colors and noise cannot be below 0")


@dataclass(frozen=True)
class LossSettings:
    """Weights of the losses; one of weight 0 is not computed.

    Attributes:
        category: shares of a patch's pixels by category (cross entropy).
        presence: which categories a patch shows at all (binary cross entropy, summed).
        instance: patches of one thing find each other, within an image and between images.
        depth: logarithm of the depth of a patch's middle.
        temperature: of the likeness of two patches.
        patches: that are compared in each room.

    Raises:
        ValueError: a setting makes no sense.
    """

    category: float = 1.0
    presence: float = 0.5
    instance: float = 0.3
    depth: float = 0.0
    temperature: float = 0.1
    patches: int = 256

    def __post_init__(self) -> None:
        if min(self.category, self.presence, self.instance, self.depth) < 0:
            raise ValueError("weights of losses cannot be below 0")
        if self.temperature <= 0 or self.patches < 2:
            raise ValueError("temperature must be above 0, patches 2 or more")


@dataclass(frozen=True)
class EvaluationSettings:
    """Held-out rooms on which the stage measures itself.

    Attributes:
        seed: of the rooms.
        rooms: how many.
        images: of each room.

    Raises:
        ValueError: a setting makes no sense.
    """

    seed: int = 0
    rooms: int = 24
    images: int = 8

    def __post_init__(self) -> None:
        if self.rooms < 1 or self.images < 2:
            raise ValueError("rooms must be 1 or more, images 2 or more")


@dataclass(frozen=True)
class VisionConfig:
    """The vision stage.

    Attributes:
        init_from: checkpoint whose weights are the start; empty for none.
    """

    run: RunSettings = field(default_factory=RunSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    model: ModelSettings = ModelSettings()
    data: DataSettings = DataSettings()
    losses: LossSettings = LossSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    init_from: str = ""
