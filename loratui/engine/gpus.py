"""Where a session's machine readings come from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from loratui.core.facts import HostReading, Machine

if TYPE_CHECKING:
    from loratui.machine.host import HostReader
    from loratui.machine.sampler import GpuSampler


class MachineFeed(Protocol):
    """Where machine readings come from: the NVML sampler, or a recording."""

    def start(self) -> None: ...

    def latest(self) -> Machine: ...

    def host(self) -> HostReading | None: ...

    def narrow(self, own: Collection[int]) -> None: ...

    def stop(self) -> None: ...


class LocalGpus:
    """This machine's GPUs; the sampler and its bindings are loaded when it starts.

    `only` are NVML's numbers of the run's own GPUs, where they are known: of others nothing is
    concluded about the run. `disk` is a place on the disk that the run writes to.
    """

    def __init__(self, only: Collection[int] | None = None, disk: Path | str | None = None) -> None:
        self._only = only
        self._disk = disk
        self._read = self._shown = Machine()
        self._sampler: GpuSampler | None = None
        self._host: HostReader | None = None
        self._none = Machine()

    def start(self) -> None:
        from loratui.machine.host import HostReader
        from loratui.machine.sampler import GpuSampler

        self._host = HostReader(self._disk)
        self._sampler = GpuSampler()
        self._sampler.start()

    def latest(self) -> Machine:
        if self._sampler is None:
            return self._none
        machine = self._sampler.latest()
        if self._only is None:
            return machine
        if machine is not self._read:
            own = tuple(gpu for gpu in machine.gpus if gpu.index in self._only)
            # what does not fit this machine's list says nothing: then all are shown
            self._read = machine
            self._shown = replace(machine, gpus=own, own=True) if own else machine
        return self._shown

    def narrow(self, own: Collection[int]) -> None:
        """The run's own GPUs have become known."""
        self._only, self._read = own, self._none

    def host(self) -> HostReading | None:
        return None if self._host is None else self._host.read(0.0)

    def stop(self) -> None:
        if self._sampler is not None:
            self._sampler.stop()
