"""The wordings of a task: the published one, ours to train with, and ours to test with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrasing:
    """Wordings of one task, or of one variant of it, with placeholders as in `str.format`.

    Attributes:
        published: byte for byte; of tasks that nobody published, our plainest.
        training: other ways in which people ask the same.
        held_out: more of them, which training never shows.
        natural: to train with, too, by someone who had read none of the others; may be empty.
    """

    published: str
    training: tuple[str, ...]
    held_out: tuple[str, ...]
    natural: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """All that training may show."""
        return (self.published, *self.training, *self.natural)

    @property
    def all(self) -> tuple[str, ...]:
        """Every one."""
        return (*self.shown, *self.held_out)
