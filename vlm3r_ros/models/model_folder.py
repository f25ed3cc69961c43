"""Checks of a model folder before anything is built from it, and its download."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError

MODEL_TYPE = "vlm3r"
"""Of the whole model, in its configuration file."""
CONFIG_FILE = "config.json"
PROCESSOR_FILE = "preprocessor_config.json"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_INDEX_FILE = "model.safetensors.index.json"

_CONVERT_HINT = "make a folder of ours with `vlm3r convert`, or use the registered size nano"
_COPY_HINT = "copy or download the folder again"
_HEADER_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100_000_000


class ModelFolderError(Exception):
    """A model folder is missing, incomplete, or not a model of ours.

    Args:
        folder: the folder, as the user named it.
        problem: what is wrong.
        remedy: what to do about it.
    """

    def __init__(self, folder: str | Path, problem: str, remedy: str) -> None:
        super().__init__(f"model folder {str(folder)!r}: {problem}; {remedy}")
        self.folder = str(folder)
        self.problem = problem
        self.remedy = remedy


def check_model_folder(folder: Path, model_type: str) -> int:
    """Make sure that a folder holds a whole model of ours.

    Reads the configuration and the headers of the weight files, not the weights.

    Args:
        folder: what `save_pretrained` of model and processor wrote.
        model_type: the `model_type` that its configuration must have.

    Returns:
        The number of parameters stored.

    Raises:
        ModelFolderError: if a file is missing, does not parse, is cut short, or the model is of
            another architecture.
    """
    if not folder.is_dir():
        raise ModelFolderError(folder, "it does not exist or is not a folder", _CONVERT_HINT)
    config = _read_json(folder, CONFIG_FILE, _CONVERT_HINT)
    found = config.get("model_type")
    if found != model_type:
        raise ModelFolderError(
            folder,
            f"{CONFIG_FILE} is of architecture {found!r}, expected {model_type!r}",
            _CONVERT_HINT,
        )
    _read_json(folder, PROCESSOR_FILE, _COPY_HINT)
    return sum(_count_parameters(folder, name) for name in _weight_files(folder))


def read_image_size(folder: Path) -> int:
    """Side in pixels of the square frames that a folder's model takes.

    Raises:
        ModelFolderError: the processor's settings are missing, or do not say.
    """
    size = _read_json(folder, PROCESSOR_FILE, _COPY_HINT).get("image_size")
    if not isinstance(size, int):
        raise ModelFolderError(folder, f"{PROCESSOR_FILE} gives no image_size", _COPY_HINT)
    return size


def is_hub_name(name: str) -> bool:
    """Whether a name has the form `organisation/model` of the Hugging Face Hub."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name) is not None


def download_model(name: str) -> Path:
    """Download a model of ours from the Hugging Face Hub, or find it in the local cache.

    Raises:
        ModelFolderError: if it cannot be had.
    """
    try:
        folder = snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.txt"])
    except RepositoryNotFoundError as error:
        raise ModelFolderError(
            name,
            "there is neither such a folder nor such a model on the Hugging Face Hub",
            "check the name, and log in with `hf auth login` if the model is private",
        ) from error
    # The client lets the errors of whichever HTTP library it uses through.
    except Exception as error:
        raise ModelFolderError(
            name,
            "there is no such folder, and downloading it from the Hugging Face Hub failed "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            "check the network and HF_HUB_OFFLINE, or give the path of a folder on this machine",
        ) from error
    return Path(folder)


def _weight_files(folder: Path) -> list[str]:
    if (folder / WEIGHTS_FILE).is_file():
        return [WEIGHTS_FILE]
    if not (folder / WEIGHTS_INDEX_FILE).is_file():
        raise ModelFolderError(
            folder, f"neither {WEIGHTS_FILE} nor {WEIGHTS_INDEX_FILE} is in it", _CONVERT_HINT
        )
    weight_map = _read_json(folder, WEIGHTS_INDEX_FILE, _COPY_HINT).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelFolderError(folder, f"{WEIGHTS_INDEX_FILE} lists no weights", _COPY_HINT)
    names = sorted(set(weight_map.values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelFolderError(
            folder, f"weight files are missing: {', '.join(missing)}", _COPY_HINT
        )
    return names


def _count_parameters(folder: Path, name: str) -> int:
    """Parameters in a safetensors file, which must be as long as its header says."""
    path = folder / name
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_HEADER_LENGTH_BYTES), "little")
        if size < _HEADER_LENGTH_BYTES or not 0 < length <= _MAX_HEADER_BYTES:
            raise ModelFolderError(folder, f"{name} is not a safetensors file", _COPY_HINT)
        header_bytes = file.read(length)
    if len(header_bytes) < length:
        raise ModelFolderError(folder, f"{name} is cut short in its header", _COPY_HINT)
    try:
        header = json.loads(header_bytes)
        tensors = [entry for key, entry in header.items() if key != "__metadata__"]
        end = max((entry["data_offsets"][1] for entry in tensors), default=0)
        count = sum(_product(entry["shape"]) for entry in tensors)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelFolderError(
            folder, f"the header of {name} does not parse", _COPY_HINT
        ) from error
    expected = _HEADER_LENGTH_BYTES + length + end
    if size != expected:
        raise ModelFolderError(
            folder, f"{name} has {size} bytes instead of {expected}: it is cut short", _COPY_HINT
        )
    return count


def _product(shape: list[int]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _read_json(folder: Path, name: str, remedy: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFolderError(folder, f"{name} is missing", remedy) from error
    except (OSError, ValueError) as error:
        raise ModelFolderError(folder, f"{name} does not read as JSON", remedy) from error
    if not isinstance(content, dict):
        raise ModelFolderError(folder, f"{name} does not hold an object", remedy)
    return content
