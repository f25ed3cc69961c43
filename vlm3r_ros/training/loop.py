"""The training loop that all stages share."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from vlm3r_ros.training.checkpoint import (
    CheckpointFolder,
    random_states,
    restore_random_states,
)
from vlm3r_ros.training.curves import CurveFile, draw_curves
from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.training.interruption import Interruption
from vlm3r_ros.training.optimization import (
    AveragedWeights,
    BadStepGuard,
    build_optimizer,
    learning_rate,
    set_learning_rate,
)
from vlm3r_ros.training.settings import OptimizerSettings, RunSettings

LOSS = "loss"

_SHOWN = 7  # values beside the progress bar

# Settings that leave the result alone, or that one may want to change on the way.
_FREE = {
    "steps",
    "device",
    "threads",
    "workers",
    "checkpoint_minutes",
    "keep_checkpoints",
    "evaluate_every",
    "log_every",
    "max_bad_steps",
}


class StageConfig(Protocol):
    """What the configuration of any stage has; it is a dataclass."""

    @property
    def run(self) -> RunSettings:
        """How long, where, and what is written down."""

    @property
    def optimizer(self) -> OptimizerSettings:
        """The optimizer's settings."""


class Stage(Protocol):
    """What a stage adds to the loop."""

    @property
    def module(self) -> nn.Module:
        """Everything that is trained, on the device it is trained on."""

    def start(self, step: int) -> None:
        """Have the data begin with that of `step`; what a step sees depends on nothing else."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """Scalars for the curves, of which `LOSS` is minimised."""

    def evaluate(self) -> dict[str, float]:
        """How good the module is on held-out data."""

    def export(self, folder: Path) -> None:
        """Write what later stages and users load."""

    def close(self) -> None:
        """End what works in the background."""


@dataclass
class TrainReport:
    """How a run ended.

    Attributes:
        step: steps that are done in all.
        finished: whether those are all.
        skipped: steps left out because a gradient was not finite.
        metrics: of the last evaluation; empty where there was none.
        seconds: that this run took.
    """

    step: int
    finished: bool
    skipped: int
    metrics: dict[str, float]
    seconds: float


class Trainer:
    """Trains a stage in a folder, from the newest checkpoint there.

    The folder holds `checkpoints/`, `model/` (what `Stage.export` writes), `train.csv`, `eval.csv`
    and `curves.png`.

    Args:
        stage: what is trained.
        config: its configuration, a dataclass.
        folder: to write.
    """

    def __init__(self, stage: Stage, config: StageConfig, folder: Path) -> None:
        self.stage = stage
        self.config = config
        self.folder = folder
        self.optimizer = build_optimizer(stage.module, config.optimizer)
        decay = config.run.ema_decay
        self.averaged = AveragedWeights(stage.module, decay) if decay else None
        self.guard = BadStepGuard(config.run.max_bad_steps)
        self.checkpoints = CheckpointFolder(folder / "checkpoints", config.run.keep_checkpoints)
        self.step = 0
        """Steps done."""
        self._metrics: dict[str, float] = {}
        self._sums: dict[str, list[float]] = defaultdict(list)

    def run(self, *, progress: bool = True) -> TrainReport:
        """Train until the last step, or until Ctrl-C or SIGTERM: then save and return.

        Raises:
            TrainingError: the folder's checkpoint is of another configuration, too many steps had
                no finite gradient, or a file cannot be written.
        """
        began = time.monotonic()
        run = self.config.run
        self._resume()
        training = CurveFile(self.folder / "train.csv", self.step)
        evaluation = CurveFile(self.folder / "eval.csv", self.step)
        saved_at, saved_step = time.monotonic(), self.step
        bar = tqdm(
            total=run.steps,
            initial=self.step,
            unit="step",
            smoothing=0.05,
            dynamic_ncols=True,
            disable=not progress,
            # A bar in a log file would be a line for every step.
            mininterval=0.5,
            miniters=1,
        )
        try:
            with Interruption() as interruption, bar:
                self.stage.start(self.step)
                while self.step < run.steps and not interruption.requested:
                    self._take_step()
                    bar.update()
                    if self.step % run.log_every == 0:
                        means = self._collect()
                        training.append(self.step, means)
                        shown = dict(list(means.items())[:_SHOWN])
                        bar.set_postfix_str(_summary(shown))
                    due = run.evaluate_every and self.step % run.evaluate_every == 0
                    if due or self.step == run.steps:
                        self._evaluate(training, evaluation)
                        if progress:
                            tqdm.write(f"step {self.step}: {_summary(self._metrics)}")
                    waited = (time.monotonic() - saved_at) / 60
                    if due or waited >= run.checkpoint_minutes:
                        self._save()
                        saved_at, saved_step = time.monotonic(), self.step
                if saved_step != self.step:
                    self._save()
        finally:
            self.stage.close()
        return TrainReport(
            self.step,
            self.step >= run.steps,
            self.guard.skipped,
            self._metrics,
            time.monotonic() - began,
        )

    def _take_step(self) -> None:
        settings = self.config.optimizer
        rate = learning_rate(settings, self.step, self.config.run.steps)
        set_learning_rate(self.optimizer, rate)
        began = time.perf_counter()
        self.stage.module.train()
        losses = self.stage.losses(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        losses[LOSS].backward()
        norm = nn.utils.clip_grad_norm_(self.stage.module.parameters(), settings.clip_norm)
        # All in one transfer: each waits for the device.
        numbers = torch.stack([value.detach().float() for value in (*losses.values(), norm)])
        *means, length = numbers.tolist()
        values = dict(zip(losses, means, strict=True))
        if self.guard.accept(values[LOSS], length):
            self.optimizer.step()
            if self.averaged is not None:
                self.averaged.update()
            for name, value in values.items():
                self._sums[name].append(value)
            self._sums["gradient_norm"].append(length)
        self._sums["learning_rate"].append(rate)
        self._sums["seconds"].append(time.perf_counter() - began)
        self.step += 1

    def _collect(self) -> dict[str, float]:
        """Means over the steps since the last call."""
        means = {name: sum(values) / len(values) for name, values in self._sums.items()}
        self._sums.clear()
        return means

    def _evaluate(self, training: CurveFile, evaluation: CurveFile) -> None:
        with self._final_weights():
            self.stage.module.eval()
            self._metrics = self.stage.evaluate()
            self.stage.export(self.folder / "model")
        evaluation.append(self.step, self._metrics)
        draw_curves(self.folder / "curves.png", training, evaluation)

    @contextmanager
    def _final_weights(self) -> Iterator[None]:
        """While entered, the module has the weights that are evaluated and exported."""
        if self.averaged is None:
            yield
            return
        self.averaged.swap()
        try:
            yield
        finally:
            self.averaged.swap()

    def _save(self) -> None:
        content: dict[str, Any] = {
            "step": self.step,
            "config": _plain(asdict(self.config)),  # type: ignore[call-overload]
            "module": self.stage.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "guard": self.guard.state_dict(),
            "random": random_states(),
            "metrics": self._metrics,
        }
        if self.averaged is not None:
            content["averaged"] = self.averaged.state_dict()
        self.checkpoints.save(self.step, content)

    def _resume(self) -> None:
        """Go on from the newest checkpoint, or start with the run's own random numbers."""
        content = self.checkpoints.load_newest()
        if content is None:
            torch.manual_seed(self.config.run.seed)
            return
        present = _plain(asdict(self.config))  # type: ignore[call-overload]
        changed = sorted(_differences(content["config"], present))
        if changed:
            raise TrainingError(
                f"{self.folder}: its checkpoint was made with another {', '.join(changed)}; set "
                "it back, or train into another folder (init_from takes over these weights)"
            )
        self.stage.module.load_state_dict(content["module"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.guard.load_state_dict(content["guard"])
        restore_random_states(content["random"])
        if self.averaged is not None:
            self.averaged.load_state_dict(content["averaged"])
        self._metrics = content["metrics"]
        self.step = content["step"]


def _plain(value: Any) -> Any:
    """The same with nothing but the types that a checkpoint may hold."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> Iterator[str]:
    for name in old.keys() | new.keys():
        if where == "run." and name in _FREE:
            continue
        a, b = old.get(name), new.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from _differences(a, b, f"{where}{name}.")
        elif a != b:
            yield f"{where}{name}"


def _summary(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())
