"""ScanNet's table of labels, `scannetv2-labels.combined.tsv`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vlm3r_ros.worlds.skipping import SceneError

LABEL_FILE = "scannetv2-labels.combined.tsv"

_COLUMNS = {"id", "raw_category", "category"}
# Its name is asked about, but it is not among the 200 ids that the published procedure keeps.
_NOT_KEPT = frozenset({"1313"})
# Of the table's lamps this is the only part of one.
_PARTS = frozenset({"lamp base"})


@dataclass(frozen=True)
class LabelTable:
    """What annotators' labels mean.

    Attributes:
        ids: by raw label.
        kinds: the name of a kind by raw label: `bookshelf` for `bookshelves`.
        last_names: the last raw label by id: `stack of chairs` for the id of `chair`.
    """

    ids: dict[str, str]
    kinds: dict[str, str]
    last_names: dict[str, str]

    @classmethod
    def read(cls, folders: list[Path]) -> LabelTable:
        """Read it from the first folder that has it.

        Raises:
            SceneError: none has it, or it is another table.
        """
        path = next((f / LABEL_FILE for f in folders if (f / LABEL_FILE).is_file()), None)
        if path is None:
            raise SceneError(
                str(folders[0]), LABEL_FILE, "is missing; it comes with ScanNet: put it there"
            )
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            missing = _COLUMNS - set(rows.fieldnames or ())
            if missing:
                columns = ", ".join(sorted(missing))
                raise SceneError(str(path.parent), LABEL_FILE, f"has no column {columns}")
            return cls.from_rows(
                [(row["raw_category"], row["id"], row["category"]) for row in rows]
            )

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[str, str, str]]) -> LabelTable:
        """The table of rows of raw label, id and kind."""
        return cls(
            {raw: number for raw, number, _ in rows},
            {raw: kind.strip() for raw, _, kind in rows},
            {number: raw for raw, number, _ in rows},
        )

    def kind(self, raw: str) -> str:
        """The kind of thing that a label names; the label itself where the table has it not."""
        return self.kinds.get(raw, raw)

    def is_one(self, raw: str) -> bool:
        """Whether a label names one whole thing: not `doors`, not `stack of chairs`."""
        several = raw.startswith("stack of ") or (
            raw.endswith("s") and not self.kind(raw).endswith("s")
        )
        return not several and raw not in _PARTS

    def published_name(self, raw: str) -> str:
        """The name that the published procedure arrives at; empty where it drops the label.

        It goes by the label's id and takes the last of the id's names, so that a chair is called
        a stack of chairs, and no chair is left.
        """
        number = self.ids.get(raw, "")
        return "" if number in _NOT_KEPT else self.last_names.get(number, "")
