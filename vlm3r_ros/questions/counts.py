"""Counts in plain types, to be saved and read again."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any


def dump_counts(counts: Mapping[Any, Any]) -> list[list[Any]]:
    """Counts by tuples of texts and numbers, as lists of the key's parts and the count."""
    return [
        [*(str(part) if isinstance(part, str) else part for part in key), value]
        for key, value in counts.items()
    ]


def load_counts(counts: MutableMapping[Any, Any], rows: list[list[Any]]) -> None:
    """Replace counts by those that `dump_counts` gave."""
    counts.clear()
    counts.update({tuple(key): value for *key, value in rows})
