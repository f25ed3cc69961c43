"""The side of the frames that a model takes, known without importing what the model needs."""

from __future__ import annotations

from pathlib import Path

from vlm3r_ros.models.model_folder import (
    MODEL_TYPE,
    check_model_folder,
    download_model,
    is_hub_name,
    read_image_size,
)

IMAGE_SIZES = {"vlm3r-7b": 384, "nano": 224, "tiny": 64}
"""Of the named sizes, where no weights are installed; pixels."""
WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"
"""Where the package's own weights lie, a folder a size."""


def model_image_size(name: str) -> int:
    """Side in pixels of the square frames that a model takes, without loading it.

    Args:
        name: a named size, a folder, or `organisation/model` on the Hugging Face Hub.

    Raises:
        ModelFolderError: no such model.
    """
    folder = Path(name).expanduser()
    if name in IMAGE_SIZES:
        folder = WEIGHTS_FOLDER / name
        if not folder.is_dir():
            return IMAGE_SIZES[name]
    elif not folder.exists() and is_hub_name(name):
        folder = download_model(name)
    check_model_folder(folder, MODEL_TYPE)
    return read_image_size(folder)
