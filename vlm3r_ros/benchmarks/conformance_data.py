"""Recorded cases: their files, metadata, slices and tolerances, and the comparison itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

DEFAULT_RTOL = 1e-3
DEFAULT_ATOL = 1e-4
INDEX_FILE = "INDEX.json"
# Roundings of one recorded result; all of them are compared with our float32 result.
PRECISIONS = ("fp32", "fp16", "bf16")
Value = TypeVar("Value")


class CaseError(ValueError):
    """A recorded case cannot be run: something in its folder is missing, broken or unknown."""


@dataclass(frozen=True)
class Tolerance:
    """Passes where |got - want| <= atol + rtol * |want|."""

    rtol: float = DEFAULT_RTOL
    atol: float = DEFAULT_ATOL


@dataclass(frozen=True)
class TensorResult:
    """Outcome for one recorded tensor.

    Attributes:
        case: file of the case.
        tensor: name in that file.
        passed: whether every element is within tolerance.
        max_abs: largest absolute error; None where nothing could be compared.
        max_rel: largest relative error; values below atol / rtol, where the absolute tolerance
            governs, count as that large.
        reason: why it missed, where the errors do not tell.
    """

    case: str
    tensor: str
    passed: bool
    max_abs: float | None = None
    max_rel: float | None = None
    reason: str = ""


class RecordedFile:
    """One safetensors file of a folder of cases.

    Attributes:
        path: where it lies.
        metadata: its header.
        names: of its tensors.
        read: names of the tensors that were used as inputs or weights.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read: set[str] = set()
        self._resources = ExitStack()
        try:
            self._handle = self._resources.enter_context(safe_open(path, framework="pt"))
            self.metadata: dict[str, str] = dict(self._handle.metadata() or {})
            self.names: list[str] = list(self._handle.keys())
        except (SafetensorError, OSError, UnicodeDecodeError) as error:
            raise CaseError(f"{path.name} cannot be read: {error}") from error

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def tensor(self, name: str) -> Tensor:
        """One stored tensor, which thereby counts as an input or a weight."""
        tensor = self._stored(name)
        self.read.add(name)
        return tensor

    def _stored(self, name: str) -> Tensor:
        if name not in self.names:
            raise CaseError(f"{self.name} holds no tensor {name}")
        tensor: Tensor = self._handle.get_tensor(name)
        return tensor

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a stored tensor, without reading it."""
        return tuple(self._handle.get_slice(name).get_shape())

    def text(self, key: str) -> str:
        """A metadata entry that must be there."""
        if key not in self.metadata:
            raise CaseError(f"{self.name} has no metadata {key}")
        return self.metadata[key]

    def json(self, key: str, default: Any = None) -> Any:
        """A metadata entry in JSON, or the default where it is absent."""
        if key not in self.metadata:
            return default
        try:
            return json.loads(self.metadata[key])
        except json.JSONDecodeError as error:
            raise CaseError(f"{self.name}: metadata {key} is not JSON: {error}") from error

    @cached_property
    def config(self) -> dict[str, Any]:
        """The case's dimensions and settings."""
        return dict(self.json("config", {}))

    def tolerance(self, name: str) -> Tolerance:
        """The tolerance that applies to a stored tensor."""
        found = longest_match(self.json("tolerance", {}), name) or {}
        return Tolerance(
            float(found.get("rtol", DEFAULT_RTOL)), float(found.get("atol", DEFAULT_ATOL))
        )

    def subsample(self, name: str) -> tuple[int | slice, ...]:
        """The slice of the full tensor that is stored under a name."""
        found = longest_match(self.json("subsample", {}), name)
        return parse_slice(found) if found else ()

    def compare(self, name: str, got: Tensor | None) -> TensorResult:
        """Compare a full tensor of ours with what is stored under a name."""
        if got is None:
            reason = "not a tensor that this kind of case is known to hold"
            return TensorResult(self.name, name, False, reason=reason)
        ours = got.detach()
        values = (ours.float() if ours.dtype == torch.bfloat16 else ours).cpu().numpy()
        try:
            values = values[self.subsample(name)]
        except IndexError as error:
            reason = f"our tensor {list(got.shape)} cannot be sliced as stored: {error}"
            return TensorResult(self.name, name, False, reason=reason)
        want = self._stored(name)
        stored = (want.float() if want.dtype == torch.bfloat16 else want).numpy()
        return compare_arrays(self.name, name, values, stored, self.tolerance(name))


