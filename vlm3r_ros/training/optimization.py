"""The optimizer, its learning rate over time, averaged weights, and a guard against bad steps."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.training.muon import MUON, MuonAdamW
from vlm3r_ros.training.settings import OptimizerKind, OptimizerSettings

_OUTPUT_LAYER = "lm_head.weight"  # a row of it is a word's, as one of the embeddings is


def build_optimizer(module: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """AdamW or Muon over the parameters that want a gradient; only matrices and kernels decay.

    A parameter with an attribute `learning_rate_share` learns at that share of the learning rate.
    """
    embeddings = {id(child.weight) for child in module.modules() if isinstance(child, nn.Embedding)}
    muon = settings.kind is OptimizerKind.MUON
    # By share of the learning rate: decayed ones, others, and those that Muon moves.
    shared: dict[float, tuple[list[Tensor], list[Tensor], list[Tensor]]] = {1.0: ([], [], [])}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        # Learned tokens are [1, N, D]: they hold content, as embeddings do.
        is_matrix = name.endswith("weight") and parameter.ndim >= 2
        decays = is_matrix and id(parameter) not in embeddings
        share = getattr(parameter, "learning_rate_share", 1.0)
        decayed, plain, hidden = shared.setdefault(share, ([], [], []))
        if muon and decays and parameter.ndim == 2 and not name.endswith(_OUTPUT_LAYER):
            hidden.append(parameter)
        else:
            (decayed if decays else plain).append(parameter)
    groups = []
    for share, (decayed, plain, hidden) in shared.items():
        groups.append({"params": decayed, "weight_decay": settings.weight_decay, "share": share})
        groups.append({"params": plain, "weight_decay": 0.0, "share": share})
        if muon:
            decay = settings.weight_decay
            groups.append({"params": hidden, "weight_decay": decay, "share": share, MUON: True})
    parameters = [parameter for parts in shared.values() for part in parts for parameter in part]
    kind = MuonAdamW if muon else torch.optim.AdamW
    return kind(
        groups, lr=settings.learning_rate, betas=settings.betas, fused=_can_fuse(parameters)
    )


def _can_fuse(parameters: Iterable[Tensor]) -> bool:
    return all(parameter.device.type in ("cpu", "cuda") for parameter in parameters)


def learning_rate(settings: OptimizerSettings, step: int, steps: int) -> float:
    """The learning rate of a step that counts from 0, of `steps` in all."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return settings.learning_rate * (settings.final_share + (1 - settings.final_share) * cosine)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step learn at this rate, and each parameter at its share of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)


class AveragedWeights:
    """An exponential moving average of a module's parameters.

    The average is over few steps at first, so that it does not remember the random start.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._parameters = dict(module.named_parameters())
        self.average = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are now."""
        self.updates += 1
        decay = min(self.decay, self.updates / (10 + self.updates))
        torch._foreach_lerp_(
            list(self.average.values()),
            [parameter.detach() for parameter in self._parameters.values()],
            1 - decay,
        )

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the average and the parameters; again, to undo it."""
        for name, parameter in self._parameters.items():
            present = parameter.detach().clone()
            parameter.copy_(self.average[name])
            self.average[name].copy_(present)

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint holds of it."""
        return {"updates": self.updates, "average": self.average}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Take over what `state_dict` gave."""
        updates, average = state["updates"], state["average"]
        assert isinstance(updates, int)
        assert isinstance(average, dict)
        self.updates = updates
        for name, tensor in self.average.items():
            tensor.copy_(average[name])


class BadStepGuard:
    """Lets steps with a loss or gradient that is not finite be left out, but not for ever.

    Attributes:
        skipped: steps left out so far.
        in_a_row: the last ones of them, without a good step between.
    """

    def __init__(self, max_in_a_row: int) -> None:
        self.max_in_a_row = max_in_a_row
        self.skipped = 0
        self.in_a_row = 0

    def accept(self, loss: float, gradient_norm: float) -> bool:
        """Whether the step may be taken.

        Raises:
            TrainingError: the last `max_in_a_row` steps could not.
        """
        if math.isfinite(loss) and math.isfinite(gradient_norm):
            self.in_a_row = 0
            return True
        self.skipped += 1
        self.in_a_row += 1
        if self.in_a_row >= self.max_in_a_row:
            raise TrainingError(
                f"{self.in_a_row} steps in a row had no finite loss or gradient (the last: loss "
                f"{loss}, gradient norm {gradient_norm}); the last checkpoint is from before: "
                "lower optimizer.learning_rate or optimizer.clip_norm, or use run.precision "
                "float32, and start again from it"
            )
        return False

    def state_dict(self) -> dict[str, int]:
        """What a checkpoint holds of it."""
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Take over what `state_dict` gave."""
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]
