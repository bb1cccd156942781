"""Which processes are one run: ranks under a launcher, workers under a trainer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from loratui.core.running import Process
from loratui.engine.discovery import recognise


@dataclass(frozen=True, slots=True)
class Candidate:
    """A process that may be a run: its trainer, empty when none is recognised, and who is above.

    A `starter` hands the training on to a process of its own.
    """

    process: Process
    trainer: str
    above: tuple[int, ...]
    starter: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid


def runs(
    candidates: Iterable[Candidate], commands: Mapping[int, Sequence[str]]
) -> list[tuple[Candidate, ...]]:
    """Candidates by run, the first rank first."""
    by_pid = {candidate.pid: candidate for candidate in candidates}
    starters = {pid for pid, candidate in by_pid.items() if candidate.starter}
    trainers = {pid for pid, candidate in by_pid.items() if candidate.trainer} - starters
    busy = {pid for candidate in by_pid.values() for pid in candidate.above if pid in starters}
    found: dict[Hashable, list[Candidate]] = {}
    for candidate in by_pid.values():
        if candidate.pid in busy:
            continue
        if any(
            pid in trainers or (pid in by_pid and not candidate.trainer) for pid in candidate.above
        ):
            continue  # a data loader's worker, or a rank that the trainer itself started
        found.setdefault(_family(candidate, commands), []).append(candidate)
    return [tuple(sorted(ranks, key=_place)) for ranks in found.values()]


def _family(candidate: Candidate, commands: Mapping[int, Sequence[str]]) -> Hashable:
    """What ranks of one run share: their launcher, or when it is gone, where they write."""
    process = candidate.process
    shared = recognise.unranked(process.command)
    if recognise.launches_ranks(commands.get(process.parent, ())):
        return process.parent, shared
    if process.parent == 1 and process.files and process.files.get(1, "").startswith("pipe:["):
        return process.files[1], shared
    return process.pid


def _place(candidate: Candidate) -> tuple[int, float, int]:
    process = candidate.process
    return recognise.local_rank(process) or 0, process.started, process.pid