class RecordedFolder(Mapping[str, RecordedFile]):
    """All readable safetensors files of a folder; `problems` tells of those that are not."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise CaseError(f"there is no folder at {path}")
        self.path = path
        self.problems: list[TensorResult] = []
        self._files: dict[str, RecordedFile] = {}
        for file in sorted(path.glob("*.safetensors")):
            try:
                self._files[file.name] = RecordedFile(file)
            except CaseError as error:
                self.problems.append(TensorResult(file.name, "", False, reason=str(error)))
        self._check_index()

    def _check_index(self) -> None:
        """Report what the folder's index lists and the folder lacks."""
        if not (self.path / INDEX_FILE).is_file():
            return
        broken = {problem.case for problem in self.problems}
        try:
            index = self.read_json(INDEX_FILE)
        except CaseError as error:
            self.problems.append(TensorResult(INDEX_FILE, "", False, reason=str(error)))
            return
        for name, entry in index.items():
            if name in broken or not name.endswith(".safetensors"):
                continue
            if name not in self._files:
                reason = f"the file is listed in {INDEX_FILE} but absent"
                self.problems.append(TensorResult(name, "", False, reason=reason))
                continue
            stored = set(self._files[name].names)
            self.problems += [
                TensorResult(name, tensor, False, reason=f"listed in {INDEX_FILE} but not stored")
                for tensor in entry.get("tensors", {})
                if tensor not in stored
            ]

    def __getitem__(self, name: str) -> RecordedFile:
        if name not in self._files:
            raise CaseError(f"the folder has no (readable) file {name}")
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON object stored beside the cases."""
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise CaseError(f"{name} cannot be read: {error}") from error
        if not isinstance(content, dict):
            raise CaseError(f"{name} does not hold a JSON object")
        return content

    def input(self, case: RecordedFile, name: str) -> Tensor:
        """A named input of a case, from whichever file holds it."""
        inputs = case.json("inputs", {})
        if name not in inputs:
            raise CaseError(f"{case.name} has no input {name}")
        reference = inputs[name]
        tensor = self[reference["file"]].tensor(reference["tensor"])
        return tensor[parse_slice(reference["slice"])] if reference.get("slice") else tensor

    def is_input(self, file: RecordedFile, name: str) -> bool:
        """Whether a stored tensor was read, or some case of the folder names it as its input."""
        return name in file.read or any(
            reference.get("file") == file.name and reference.get("tensor") == name
            for other in self._files.values()
            for reference in other.json("inputs", {}).values()
        )


def longest_match(patterns: Mapping[str, Value], name: str) -> Value | None:
    """The entry of the longest shell pattern that a name matches; `*` also crosses `/` and `.`."""
    found = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
    return patterns[max(found, key=len)] if found else None


def parse_slice(text: str) -> tuple[int | slice, ...]:
    """Python slices or integers, one per leading dimension: `0, :, ::9` or `-24:`.

    Raises:
        CaseError: for anything else.
    """
    parts: list[int | slice] = []
    for part in text.split(","):
        try:
            numbers = [int(number) if number.strip() else None for number in part.split(":")]
        except ValueError as error:
            raise CaseError(f"{text!r} is not a slice") from error
        if len(numbers) > 3 or (len(numbers) == 1 and numbers[0] is None):
            raise CaseError(f"{text!r} is not a slice")
        single = numbers[0]
        parts.append(single if len(numbers) == 1 and single is not None else slice(*numbers))
    return tuple(parts)


def split_precision(name: str) -> tuple[str, str]:
    """The rounding (or "") and the rest of a stored tensor's name."""
    precision, _, rest = name.partition("/")
    return (precision, rest) if precision in PRECISIONS and rest else ("", name)


def compare_arrays(
    case: str,
    name: str,
    got: npt.NDArray[Any],
    want: npt.NDArray[Any],
    tolerance: Tolerance,
) -> TensorResult:
    """Compare element by element; integers must be equal, NaN never passes."""
    if got.shape != want.shape:
        reason = f"shape {list(got.shape)} is not the recorded {list(want.shape)}"
        return TensorResult(case, name, False, reason=reason)
    if want.size == 0:
        return TensorResult(case, name, True, 0.0, 0.0)
    exact = not np.issubdtype(want.dtype, np.floating)
    left, right = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(invalid="ignore"):
        # Equal infinities would otherwise differ by NaN.
        error = np.where(left == right, 0.0, np.abs(left - right))
    scale = np.abs(right)
    allowed = 0.0 if exact else tolerance.atol + tolerance.rtol * scale
    passed = bool(np.all((error <= allowed) & np.isfinite(error)))
    floor = 1.0 if exact else tolerance.atol / tolerance.rtol if tolerance.rtol else 1.0
    with np.errstate(invalid="ignore"):
        relative = error / np.maximum(scale, max(floor, float(np.finfo(np.float32).tiny)))
        relative = np.where(np.isinf(error), np.inf, relative)
    if np.isnan(error).any():
        return TensorResult(case, name, False, float("nan"), float("nan"), "not a number")
    return TensorResult(case, name, passed, float(error.max()), float(relative.max()))
