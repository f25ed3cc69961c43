"""The vision stage: look at frames of rooms, say what each patch shows, compare."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import SiglipVisionModel

from vlm3r_ros.models.devices import resolve_device
from vlm3r_ros.training.background import OrderedWorkers
from vlm3r_ros.training.checkpoint import load_final_weights
from vlm3r_ros.training.computing import computing, prepare_device
from vlm3r_ros.training.errors import ConfigError, TrainingError
from vlm3r_ros.training.loop import LOSS
from vlm3r_ros.training.vision.evaluation import (
    instance_retrieval,
    mean_average_precision,
    patch_accuracy,
)
from vlm3r_ros.training.vision.filming import FilmTask, Patches, film
from vlm3r_ros.training.vision.initialization import initialize
from vlm3r_ros.training.vision.losses import (
    category_loss,
    depth_loss,
    instance_loss,
    presence_loss,
)
from vlm3r_ros.training.vision.network import PatchOutput, build_network
from vlm3r_ros.training.vision.settings import VisionConfig
from vlm3r_ros.training.vision.standardization import standardize_tokens
from vlm3r_ros.worlds.world import Split

_STEPS_AHEAD = 3
"""Steps whose frames the workers make while one is computed."""
_LOOK_AT = 8
"""Rooms, and frames of each, that the patch embedding is suited to."""


class VisionStage:
    """Stage 2, for the `Trainer`.

    Raises:
        ConfigError: the configuration does not fit the model or the machine.
        TrainingError: the weights to start from cannot be read.
    """

    def __init__(self, config: VisionConfig) -> None:
        self.config = config
        self.device = resolve_device(config.run.device)
        self.module = build_network(config.model, config.run.seed).to(self.device)
        tower = self.tower.config
        self._image_size = int(tower.image_size)  # type: ignore[arg-type]
        self._patch_size = int(tower.patch_size)  # type: ignore[arg-type]
        if self._image_size % self._patch_size:
            raise ConfigError(
                f"model.vision: image_size is {self._image_size}; it must be a multiple of "
                f"patch_size, {self._patch_size}"
            )
        if config.init_from:
            self._take_over(Path(config.init_from).expanduser())
        else:
            self._initialize()
        self._workers: OrderedWorkers[FilmTask, Patches] | None = None
        self._films: Iterator[Patches] = iter(())
        self._held_out: list[Patches] = []

    def _initialize(self) -> None:
        """Start from weights that suit rendered rooms."""
        films = [
            film(self._task(Split.TRAIN, self.config.run.seed, index, _LOOK_AT, augment=True))
            for index in range(_LOOK_AT)
        ]
        images = self._pixels(Patches.concatenate(films))
        initialize(self.tower, images, self.config.run.seed)

    @property
    def tower(self) -> SiglipVisionModel:
        """The network that is shipped."""
        return self.module.tower

    def start(self, step: int) -> None:
        """Begin to film for `step` and those after it."""
        run = self.config.run
        prepare_device(self.device, run.threads)
        self._workers = OrderedWorkers(film, run.workers, _STEPS_AHEAD * self.config.data.rooms)
        evaluation = self.config.evaluation
        self._held_out = list(
            self._workers.map(
                self._task(Split.VAL, evaluation.seed, index, evaluation.images, augment=False)
                for index in range(evaluation.rooms)
            )
        )
        self._films = self._workers.map(self._tasks(step))

    def close(self) -> None:
        """End the workers."""
        if self._workers is not None:
            self._workers.close()

    def _tasks(self, step: int) -> Iterator[FilmTask]:
        index = step * self.config.data.rooms
        while True:
            images = self.config.data.images
            yield self._task(Split.TRAIN, self.config.run.seed, index, images, augment=True)
            index += 1

    def _task(self, split: Split, seed: int, index: int, images: int, *, augment: bool) -> FilmTask:
        return FilmTask(
            split,
            seed,
            index,
            images,
            self._image_size,
            self._patch_size,
            self.config.data,
            augment,
        )

    def losses(self, step: int) -> dict[str, Tensor]:
        """Film and compare; see `Stage`."""
        films = [next(self._films) for _ in range(self.config.data.rooms)]
        return self.compare(Patches.concatenate(films))

    def compare(self, patches: Patches) -> dict[str, Tensor]:
        """Run the network over frames and compare it with the truth."""
        with self._computing():
            said = self.module(self._pixels(patches))
        weights, terms = self.config.losses, {}
        shares = torch.from_numpy(patches.shares).to(self.device).float()
        if weights.category:
            terms["category"] = category_loss(said.classes, shares)
        if weights.presence:
            terms["presence"] = presence_loss(said.presence, shares)
        if weights.instance:
            terms["instance"] = instance_loss(
                said.embedding,
                torch.from_numpy(patches.instance).to(self.device),
                torch.from_numpy(patches.room).to(self.device),
                weights.patches,
                weights.temperature,
            )
        if weights.depth:
            depth = torch.from_numpy(patches.depth).to(self.device)
            terms["depth"] = depth_loss(said.log_depth, depth)
        total = sum(getattr(weights, name) * term for name, term in terms.items())
        assert isinstance(total, Tensor)
        right = said.classes.argmax(-1) == shares.argmax(-1)
        return {LOSS: total, **terms, "accuracy": right.float().mean()}

    def _computing(self) -> ExitStack:
        return computing(self.device, self.config.run.precision, short_attention=True)

    def _pixels(self, patches: Patches) -> Tensor:
        """`[B, 3, S, S]` in [-1, 1], as the model's processor makes them."""
        color = torch.from_numpy(patches.color).to(self.device)
        return color.permute(0, 3, 1, 2).float() / 127.5 - 1

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out rooms; see `Stage`."""
        scores: dict[str, list[np.ndarray]] = defaultdict(list)
        found: dict[str, list[float]] = defaultdict(list)
        for patches in self._held_out:
            with self._computing():
                said: PatchOutput = self.module(self._pixels(patches))
            scores["classes"].append(_rows(said.classes))
            scores["presence"].append(_rows(said.presence))
            scores["log_depth"].append(said.log_depth.float().flatten().cpu().numpy())
            image = np.repeat(np.arange(len(patches.color), dtype=np.int32), said.classes.shape[1])
            of_room = instance_retrieval(_rows(said.embedding), patches.instance.ravel(), image)
            for name, value in of_room.items():
                found[name].append(value)
        shares = np.concatenate([p.shares.astype(np.float32) for p in self._held_out]).reshape(
            -1, self._held_out[0].shares.shape[-1]
        )
        metrics = patch_accuracy(np.concatenate(scores["classes"]), shares)
        metrics |= mean_average_precision(np.concatenate(scores["presence"]), shares)
        metrics |= {name: float(np.mean(values)) for name, values in found.items()}
        if self.config.losses.depth:
            depth = np.concatenate([p.depth.ravel() for p in self._held_out])
            said_depth = np.exp(np.concatenate(scores["log_depth"]))
            metrics["depth_abs_rel"] = float((np.abs(said_depth - depth) / depth).mean())
        return metrics

    def export(self, folder: Path) -> None:
        """Write the tower, its tokens standardized, in the form of transformers."""
        tower = copy.deepcopy(self.tower)
        standardize_tokens(tower, self._pixels(Patches.concatenate(self._held_out[:_LOOK_AT])))
        tower.save_pretrained(folder)

    def _take_over(self, path: Path) -> None:
        """Start from a checkpoint's averaged weights."""
        weights = load_final_weights(path)
        try:
            self.module.load_state_dict(weights)
        except RuntimeError as error:
            raise TrainingError(f"init_from: {path}: is of another network ({error})") from error


def _rows(values: Tensor) -> np.ndarray:
    """`[B, N, C]` -> float32 `[B * N, C]`."""
    return values.float().flatten(0, 1).cpu().numpy()
