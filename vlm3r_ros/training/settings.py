"""Settings that every stage has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar


class Precision(StrEnum):
    """Number format of matrix products; weights, losses and optimizer are float32.

    `auto` is bfloat16 where the device multiplies it in hardware, else float32.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class OptimizerKind(StrEnum):
    """How weight matrices learn; biases, norms, embeddings and output layers learn by AdamW."""

    ADAMW = "adamw"
    MUON = "muon"


@dataclass(frozen=True)
class OptimizerSettings:
    """An optimizer with a linear warm-up, then a cosine down to a share of the learning rate.

    Attributes:
        kind: `adamw`, or `muon`, which takes fewer steps.
        learning_rate: at the end of the warm-up.
        final_share: of the learning rate, at the last step.
        warmup_steps: steps over which it rises from nothing.
        weight_decay: of weight matrices; biases, norms and embeddings have none.
        betas: AdamW's.
        clip_norm: the gradient is scaled down to this norm.

    Raises:
        ValueError: a setting makes no sense.
    """

    kind: OptimizerKind = OptimizerKind.ADAMW
    learning_rate: float = 1e-3
    final_share: float = 0.05
    warmup_steps: int = 200
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.95)
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        if self.learning_rate <= 0 or self.clip_norm <= 0:
            raise ValueError("learning_rate and clip_norm must be above 0")
        if self.warmup_steps < 0 or self.weight_decay < 0:
            raise ValueError("warmup_steps and weight_decay cannot be below 0")
        if not 0 <= self.final_share <= 1:
            raise ValueError(f"final_share is {self.final_share}; it must be in [0, 1]")


@dataclass(frozen=True)
class RunSettings:
    """How long a stage runs, where, and what it writes down.

    Attributes:
        steps: of the optimizer, in all.
        seed: of weights and data.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        precision: of matrix products.
        threads: of PyTorch on a CPU; 0 leaves its own choice.
        workers: processes that make data; 0 makes it between the steps.
        checkpoint_minutes: between checkpoints.
        keep_checkpoints: newest ones that are kept.
        evaluate_every: steps between evaluations; 0 evaluates at the end only.
        log_every: steps that a row of the curves is the mean of.
        max_bad_steps: steps in a row without a finite gradient after which the run stops.
        ema_decay: of the averaged weights that are evaluated and exported; 0 has none.

    Raises:
        ValueError: a setting makes no sense.
    """

    steps: int = 10_000
    seed: int = 0
    device: str = "auto"
    precision: Precision = Precision.AUTO
    threads: int = 0
    workers: int = 1
    checkpoint_minutes: float = 5.0
    keep_checkpoints: int = 2
    evaluate_every: int = 500
    log_every: int = 20
    max_bad_steps: int = 20
    ema_decay: float = 0.998

    def __post_init__(self) -> None:
        for name in ("steps", "keep_checkpoints", "log_every", "max_bad_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        for name in ("seed", "threads", "workers", "checkpoint_minutes", "evaluate_every"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it cannot be below 0")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay is {self.ema_decay}; it must be in [0, 1)")


class Until(Protocol):
    """A part of a curriculum."""

    @property
    def until(self) -> int:
        """Step at which it ends."""


PhaseT = TypeVar("PhaseT", bound=Until)


class Curriculum(Generic[PhaseT]):
    """What configurations of stages with phases share; they have the field `curriculum`."""

    curriculum: tuple[PhaseT, ...]

    def check_order(self) -> None:
        """Check that each phase ends after the one before.

        Raises:
            ValueError: one does not, or there is none.
        """
        ends = [phase.until for phase in self.curriculum]
        if not ends or ends != sorted(set(ends)):
            raise ValueError(f"curriculum: the phases end at {ends}; each must end after the last")

    def begins(self, step: int) -> bool:
        """Whether a phase begins with this step."""
        return step == 0 or self.phase(step) is not self.phase(step - 1)

    def phase(self, step: int) -> PhaseT:
        """The phase that a step is in; the last one goes on to the end."""
        return next((p for p in self.curriculum if step < p.until), self.curriculum[-1])
