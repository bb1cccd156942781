"""The one door to NVML, NVIDIA's management library.

It is reached through the bindings of the package nvidia-ml-py (module `pynvml`), imported when the
door is opened and not before. NVML makes no CUDA context, so looking costs a run no memory. A
function that this driver lacks is found by calling it, never by version numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from loratui.core.facts import GpuProcess, GpuReading
from loratui.machine import faults, throttle
from loratui.machine.faults import Fault, RefusedError, UnusableError
from loratui.machine.library import Library
from loratui.machine.processes import name_of

_GONE = -1  # the slot of a GPU that the library no longer counts
_NOTHING = 2**32 - 1  # what some drivers write for "no value" instead of refusing

Way = tuple[Any, ...]  # a function's name and its arguments after the device


@dataclass(slots=True)
class _Device:
    """A GPU that was seen once; `handle` is None while the driver does not give one."""

    index: int
    slot: int
    handle: Any = None
    name: str | None = None
    uuid: str | None = None
    pci: str | None = None
    capability: tuple[int, int] | None = None
    power_limit: float | None = None
    clock_max: int | None = None
    processes: tuple[GpuProcess, ...] | None = None
    lost: bool = False
    answered: bool = True
    fixed: dict[str, list[str]] = field(default_factory=dict)  # what slow readings lack
    lacking: dict[str, list[str]] = field(default_factory=dict)


class Nvml:
    """NVML as one object, for one thread. No method raises; `open` and `read` may hang for seconds.

    `driver` and `cuda` are versions as text, None when not to be had.
    """

    def __init__(self) -> None:
        self.driver: str | None = None
        self.cuda: str | None = None
        self._library = Library()
        self._devices: list[_Device] = []

    @property
    def silent(self) -> bool:
        """Whether no GPU answered the last reading, so that the library has to be opened anew."""
        return not self._library.ready or not any(device.answered for device in self._devices)

    @property
    def incomplete(self) -> bool:
        """Whether a GPU that was seen gives no readings at all."""
        return any(device.lost or device.handle is None for device in self._devices)

    def open(self) -> Fault | None:
        """Load and initialise the library, count the GPUs; what stands in the way, or None.

        GPUs seen before keep their index, and are lost if they are no longer there.
        """
        self.close()
        try:
            self._library.open()
            count = int(self._library.call("nvmlDeviceGetCount"))
        except UnusableError as unusable:
            return unusable.fault
        except RefusedError as refusal:
            self.close()
            return faults.at_start(refusal)
        self.driver = _decoded(self._library.quietly("nvmlSystemGetDriverVersion"))
        self.cuda = self._cuda()
        known = {device.slot: device for device in self._devices}
        for device in self._devices:
            device.lost, device.slot = True, _GONE
        for slot in range(count):
            self._meet(slot, known)
        return None if self._devices else faults.NO_GPU

    def close(self) -> None:
        """Give the library back; readings are empty until it is opened again."""
        self._library.close()
        for device in self._devices:
            device.handle, device.answered, device.fixed = None, False, {}

    def read(self, *, slow: bool = True) -> tuple[GpuReading, ...]:
        """All GPUs; without `slow` the limits and processes are those of the last slow reading."""
        return tuple(self._read(device, slow) for device in self._devices)

    def seek_lost(self) -> None:
        """Ask for lost GPUs once more, leaving the library open for those that still answer."""
        for device in self._devices:
            if device.slot != _GONE and (device.lost or device.handle is None):
                self._identify(device)

    def pci(self, index: int) -> str | None:
        """The PCI address of a GPU as ``00000000:01:00.0``, None when not known."""
        return next((device.pci for device in self._devices if device.index == index), None)

    # -- the library

    def _cuda(self) -> str | None:
        for name in ("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"):
            value = self._library.quietly(name)
            if value:
                return f"{value // 1000}.{value % 1000 // 10}"
        return None

    # -- who is there

    def _meet(self, slot: int, earlier: dict[int, _Device]) -> None:
        """Take the GPU in `slot` of the library's list for one seen earlier, or for a new one."""
        found = _Device(slot, slot)
        self._identify(found)
        device = earlier.get(slot) if found.handle is None else self._same(found)
        if device is not None and device.slot == _GONE:
            device.slot = slot
            self._identify(device)
            return
        taken = {device.index for device in self._devices}
        if found.index in taken:
            found.index = max(taken) + 1
        self._devices.append(found)

    def _same(self, found: _Device) -> _Device | None:
        for device in self._devices:
            if (found.uuid and device.uuid == found.uuid) or (
                found.pci and device.pci == found.pci
            ):
                return device
        return None

    def _identify(self, device: _Device) -> None:
        """Ask for the handle and what never changes."""
        device.lacking = {}
        device.lost = False
        device.answered = False
        try:
            device.handle = self._library.call("nvmlDeviceGetHandleByIndex", device.slot)
        except RefusedError as refusal:
            device.handle = None
            self._refused(device, "all readings", refusal)
        else:
            pci = self._ask(device, "", ("nvmlDeviceGetPciInfo_v3",), ("nvmlDeviceGetPciInfo",))
            device.pci = _decoded(getattr(pci, "busId", None)) or device.pci
            device.uuid = _decoded(self._ask(device, "", ("nvmlDeviceGetUUID",))) or device.uuid
            device.name = _decoded(self._ask(device, "", ("nvmlDeviceGetName",))) or device.name
            capability = self._ask(device, "", ("nvmlDeviceGetCudaComputeCapability",))
            if capability is not None:
                device.capability = (int(capability[0]), int(capability[1]))
        device.fixed = device.lacking

    # -- readings

    def _read(self, device: _Device, slow: bool) -> GpuReading:
        if device.handle is None or device.lost:
            return self._absent(device)
        device.answered = False
        if slow:
            self._read_slow(device)
        device.lacking = {}

        def whole(word: str, *ways: Way) -> int | None:
            return _whole(self._ask(device, word, *ways))

        use = self._ask(device, "utilisation", ("nvmlDeviceGetUtilizationRates",))
        used, total = self._memory(device)
        temperature = whole(
            "temperature", ("nvmlDeviceGetTemperature", 0), ("nvmlDeviceGetTemperatureV1", 0)
        )
        power = whole("power", ("nvmlDeviceGetPowerUsage",))
        clock = whole("clock", ("nvmlDeviceGetClockInfo", 1))  # 1 is the SM clock
        memory_clock = whole("memory clock", ("nvmlDeviceGetClockInfo", 2))
        fan = whole("", ("nvmlDeviceGetFanSpeed",))  # cards for servers have none: no note
        bits = self._ask(
            device,
            "throttle reasons",
            ("nvmlDeviceGetCurrentClocksEventReasons",),
            ("nvmlDeviceGetCurrentClocksThrottleReasons",),
        )
        if device.lost:
            return self._absent(device)
        return GpuReading(
            index=device.index,
            name=device.name,
            uuid=device.uuid,
            utilisation=_whole(getattr(use, "gpu", None)),
            memory_used=used,
            memory_total=total,
            temperature=temperature,
            power=None if power is None else power / 1000,
            power_limit=device.power_limit,
            clock=clock,
            clock_max=device.clock_max,
            memory_clock=memory_clock,
            fan=fan,
            throttle=None if bits is None else throttle.words(int(bits)),
            processes=device.processes,
            capability=device.capability,
            note=faults.unreadable(_joined(device.lacking, device.fixed)),
        )

    def _read_slow(self, device: _Device) -> None:
        device.lacking = {}
        limit = _whole(
            self._ask(
                device,
                "power limit",
                ("nvmlDeviceGetEnforcedPowerLimit",),
                ("nvmlDeviceGetPowerManagementLimit",),
            )
        )
        device.power_limit = None if limit is None else limit / 1000
        device.clock_max = _whole(
            self._ask(device, "highest clock", ("nvmlDeviceGetMaxClockInfo", 1))
        )
        device.processes = self._processes(device)
        device.fixed = device.lacking

    def _memory(self, device: _Device) -> tuple[int | None, int | None]:
        """Bytes used and in all; without what the driver keeps for itself, as nvidia-smi counts."""
        version = getattr(self._library.module, "nvmlMemory_v2", None)
        plain: Way = ("nvmlDeviceGetMemoryInfo",)
        ways = (plain,) if version is None else (("nvmlDeviceGetMemoryInfo", version), plain)
        memory = self._ask(device, "memory", *ways)
        total = getattr(memory, "total", None) or None
        return (None if total is None else int(memory.used), total)

    def _processes(self, device: _Device) -> tuple[GpuProcess, ...] | None:
        """Compute and graphics processes; None when neither list is to be had."""
        lists = []
        for kind, word in (("Compute", "processes"), ("Graphics", "")):
            ways = [
                (f"nvmlDeviceGet{kind}RunningProcesses{version}",) for version in ("_v3", "_v2")
            ]
            lists.append(self._ask(device, word, *ways))
        if lists == [None, None]:
            return None
        memory: dict[int, int | None] = {}
        for process in (process for found in lists for process in found or ()):
            used = process.usedGpuMemory
            memory[process.pid] = max(filter(None, (memory.get(process.pid), used)), default=used)
        return tuple(GpuProcess(pid, name_of(pid), memory[pid]) for pid in sorted(memory))

    def _ask(self, device: _Device, word: str, *ways: Way) -> Any:
        """The value of the first of `ways` that this driver knows; None, and a note, without one.

        An empty `word` leaves no note.
        """
        if device.lost:
            return None
        refusal = RefusedError(faults.FUNCTION_NOT_FOUND, "")
        for name, *args in ways:
            try:
                value = self._library.call(name, device.handle, *args)
            except RefusedError as refused:
                # "not supported" says more than that the other function is missing
                if refused.code != faults.FUNCTION_NOT_FOUND or refusal.text == "":
                    refusal = refused
                if refused.code not in faults.NEXT_WAY:
                    break
            else:
                device.answered = True
                return value
        self._refused(device, word, refusal)
        return None

    def _refused(self, device: _Device, word: str, refusal: RefusedError) -> None:
        if refusal.code in faults.LOST:
            device.lost, device.answered = True, False
            return
        if refusal.code in faults.ANSWERS:
            device.answered = True
        if word:
            device.lacking.setdefault(faults.reason(refusal), []).append(word)

    def _absent(self, device: _Device) -> GpuReading:
        """What is known of a GPU that gives no readings."""
        note = faults.unreadable(device.fixed) or "no readings: the driver does not answer"
        if device.lost:
            where = f" (PCI {device.pci})" if device.pci else ""
            note = f"GPU {device.index}{where} has stopped answering the driver."
        return GpuReading(
            index=device.index,
            name=device.name,
            uuid=device.uuid,
            capability=device.capability,
            lost=device.lost,
            note=note,
        )


def _decoded(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, str) and value else None


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and 0 <= value < _NOTHING else None


def _joined(*parts: dict[str, list[str]]) -> dict[str, list[str]]:
    whole: dict[str, list[str]] = {}
    for part in parts:
        for reason, words in part.items():
            whole.setdefault(reason, []).extend(words)
    return whole


def _print(write: Callable[[str], None]) -> None:
    """One reading of all GPUs in words."""
    nvml = Nvml()
    fault = nvml.open()
    if fault is not None:
        write(f"{fault.kind}: {fault.note}")
    write(f"driver {nvml.driver}, CUDA up to {nvml.cuda}")
    for gpu in nvml.read():
        write(f"GPU {gpu.index} at PCI {nvml.pci(gpu.index)}")
        for name in GpuReading.__dataclass_fields__:
            write(f"  {name:14} {getattr(gpu, name)}")
    nvml.close()


if __name__ == "__main__":
    _print(print)
