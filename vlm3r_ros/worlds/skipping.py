"""Scenes that cannot be used: said at once, counted at the end, the run goes on."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)


class SceneError(ValueError):
    """A scene, or a field of it, that cannot be used.

    Attributes:
        scene: the scene's name.
        field: what of it is wrong, as its file calls it; may be empty.
        problem: what is wrong with it and, where there is one, the remedy.
    """

    def __init__(self, scene: str, field: str, problem: str) -> None:
        super().__init__(": ".join(part for part in (scene, field, problem) if part))
        self.scene = scene
        self.field = field
        self.problem = problem

    def __reduce__(self) -> tuple[type[SceneError], tuple[str, str, str]]:
        return type(self), (self.scene, self.field, self.problem)


@dataclass
class SkipLog:
    """What a run left out.

    Example:
        >>> skips = SkipLog()
        >>> try:
        ...     raise SceneError("scene0001_00", "axesLengths", "a side is 0 m")
        ... except SceneError as error:
        ...     skips.add(error)
        >>> skips.summary()
        '1 skipped: 1 axesLengths (scene0001_00)'
    """

    errors: list[SceneError] = field(default_factory=list)

    def add(self, error: SceneError) -> None:
        """Note one, and tell it."""
        self.errors.append(error)
        logger.warning("skipped %s", error)

    def __len__(self) -> int:
        return len(self.errors)

    def summary(self, examples: int = 3) -> str:
        """One line: how many, by field, with the names of a few; empty where none was skipped."""
        if not self.errors:
            return ""
        fields = Counter(error.field or "scene" for error in self.errors)
        parts = []
        for name, count in fields.most_common():
            scenes = [error.scene for error in self.errors if (error.field or "scene") == name]
            shown = ", ".join(dict.fromkeys(scenes[:examples]))
            more = ", ..." if len(scenes) > examples else ""
            parts.append(f"{count} {name} ({shown}{more})")
        return f"{len(self.errors)} skipped: {'; '.join(parts)}"
