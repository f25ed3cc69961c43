"""Reading weight files that strangers made, without executing anything that is in them."""

import json
import mmap
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

_LOCAL_HEADER = struct.Struct("<26xHH")
_STORAGE_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class CheckpointError(ValueError):
    """A weight file is missing, truncated, of another format, or refers to what it may not."""


class InertObject:
    """Stands in for an object of a class that a pickle names: keeps its content, runs nothing.

    Attributes:
        class_name: dotted name of the class or function that the file asked for.
        arguments: what it would have been called with.
        state: what it would have been restored from (a dictionary, for most objects).
        items: entries that would have been added to it, for containers.
    """

    class_name: ClassVar[str] = ""

    def __new__(cls, *arguments: Any, **keywords: Any) -> "InertObject":
        """Takes whatever the file passes to the constructor."""
        instance = super().__new__(cls)
        instance.arguments = (*arguments, *keywords.values())
        instance.state = None
        instance.items = []
        return instance

    arguments: tuple[Any, ...]
    state: Any
    items: list[Any]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    def __repr__(self) -> str:
        return f"<inert {self.class_name}>"

    def append(self, value: Any) -> None:
        """Keeps an entry of a list-like object."""
        self.items.append(value)

    def extend(self, values: Iterable[Any]) -> None:
        """Keeps entries of a list-like object."""
        self.items.extend(values)

    def get(self, name: str) -> Any:
        """The attribute that the restored object would have had; None where there is none."""
        return self.state.get(name) if isinstance(self.state, dict) else None


@dataclass(frozen=True)
class UntrustedCheckpoint:
    """What a pickled checkpoint holds.

    Attributes:
        tensors: the state dict, mapped from the file where it is not compressed.
        content: the whole object in the file; classes are `InertObject`s.
        inert_names: every class and function that the file named and that was not run.
    """

    tensors: dict[str, Tensor]
    content: Any
    inert_names: tuple[str, ...] = field(default=())

    @property
    def arguments(self) -> dict[str, Any]:
        """The training arguments stored beside the weights (a namespace), as a dictionary."""
        if not isinstance(self.content, Mapping):
            return {}
        stored = self.content.get("args")
        state = stored.state if isinstance(stored, InertObject) else stored
        if isinstance(state, Mapping) and isinstance(state.get("_content"), Mapping):
            state = state["_content"]  # a configuration container: values are nodes with `_val`
        if not isinstance(state, Mapping):
            return {}
        return {str(name): _node_value(value) for name, value in state.items()}


def load_untrusted_checkpoint(path: str | Path) -> UntrustedCheckpoint:
    """Reads a PyTorch `.pth` / `.bin` file without importing or calling what its pickle names.

    Tensors come from the archive's raw storages; every class or function that the pickle names
    becomes an `InertObject`. A state dict may lie at the top or under `model` or `state_dict`; a
    `module.` prefix common to all names is removed.

    Raises:
        CheckpointError: no such file, truncated, not a PyTorch archive, or without weights.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint file at {path}")
    if not zipfile.is_zipfile(path):
        raise CheckpointError(
            f"{path} is not a PyTorch archive: truncated, of another format, or saved by "
            "PyTorch < 1.6 (load it there and save it again with torch.save)"
        )
    try:
        with _Archive(path) as archive:
            unpickler = _InertUnpickler(archive)
            content = unpickler.load()
    except CheckpointError:
        raise
    except Exception as error:
        # A malformed pickle can fail in any way; the reader of the message needs the file's name.
        raise CheckpointError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    tensors = _find_state_dict(content, path)
    return UntrustedCheckpoint(tensors, content, tuple(sorted(unpickler.inert_names)))


class TensorFiles(Mapping[str, Tensor]):
    """Tensors of a file or of a folder of shards, read when asked for.

    Safetensors shards are preferred to pickled ones. Names are unique over all shards.

    Args:
        source: a `.safetensors`, `.bin` or `.pth` file, or a folder with such files.
        pattern: which files of a folder; a name without its ending, such as `adapter_model`.

    Raises:
        CheckpointError: nothing readable there, or an unreadable shard, which is named.
    """

    def __init__(self, source: str | Path, pattern: str = "*") -> None:
        source = Path(source)
        self.files = [source] if source.is_file() else _weight_files(source, pattern)
        self._resources = ExitStack()
        self._readers: dict[str, Callable[[], Tensor]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        for file in self.files:
            self._open(file)

    def _open(self, file: Path) -> None:
        if file.suffix == ".safetensors":
            try:
                handle = self._resources.enter_context(safe_open(file, framework="pt"))
            except (SafetensorError, OSError) as error:
                raise CheckpointError(f"{file} cannot be read: {error}") from error
            for name in handle.keys():  # noqa: SIM118 (the handle is not a mapping)
                self._add(file, name, partial(handle.get_tensor, name))
                self._shapes[name] = tuple(handle.get_slice(name).get_shape())
            return
        for name, tensor in load_untrusted_checkpoint(file).tensors.items():
            self._add(file, name, partial(torch.Tensor.detach, tensor))
            self._shapes[name] = tuple(tensor.shape)

    def _add(self, file: Path, name: str, reader: Callable[[], Tensor]) -> None:
        if name in self._readers:
            raise CheckpointError(f"{file} repeats the tensor {name} of another shard")
        self._readers[name] = reader

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, without reading it."""
        return self._shapes[name]

    def __getitem__(self, name: str) -> Tensor:
        return self._readers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


