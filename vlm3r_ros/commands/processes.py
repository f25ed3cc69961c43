"""Child processes that end with their parent, whatever ends it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

_PR_SET_PDEATHSIG = 1
_POLL_PERIOD = 0.05
_REPEAT_PERIOD = 1.0


@dataclass(frozen=True)
class Ended:
    """A child that is no more.

    Attributes:
        name: the name it was started under.
        code: its exit code; minus the signal's number where a signal ended it.
    """

    name: str
    code: int

    def describe(self) -> str:
        """How it ended, in words."""
        if self.code < 0:
            return f"{self.name} was ended by {signal.Signals(-self.code).name}"
        return f"{self.name} ended with exit code {self.code}"


class ProcessGroup:
    """Named children, each in a session of its own, so that Ctrl-C reaches them through us only.

    On Linux the kernel sends them SIGTERM when this process dies without having stopped them.

    Args:
        environment: of the children; None inherits ours.
        log_folder: where the output of each goes, as NAME.log; None leaves it on our terminal.
    """

    def __init__(
        self, environment: Mapping[str, str] | None = None, log_folder: Path | None = None
    ) -> None:
        self._environment = None if environment is None else dict(environment)
        self._log_folder = log_folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, IO[bytes]] = {}

    def __enter__(self) -> ProcessGroup:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a child.

        Raises:
            FileNotFoundError: no such program.
        """
        output: IO[bytes] | None = None
        if self._log_folder is not None:
            self._log_folder.mkdir(parents=True, exist_ok=True)
            output = self._logs[name] = (self._log_folder / f"{name}.log").open("wb")
        self._children[name] = subprocess.Popen(
            list(command),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )

    @property
    def running(self) -> list[str]:
        """Names of the children that are alive."""
        return [name for name, child in self._children.items() if child.poll() is None]

    def ended(self) -> list[Ended]:
        """The children that ended by themselves since the last call."""
        gone = [
            Ended(name, child.returncode)
            for name, child in self._children.items()
            if child.poll() is not None
        ]
        for each in gone:
            del self._children[each.name]
        return gone

    def log_tail(self, name: str, lines: int = 15) -> str:
        """The last lines a child wrote to its log; empty without a log."""
        if self._log_folder is None or name not in self._logs:
            return ""
        text = (self._log_folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, patience: float = 10.0) -> list[Ended]:
        """Interrupt all children together, then terminate, then kill those that do not end.

        Args:
            patience: seconds they have after SIGINT; a third of it after SIGTERM.

        Returns:
            How each ended.
        """
        for number, wait in ((signal.SIGINT, patience), (signal.SIGTERM, patience / 3)):
            end = time.monotonic() + wait
            again = 0.0
            while self.running and (now := time.monotonic()) < end:
                # One that still starts up may not have its handlers yet, and lose the first.
                if now >= again:
                    self._signal(number)
                    again = now + _REPEAT_PERIOD
                time.sleep(_POLL_PERIOD)
        self._signal(signal.SIGKILL)
        for child in self._children.values():
            child.wait()
        for log in self._logs.values():
            log.close()
        return self.ended()

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(number)


def _end_with_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork: little is safe between fork and exec.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel
