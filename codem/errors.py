"""The errors that people see. Each says what was expected, what was found, and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class CodemError(Exception):
    """Shown without a traceback: the message is all one needs."""


class ConfigErrors(CodemError):
    """Everything that is wrong with a config, in one message, before any work starts."""

    def __init__(self, errors: Sequence[str]):
        self.errors = list(dict.fromkeys(errors))
        count = f"{len(self.errors)} error{'s' if len(self.errors) != 1 else ''}"
        super().__init__(f"{count} in the config of this run:\n" + "\n".join(f"  {e}" for e in self.errors))


class RecipeDiffers(CodemError):
    """A run folder holds results of another recipe."""


class Busy(CodemError):
    """Another process is working in this folder."""


class StageError(CodemError):
    """A stage cannot do its work; nothing that was finished is lost."""
