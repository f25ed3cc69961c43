"""What keeps questions from being made."""

from __future__ import annotations


class QuestionsError(Exception):
    """Questions cannot be made as asked; the text says why and what to do."""