def _weight_files(folder: Path, pattern: str) -> list[Path]:
    if not folder.is_dir():
        raise CheckpointError(f"there is no folder or weight file at {folder}")
    for ending in ("safetensors", "bin", "pth"):
        files = sorted(folder.glob(f"{pattern}.{ending}"))
        indices = sorted(folder.glob(f"{pattern}.{ending}.index.json"))
        for index in indices:
            _check_shards(index)
        if files:
            return files
    raise CheckpointError(f"{folder} holds no {pattern}.safetensors, .bin or .pth file")


def _check_shards(index: Path) -> None:
    """Raise if shards that an index lists are absent: a download that was cut short."""
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} is not an index of weight files: {error}") from error
    absent = sorted(shard for shard in shards if not (index.parent / shard).is_file())
    if absent:
        raise CheckpointError(
            f"{index.parent} lacks {', '.join(absent)}, listed in {index.name}; download it again"
        )


class _Archive:
    """The zip container of `torch.save`: its pickle, and its storages mapped into memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "_Archive":
        self._zip = zipfile.ZipFile(self._path)
        names = self._zip.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise CheckpointError(f"{self._path} is not a PyTorch archive: it has no data.pkl")
        self._root = pickles[0].removesuffix("data.pkl")
        if self._root + "constants.pkl" in names:
            raise CheckpointError(f"{self._path} is a TorchScript program, not a checkpoint")
        if self._root + "byteorder" in names and self._zip.read(self._root + "byteorder") != (
            b"little"
        ):
            raise CheckpointError(f"{self._path} was saved on a big-endian machine")
        with self._path.open("rb") as file:
            # Copy-on-write: tensors may be written to, the file never changes.
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def open_pickle(self) -> Any:
        return self._zip.open(self._root + "data.pkl")

    def storage(self, key: str, dtype: torch.dtype, count: int) -> Tensor:
        """One storage as a flat tensor `[count]`."""
        entry = self._zip.getinfo(f"{self._root}data/{key}")
        size = count * dtype.itemsize
        if size > entry.file_size:
            raise CheckpointError(f"{self._path}: storage {key} is shorter than its tensors")
        if count == 0:
            return torch.empty(0, dtype=dtype)
        if entry.compress_type != zipfile.ZIP_STORED:
            return torch.frombuffer(bytearray(self._zip.read(entry)), dtype=dtype, count=count)
        name_length, extra_length = _LOCAL_HEADER.unpack_from(self._bytes, entry.header_offset)
        offset = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        if offset + size > len(self._bytes):
            raise CheckpointError(f"{self._path}: storage {key} lies beyond the end of the file")
        return torch.frombuffer(self._bytes, dtype=dtype, count=count, offset=offset)


class _InertUnpickler(pickle.Unpickler):
    def __init__(self, archive: _Archive) -> None:
        super().__init__(archive.open_pickle(), encoding="utf-8")
        self._archive = archive
        self.inert_names: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        """Never imports: returns one of a few functions of ours or an inert stand-in."""
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        if module == "torch._utils" and name in _REBUILDERS:
            return _REBUILDERS[name]
        if module in ("torch", "torch.storage") and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        full_name = f"{module}.{name}"
        self.inert_names.add(full_name)
        return type(name.rpartition(".")[2] or "Inert", (InertObject,), {"class_name": full_name})

    def persistent_load(self, pid: Any) -> Tensor:
        """A storage of the archive; `pid` is ("storage", type, key, location, count)."""
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise CheckpointError(f"unknown kind of storage in the archive: {pid[:2]}")
        return self._archive.storage(str(key), dtype, int(count))


def _rebuild_tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> Tensor:
    return storage.as_strided(size, stride, offset)


def _rebuild_parameter(data: Tensor, *_: Any) -> Tensor:
    return data


_REBUILDERS: dict[str, Callable[..., Tensor]] = {
    "_rebuild_tensor": _rebuild_tensor,
    "_rebuild_tensor_v2": _rebuild_tensor,
    "_rebuild_parameter": _rebuild_parameter,
}


def _find_state_dict(content: Any, path: Path) -> dict[str, Tensor]:
    candidates = [content]
    if isinstance(content, Mapping):
        candidates += [content.get("model"), content.get("state_dict")]
    for candidate in candidates:
        if not isinstance(candidate, Mapping):
            continue
        tensors = {
            name: value
            for name, value in candidate.items()
            if isinstance(name, str) and isinstance(value, Tensor)
        }
        if tensors and len(tensors) == len(candidate):
            if all(name.startswith("module.") for name in tensors):
                return {name.removeprefix("module."): value for name, value in tensors.items()}
            return tensors
    raise CheckpointError(f"{path} holds no state dict (names with tensors) at its top or `model`")


def _node_value(value: Any) -> Any:
    return value.get("_val") if isinstance(value, InertObject) and value.get("_val") else value
