"""Checkpoints: written whole or not at all, and enough to go on as if nothing had happened."""

from __future__ import annotations

import logging
import os
import pickle
import re
from pathlib import Path
from typing import Any

import torch

from vlm3r_ros.training.errors import TrainingError

logger = logging.getLogger(__name__)

_NAME = re.compile(r"step_(\d{8})\.pt")


class CheckpointFolder:
    """The checkpoints of a run.

    Args:
        folder: where they lie; made when the first is written.
        keep: newest ones that stay.
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = folder
        self.keep = keep

    def save(self, step: int, content: dict[str, Any]) -> Path:
        """Write a checkpoint, and remove those that are too old.

        Raises:
            TrainingError: it cannot be written.
        """
        path = self.folder / f"step_{step:08d}.pt"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_atomically(path, content)
            for old in self._paths()[: -self.keep]:
                old.unlink()
        except OSError as error:
            raise TrainingError(
                f"{path}: cannot be written ({error.strerror}); make room and run the same "
                "command again to go on"
            ) from error
        return path

    def load_newest(self) -> dict[str, Any] | None:
        """The newest checkpoint that can be read; None where there is none at all.

        Raises:
            TrainingError: there are some, and not one can be read.
        """
        paths = self._paths()
        for path in reversed(paths):
            try:
                return load_checkpoint(path)
            except TrainingError as error:
                logger.warning("%s; trying the one before", error)
        if paths:
            raise TrainingError(
                f"{self.folder}: no checkpoint can be read; remove the folder to start anew"
            )
        return None

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))


def save_atomically(path: Path, content: dict[str, Any]) -> None:
    """Write a file so that a kill at any time leaves the old one or the new one."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_atomically` wrote, onto the CPU.

    Raises:
        TrainingError: it is missing or damaged.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise TrainingError(f"{path}: there is no such checkpoint") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError) as error:
        raise TrainingError(f"{path}: cannot be read ({error})") from error
    return content


def load_final_weights(path: Path) -> dict[str, Any]:
    """Weights of a checkpoint's module, averaged ones where it has them.

    Raises:
        TrainingError: it is missing or damaged.
    """
    content = load_checkpoint(path)
    weights: dict[str, Any] = content["module"]
    return weights | content.get("averaged", {}).get("average", {})


def random_states() -> dict[str, Any]:
    """States of PyTorch's random generators."""
    states: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Take over what `random_states` gave."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
