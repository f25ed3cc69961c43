"""The mean of two models' weights: what one training run learned, without all that it unlearned.

    python scripts/average_weights.py BEFORE AFTER --share 0.5 --out MEAN

Both are folders as `vlm3r train` writes them, the second trained on from the first (Wortsman et
al., "Robust fine-tuning of zero-shot models", 2022). What only the second has is kept as it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_file, save_file

from vlm3r_ros.models.model_folder import WEIGHTS_FILE


def average(before: Path, after: Path, share: float, out: Path) -> None:
    """Write a folder like `after` whose weights lie between both.

    Args:
        before: folder of a model.
        after: folder of a model of the same shape, which may have parts more.
        share: of `after`, from 0 to 1.
        out: folder that is made.

    Raises:
        ValueError: the models' weights have other names or shapes, or `share` is out of range.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share is {share}; it must be from 0 to 1")
    first, second = (load_file(folder / WEIGHTS_FILE) for folder in (before, after))
    shapes, others = ({name: w.shape for name, w in part.items()} for part in (first, second))
    differing = sorted(name for name in shapes if shapes[name] != others.get(name))
    if differing:
        raise ValueError(f"{before} and {after} are not of one shape: {', '.join(differing[:3])}")
    shutil.copytree(after, out)
    mean = second | {
        name: torch.lerp(weight.float(), second[name].float(), share).to(weight.dtype)
        for name, weight in first.items()
    }
    save_file(mean, out / WEIGHTS_FILE, metadata={"format": "pt"})


def main(
    before: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    after: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder that is made.")],
    share: Annotated[float, typer.Option(help="Of AFTER, from 0 to 1.")] = 0.5,
) -> None:
    """Write the mean of two models' weights."""
    try:
        average(before, after, share, out)
    except (ValueError, FileExistsError) as error:
        raise typer.BadParameter(str(error)) from error


if __name__ == "__main__":
    typer.run(main)
