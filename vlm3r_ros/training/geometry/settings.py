"""Settings of the geometry stage; `config/training/geometry.yaml` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from vlm3r_ros.training.settings import Curriculum, OptimizerSettings, RunSettings


@dataclass(frozen=True)
class ModelSettings:
    """What is trained.

    Attributes:
        size: registered size whose geometry encoder it is.
        geometry: settings of `GeometryEncoderConfig` that differ from that size's.
    """

    size: str = "nano"
    geometry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Phase:
    """A part of the curriculum.

    Attributes:
        until: step at which it ends; the last one goes on to the end.
        sequences: filmed sequences a step.
        frames: of a sequence.
        interval: least and greatest seconds from frame to frame; one sequence has one interval,
            drawn evenly on a logarithmic scale.
        truncate: frames after which no gradient flows back through the state.
        losses: weights that differ from `GeometryConfig.losses` in this phase.

    Raises:
        ValueError: a setting makes no sense.
    """

    until: int
    sequences: int
    frames: int
    interval: tuple[float, float]
    truncate: int = 8
    losses: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.until, self.sequences, self.truncate) < 1 or self.frames < 2:
            raise ValueError("until, sequences and truncate must be 1 or more, frames 2 or more")
        if not 0 < self.interval[0] <= self.interval[1]:
            raise ValueError(f"interval is {self.interval}; give the least and the greatest")
        unknown = sorted(set(self.losses) - {item.name for item in fields(LossSettings)})
        if unknown:
            raise ValueError(f"losses.{unknown[0]} is no loss")


@dataclass(frozen=True)
class DataSettings:
    """What is filmed.

    Attributes:
        image_size: side of the square images, pixels.
        sequences_per_world: sequences filmed in one room, of one step.
        samples: rays along each side of a pixel.
        mirror, reverse: shares of the sequences that are seen in a mirror, and backwards.
        steady: share of the sequences in which the camera does not turn: what moves in the picture
            then tells translation alone, which turns would drown.
        colors: strength of the changes of exposure, contrast and colour balance; 0 for none.
        noise: standard deviation of a pixel's noise at most, grey levels.
        max_depth: pixels farther away teach nothing, metres.
        pixel_stride: pointmaps are compared at every so many rows and columns, others each step.

    Raises:
        ValueError: a setting makes no sense.
    """

    image_size: int = 128
    sequences_per_world: int = 2
    samples: int = 1
    mirror: float = 0.5
    reverse: float = 0.3
    steady: float = 0.0
    colors: float = 1.0
    noise: float = 4.0
    max_depth: float = 12.0
    pixel_stride: int = 2

    def __post_init__(self) -> None:
        for name in ("image_size", "sequences_per_world", "samples", "pixel_stride"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        for name in ("mirror", "reverse", "steady"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share in [0, 1]")
        for name in ("colors", "noise", "max_depth"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it cannot be below 0")


@dataclass(frozen=True)
class LossSettings:
    """Weights of the losses; one of weight 0 is not computed.

    Attributes:
        points_self, points_world: confidence-weighted pointmaps.
        confidence: how much the network wins by being sure (alpha of the confidence loss).
        rotation, translation: pose in the frame of the first camera.
        step_rotation, step_translation: pose in the frame of the camera before.
        motion: the same, as read from the camera token by a probe that exists in training only.
        features: the encoder's patches find each other in other frames.
        depth: depth of the encoder's patches, as read by a probe that exists in training only.
        attention: image tokens attend to what the state remembers of the same spot.
        flow: where a patch was, read from the decoded tokens.
        visibility: whether it was in view, likewise.
    """

    points_self: float = 1.0
    points_world: float = 0.5
    confidence: float = 0.2
    rotation: float = 0.5
    translation: float = 0.5
    step_rotation: float = 1.0
    step_translation: float = 0.5
    motion: float = 0.5
    features: float = 0.5
    depth: float = 0.0
    attention: float = 0.3
    flow: float = 2.0
    visibility: float = 0.1

    @property
    def decode(self) -> bool:
        """Whether any loss is of what comes after the encoder."""
        encoder = ("features", "depth", "confidence")
        return any(getattr(self, item.name) for item in fields(self) if item.name not in encoder)


@dataclass(frozen=True)
class EvaluationSettings:
    """Held-out rooms on which the stage measures itself.

    Attributes:
        seed: of the rooms.
        sequences: filmed sequences, each in a room of its own.
        frames: of a sequence.
        interval: seconds between frames.
        walks: longer sequences for the trajectory error.
        walk_frames: of a walk.
        walk_interval: seconds between its frames.
    """

    seed: int = 0
    sequences: int = 32
    frames: int = 8
    interval: float = 0.2
    walks: int = 8
    walk_frames: int = 100
    walk_interval: float = 0.1


@dataclass(frozen=True)
class GeometryConfig(Curriculum[Phase]):
    """The geometry stage.

    Attributes:
        curriculum: phases in the order of their ends.
        init_from: checkpoint or exported folder whose weights are the start; empty for none.

    Raises:
        ValueError: the phases are out of order.
    """

    curriculum: tuple[Phase, ...]
    run: RunSettings = field(default_factory=RunSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = DataSettings()
    losses: LossSettings = LossSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    init_from: str = ""

    def __post_init__(self) -> None:
        self.check_order()
        shared = self.data.sequences_per_world
        for phase in self.curriculum:
            if phase.sequences % shared:
                raise ValueError(
                    f"curriculum: {phase.sequences} sequences are no multiple of "
                    f"data.sequences_per_world, {shared}"
                )

    def weights(self, step: int) -> LossSettings:
        """The weights of the losses at a step."""
        return replace(self.losses, **self.phase(step).losses)
