"""Where a session's machine readings come from."""

from __future__ import annotations

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

    def stop(self) -> None: ...


class LocalGpus:
    """This machine's GPUs; the sampler and its bindings are loaded when it starts."""

    def __init__(self) -> None:
        self._sampler: GpuSampler | None = None
        self._host: HostReader | None = None
        self._none = Machine()

    def start(self) -> None:
        from loratui.machine.host import HostReader
        from loratui.machine.sampler import GpuSampler

        self._host = HostReader()
        self._sampler = GpuSampler()
        self._sampler.start()

    def latest(self) -> Machine:
        return self._none if self._sampler is None else self._sampler.latest()

    def host(self) -> HostReading | None:
        return None if self._host is None else self._host.read(0.0)

    def stop(self) -> None:
        if self._sampler is not None:
            self._sampler.stop()
