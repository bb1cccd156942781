"""What every source offers."""

from __future__ import annotations

from typing import Protocol

from loratui.core.events import Batch, SourceChange

CHUNK = 64 * 1024
"""Bytes of one batch: small enough that whoever reads it soon lets others run."""


class Source(Protocol):
    """Polled by the session's thread; never blocks for long and never writes."""

    name: str

    def poll(self) -> list[Batch | SourceChange]:
        """What is new, at most a few batches; empty when there is nothing."""

    def share(self) -> float | None:
        """How much of what was there at the start has been read (0…1); None once all is."""

    def over(self) -> bool:
        """Whether nothing can come any more."""

    def close(self) -> None:
        """Let go of files."""
