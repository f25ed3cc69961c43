"""Instruction tuning on several processes, by accelerate: data parallel, FSDP or DeepSpeed.

What a run consists of is the same as on one process (`InstructStage`, `Trainer`), but that sessions
are learned from one at a time, a phase's `videos` of them on each process before a step, and that
held-out rooms give a loss alone. Sessions are not rehearsed, no heads are arranged to look at the
frame that a question names, and camera tokens are not told poses: who asks for it is refused.
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, set_seed
from torch import Tensor
from tqdm import tqdm

from vlm3r_ros.models.devices import resolve_device
from vlm3r_ros.training.background import OrderedWorkers
from vlm3r_ros.training.checkpoint import load_checkpoint, save_atomically
from vlm3r_ros.training.computing import prepare_device, resolve_precision
from vlm3r_ros.training.curves import CurveFile, draw_curves
from vlm3r_ros.training.errors import ConfigError, TrainingError
from vlm3r_ros.training.instruct.curriculum import training_tasks
from vlm3r_ros.training.instruct.evaluation import Exam, build_exams, evaluation_tasks
from vlm3r_ros.training.instruct.export import export_model
from vlm3r_ros.training.instruct.interview import Interviewer, turn
from vlm3r_ros.training.instruct.network import InstructNetwork, build_network
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.training.instruct.sessions import Session, SessionTask, film_session
from vlm3r_ros.training.instruct.settings import InstructConfig, Phase
from vlm3r_ros.training.interruption import Interruption
from vlm3r_ros.training.loop import LOSS, TrainReport
from vlm3r_ros.training.optimization import (
    BadStepGuard,
    build_optimizer,
    learning_rate,
    set_learning_rate,
)
from vlm3r_ros.training.settings import Precision

_ALONE = "which only training on one process, without LoRA, can do; leave it out, or train so"
_AHEAD = 3  # steps whose sessions the workers film while one is computed
_PREFIX = "model."  # of the model's weights in the network's


class DistributedTuning:
    """Tunes a model in a folder, from the newest checkpoint there; every process makes one.

    Args:
        config: of the run.
        folder: to write; all processes must see it.

    Raises:
        ConfigError: the configuration does not fit the model, or asks for what is done on one
            process alone.
        TrainingError: weights to start from cannot be read.
    """

    def __init__(self, config: InstructConfig, folder: Path) -> None:
        for number, phase in enumerate(config.curriculum, 1):
            _check_phase(number, phase)
        if config.grounding.wanted:
            raise ConfigError(f"grounding is asked for, {_ALONE}")
        if config.data.placed:
            raise ConfigError(f"data.placed is {config.data.placed}, {_ALONE}")
        self.config = config
        self.folder = folder
        run = config.run
        device = resolve_device(run.device)
        precision = resolve_precision(run.precision, device)
        half = "bf16" if precision is Precision.BFLOAT16 else "no"
        # Which device a process has is accelerate's to say.
        cpu = run.device != "auto" and device.type == "cpu"
        self.accelerator = Accelerator(mixed_precision=half, cpu=cpu)
        prepare_device(self.accelerator.device, run.threads)
        if self.accelerator.distributed_type == DistributedType.DEEPSPEED:
            # It would take this from a data loader; a session is a batch of one.
            plugin = self.accelerator.state.deepspeed_plugin
            plugin.deepspeed_config["train_micro_batch_size_per_gpu"] = 1
        network = build_network(config.model, run.seed, precision)
        self.network: InstructNetwork = network
        self.interviewer = Interviewer.for_training(config.data)
        self.guard = BadStepGuard(run.max_bad_steps)
        self.wrapped, self.optimizer = self.accelerator.prepare(
            network, build_optimizer(network, config.optimizer)
        )
        self.step = 0
        """Steps done."""

    def run(self, *, progress: bool = True) -> TrainReport:
        """Train until the last step, or until Ctrl-C or SIGTERM: then save and return.

        Raises:
            TrainingError: a checkpoint does not fit, or too many steps had no finite gradient.
        """
        began = time.monotonic()
        run, main = self.config.run, self.accelerator.is_main_process
        self._resume()
        training = CurveFile(self.folder / "train.csv", self.step) if main else None
        evaluation = CurveFile(self.folder / "eval.csv", self.step) if main else None
        image_size = self.network.processor.image_size
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        most = max(phase.videos for phase in self.config.curriculum)
        workers: OrderedWorkers[SessionTask, Session] = OrderedWorkers(
            film_session, run.workers, _AHEAD * most
        )
        held_out = evaluation_tasks(self.config.evaluation, self.config.data, image_size)
        (exam,) = build_exams(workers.map(held_out), unseen=False)
        sessions = workers.map(
            training_tasks(self.config, image_size, self.step, rank=rank, processes=processes)
        )
        metrics: dict[str, float] = {}
        sums: defaultdict[str, list[float]] = defaultdict(list)
        saved_step, saved_at = self.step, time.monotonic()
        bar = tqdm(total=run.steps, initial=self.step, unit="step", disable=not (progress and main))
        try:
            with Interruption() as interruption, bar:
                while self.step < run.steps and not self._any(interruption.requested):
                    for name, value in self._take_step(sessions).items():
                        sums[name].append(value)
                    bar.update()
                    if training is not None and self.step % run.log_every == 0:
                        training.append(self.step, {k: sum(v) / len(v) for k, v in sums.items()})
                        bar.set_postfix_str(f"loss {sum(sums[LOSS]) / len(sums[LOSS]):.3g}")
                        sums.clear()
                    due = run.evaluate_every and self.step % run.evaluate_every == 0
                    if due or self.step == run.steps:
                        metrics = self._evaluate(exam)
                        self._export()
                        if training is not None and evaluation is not None:
                            evaluation.append(self.step, metrics)
                            draw_curves(self.folder / "curves.png", training, evaluation)
                    waited = (time.monotonic() - saved_at) / 60
                    if due or self._any(waited >= run.checkpoint_minutes):
                        self._save()
                        saved_step, saved_at = self.step, time.monotonic()
                if saved_step != self.step:
                    self._save()
        finally:
            workers.close()
        finished = self.step >= run.steps
        return TrainReport(
            self.step, finished, self.guard.skipped, metrics, time.monotonic() - began
        )

    def _take_step(self, sessions: Iterator[Session]) -> dict[str, float]:
        settings = self.config.optimizer
        rate = learning_rate(settings, self.step, self.config.run.steps)
        set_learning_rate(self.optimizer, rate)
        self.wrapped.train()
        count = self.config.phase(self.step).videos
        total = torch.zeros((), device=self.accelerator.device)
        for number in range(count):
            session, turns = self._next(sessions)
            # Gradients are exchanged once a step.
            with self.accelerator.no_sync(self.wrapped) if number < count - 1 else nullcontext():
                with self.accelerator.autocast():
                    loss = self._answer(session, turns).mean() / count
                self.accelerator.backward(loss)
            total += loss.detach()
        norm = self.accelerator.clip_grad_norm_(self.wrapped.parameters(), settings.clip_norm)
        loss_value = float(self.accelerator.reduce(total, "mean"))
        norm_value = 0.0 if norm is None else float(norm)
        if self.guard.accept(loss_value, norm_value):
            self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return {LOSS: loss_value, "gradient_norm": norm_value, "learning_rate": rate}

    def _next(self, sessions: Iterator[Session]) -> tuple[Session, list[Turn]]:
        """A session about which something can be asked: every process needs one."""
        while True:
            session = next(sessions)
            inquiries = self.interviewer.ask(session)
            if inquiries:
                return session, [turn(item, self.network.processor) for item in inquiries]

    def _answer(self, session: Session, turns: list[Turn]) -> Tensor:
        frames = torch.from_numpy(session.color).to(self.accelerator.device)
        losses: Tensor = self.wrapped(frames, session.stride, turns)
        return losses

    @torch.no_grad()
    def _evaluate(self, exam: Exam) -> dict[str, float]:
        """Loss on held-out rooms; each process takes its share, and all of them as many."""
        self.wrapped.eval()
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        sums = torch.zeros(2, device=self.accelerator.device)
        for first in range(0, len(exam.sessions), processes):
            mine = first + rank
            session, inquiries = exam.sessions[min(mine, len(exam.sessions) - 1)]
            turns = [turn(item, self.network.processor) for item in inquiries]
            with self.accelerator.autocast():
                losses = self._answer(session, turns)
            if mine < len(exam.sessions):
                sums += torch.stack((losses.sum(), losses.new_tensor(float(len(losses)))))
        total, tokens = self.accelerator.reduce(sums, "sum").tolist()
        return {LOSS: total / max(tokens, 1)}

    def _any(self, mine: bool) -> bool:
        """Whether it holds on any process, so that all of them do the same."""
        flag = torch.tensor(float(mine), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, "sum") > 0)

    def _export(self) -> None:
        state = self.accelerator.get_state_dict(self.wrapped)
        if self.accelerator.is_main_process:
            weights = {
                name.removeprefix(_PREFIX): value
                for name, value in state.items()
                if name.startswith(_PREFIX)
            }
            export_model(self.network, weights, self.config.model, self.folder / "model")
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        """Write a checkpoint; it counts once the file that names it is there."""
        name = f"step_{self.step:08d}"
        folder = self.folder / "checkpoints"
        self.accelerator.save_state(str(folder / name))
        own = folder / name / f"questions_{self.accelerator.process_index}.pt"
        save_atomically(own, {"interviewer": self.interviewer.state_dict()})
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            content = {
                "step": self.step,
                "name": name,
                "processes": self.accelerator.num_processes,
                "guard": self.guard.state_dict(),
                "settings": self._settings(),
            }
            save_atomically(folder / "newest.pt", content)
            for old in folder.glob("step_*"):
                if old.name != name:
                    shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def _resume(self) -> None:
        folder = self.folder / "checkpoints"
        if not (folder / "newest.pt").is_file():
            set_seed(self.config.run.seed, device_specific=True)
            return
        content = load_checkpoint(folder / "newest.pt")
        processes = self.accelerator.num_processes
        if content["processes"] != processes:
            raise TrainingError(
                f"{self.folder}: its checkpoint was made on {content['processes']} processes; "
                f"there are {processes}: launch as many, or train into another folder"
            )
        if content["settings"] != self._settings():
            raise TrainingError(
                f"{self.folder}: its checkpoint was made with other settings of model, data, "
                "curriculum or optimizer; set them back, or train into another folder"
            )
        self.accelerator.load_state(str(folder / content["name"]))
        own = folder / content["name"] / f"questions_{self.accelerator.process_index}.pt"
        self.interviewer.load_state_dict(load_checkpoint(own)["interviewer"])
        self.guard.load_state_dict(content["guard"])
        self.step = content["step"]

    def _settings(self) -> str:
        """What a checkpoint depends on, in a form that can be compared."""
        parts: dict[str, Any] = asdict(self.config)
        kept = {name: parts[name] for name in ("model", "data", "curriculum", "optimizer")}
        return repr(kept)


def _check_phase(number: int, phase: Phase) -> None:
    """Refuse what only `InstructStage` does, rather than train without it unsaid."""
    for name in ("rehearsed", "addressed"):
        value = getattr(phase, name)
        if value:
            raise ConfigError(f"curriculum, phase {number}: {name} is {value}, {_ALONE}")
