"""A JSON dictionary on disk, read entry by entry where its layout allows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_ENTRY = re.compile(rb'("(?:[^"\\]|\\.)*"): (?=\{.*\},?\n$)', re.S)


class RecordFile(Mapping[str, Any]):
    """A dictionary of records by name.

    Of a file with an entry a line, as ours are written, only the places of the entries are kept in
    memory: metadata of ten thousand scenes would fill it. Any other file is read as a whole.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON dictionary; of a single entry, when that is asked for.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._places: dict[str, tuple[int, int]] = {}
        self._whole: dict[str, Any] | None = None
        try:
            if not self._find_entries():
                self._file.seek(0)
                self._whole = json.load(self._file)
                if not isinstance(self._whole, dict):
                    raise ValueError("it holds no dictionary")
        except BaseException:
            self._file.close()
            raise

    def __getitem__(self, name: str) -> Any:
        if self._whole is not None:
            return self._whole[name]
        start, length = self._places[name]
        self._file.seek(start)
        return json.loads(self._file.read(length))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places if self._whole is None else self._whole)

    def __len__(self) -> int:
        return len(self._places if self._whole is None else self._whole)

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _find_entries(self) -> bool:
        """Note where every entry is; false where the file is laid out in another way."""
        if self._file.readline() != b"{\n":
            return False
        start = self._file.tell()
        for line in self._file:
            if line == b"}\n":
                return self._file.read(1) == b""
            entry = _ENTRY.match(line)
            if entry is None:
                return False
            value = line[entry.end() :].rstrip(b",\n")
            self._places[json.loads(entry[1])] = start + entry.end(), len(value)
            start += len(line)
        return False
