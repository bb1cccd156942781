"""A thread that reads the GPUs every second and keeps the last minutes of them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace

from loratui.core.clock import Clock, SystemClock
from loratui.core.facts import GpuReading, Machine
from loratui.machine.faults import Fault, one_line
from loratui.machine.nvml import Nvml
from loratui.machine.throttle import ThrottleShares

SLOW = 5.0  # seconds between readings of processes and limits: they cost more and move less
SILENCE = 10.0  # seconds without an answer after which readings are called old
FIRST_RETRY, LAST_RETRY = 5.0, 300.0  # seconds; doubles from the one to the other
HISTORY = 900  # points kept for each GPU

_MEMORY_SLACK = 8 * 2**20  # bytes; allocators breathe by a few MB
_POWER_SLACK = 1  # W
_CLOCK_SLACK = 15  # MHz, one step of the clock
_OLD = "The NVIDIA driver has stopped answering: these readings are old."
_STARTING = "The NVIDIA driver has not answered yet."


@dataclass(frozen=True, slots=True)
class GpuPoint:
    """One moment of a GPU: utilisation in percent, memory in bytes, None when not reported."""

    time: float
    utilisation: int | None
    memory_used: int | None


@dataclass(slots=True)
class _Track:
    """What is remembered of one GPU."""

    shares: ThrottleShares = field(default_factory=ThrottleShares)
    points: deque[GpuPoint] = field(default_factory=lambda: deque(maxlen=HISTORY))
    shown: GpuReading | None = None


class GpuSampler:
    """Owns NVML in a daemon thread and publishes what it reads; no method blocks the caller.

    Tests call `sample_once` instead of `start`.
    """

    def __init__(
        self, interval: float = 1.0, clock: Clock | None = None, nvml: Nvml | None = None
    ) -> None:
        self._interval = interval
        self._clock: Clock = clock or SystemClock()
        self._nvml = nvml or Nvml()
        self._machine = Machine()
        self._aged: tuple[Machine, Machine] | None = None
        self._tracks: dict[int, _Track] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._asked_at: float | None = None
        self._fault: Fault | None = None
        self._retry_at = float("-inf")
        self._retry_after = FIRST_RETRY
        self._slow_at = float("-inf")

    def start(self) -> None:
        """Begin to sample. A sampler that was stopped is not started again."""
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="gpu-sampler", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 0.5) -> None:
        """End the thread, waiting at most `timeout` seconds: one that hangs in NVML is left."""
        self._stopping.set()
        if self._thread is None:
            self._nvml.close()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def latest(self) -> Machine:
        """The newest readings; the same object as before when nothing has changed."""
        machine, asked_at = self._machine, self._asked_at
        if asked_at is None or self._clock.now() - asked_at < SILENCE:
            return machine
        aged = self._aged
        if aged is None or aged[0] is not machine:
            aged = (machine, replace(machine, note=_OLD if machine.gpus else _STARTING))
            self._aged = aged
        return aged[1]

    def history(self, index: int) -> tuple[GpuPoint, ...]:
        """The last points of a GPU, oldest first; at most `HISTORY` of them."""
        with self._lock:
            track = self._tracks.get(index)
            return () if track is None else tuple(track.points)

    def sample_once(self) -> Machine:
        """Read all GPUs now, in the calling thread, and publish. Never raises; may hang in NVML."""
        now = self._clock.now()
        self._asked_at = now
        try:
            machine = self._sample(now)
        except Exception as error:  # the door answers for NVML; a slip of ours must not end the app
            kind = type(error).__name__
            machine = Machine(note=f"GPU readings failed: {kind}: {one_line(str(error))}.")
        finally:
            self._asked_at = None
        if replace(machine, time=self._machine.time) != self._machine:
            self._machine = machine
        return self._machine

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.sample_once()
            self._stopping.wait(self._interval)
        self._nvml.close()

    def _sample(self, now: float) -> Machine:
        nvml = self._nvml
        if nvml.silent and self._due(now):
            self._fault = nvml.open()
            self._slow_at = float("-inf")
        slow = now - self._slow_at >= SLOW or now < self._slow_at
        if slow:
            self._slow_at = now
        readings = nvml.read(slow=slow)
        if nvml.incomplete and not nvml.silent and self._due(now):
            nvml.seek_lost()
            readings = nvml.read()
        if readings and not nvml.silent and not nvml.incomplete:
            self._retry_at, self._retry_after = float("-inf"), FIRST_RETRY
        return Machine(
            gpus=tuple(self._followed(reading, now) for reading in readings),
            driver=nvml.driver,
            cuda=nvml.cuda,
            note="" if self._fault is None else self._fault.note,
            time=now,
        )

    def _due(self, now: float) -> bool:
        """Whether to try again; each time the next try moves further away."""
        if now < self._retry_at:
            return False
        self._retry_at = now + self._retry_after
        self._retry_after = min(2 * self._retry_after, LAST_RETRY)
        return True

    def _followed(self, reading: GpuReading, now: float) -> GpuReading:
        """Remember a reading; give it with its shares and without noise."""
        with self._lock:
            track = self._tracks.setdefault(reading.index, _Track())
            track.points.append(GpuPoint(now, reading.utilisation, reading.memory_used))
        if reading.throttle is not None:
            shares = track.shares.add(now, reading.throttle, self._interval)
            reading = replace(reading, throttle_share=shares)
        track.shown = _settled(reading, track.shown)
        return track.shown


def _settled(new: GpuReading, shown: GpuReading | None) -> GpuReading:
    """`new` with what moved by no more than noise left as it was shown; power in whole watts."""
    power = None if new.power is None else round(new.power)
    if shown is None:
        return replace(new, power=power)
    return replace(
        new,
        power=_kept(power, None if shown.power is None else round(shown.power), _POWER_SLACK),
        memory_used=_kept(new.memory_used, shown.memory_used, _MEMORY_SLACK),
        clock=_kept(new.clock, shown.clock, _CLOCK_SLACK),
        memory_clock=_kept(new.memory_clock, shown.memory_clock, _CLOCK_SLACK),
    )


def _kept(new: int | None, shown: int | None, slack: int) -> int | None:
    if new is None or shown is None or abs(new - shown) > slack:
        return new
    return shown
