"""What a person who trains can mend."""

from __future__ import annotations


class TrainingError(Exception):
    """A stage cannot be trained as asked; the text says why and what to do."""


class ConfigError(TrainingError):
    """A configuration file says something that cannot be."""
