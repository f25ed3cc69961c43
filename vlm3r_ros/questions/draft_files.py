"""Drafts of finished chunks of scenes on disk: what a run that was cut short goes on with."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from vlm3r_ros.questions.drafting import SceneDrafts


@dataclass(frozen=True)
class DraftFiles:
    """A folder of them.

    Attributes:
        root: the folder.
        fingerprint: of all that drafts depend on.
    """

    root: Path
    fingerprint: str

    def open(self) -> None:
        """Make the folder, and remove what other settings or other metadata left."""
        mark = self.root / "fingerprint"
        if self.root.exists() and not (mark.exists() and mark.read_text() == self.fingerprint):
            shutil.rmtree(self.root)
        self.root.mkdir(parents=True, exist_ok=True)
        mark.write_text(self.fingerprint)

    def save(self, number: int, scenes: list[SceneDrafts]) -> None:
        """Note a chunk."""
        content = json.dumps([scene.to_json() for scene in scenes]).encode()
        unfinished = self.root / ".part"
        unfinished.write_bytes(gzip.compress(content, compresslevel=1))
        unfinished.replace(self._path(number))

    def load(self, number: int, names: list[str]) -> list[SceneDrafts] | None:
        """A chunk of these scenes; None where it is not there."""
        path = self._path(number)
        if not path.exists():
            return None
        try:
            records = json.loads(gzip.decompress(path.read_bytes()))
            scenes = [SceneDrafts.from_json(record) for record in records]
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None
        return scenes if [scene.name for scene in scenes] == names else None

    def remove(self) -> None:
        """All of them."""
        shutil.rmtree(self.root)

    def _path(self, number: int) -> Path:
        return self.root / f"{number:06d}.json.gz"
