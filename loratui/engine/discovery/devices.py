"""Which GPUs a run has: from the driver's list, else from ``CUDA_VISIBLE_DEVICES``.

CUDA numbers GPUs by speed unless told otherwise, NVML by PCI address. A number in the variable is
therefore an answer only where all GPUs are alike, for then both orders are that of PCI.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from loratui.core.facts import GpuReading
from loratui.core.running import Process

LISTED = "listed by the driver"

# open in a process that computes; readers of NVML have other devices open
_COMPUTES = ("/dev/nvidia-uvm", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True, slots=True)
class Devices:
    """NVML's numbers and UUIDs, None when not known, and how they are known or why not."""

    indices: tuple[int, ...] | None = None
    uuids: tuple[str, ...] | None = None
    reason: str = ""


def computes(process: Process) -> bool | None:
    """Whether a process has a GPU open for computing; None when that is not ours to see."""
    if process.files is None:
        return None
    return any(
        target == device or target.startswith(device + " ")
        for target in process.files.values()
        for device in _COMPUTES
    )


def listed(readings: Iterable[GpuReading]) -> frozenset[int]:
    """The process numbers that the driver lists on any GPU."""
    return frozenset(process.pid for reading in readings for process in reading.processes or ())


def devices(
    ranks: Collection[Process], readings: Sequence[GpuReading], *, numbers_are_real: bool
) -> Devices:
    """The GPUs of a run's ranks. A process that the driver does not list says nothing."""
    trusted = {
        process.pid
        for process in ranks
        if computes(process) or (computes(process) is None and numbers_are_real)
    }
    own = [r for r in readings if trusted & {p.pid for p in r.processes or ()}]
    if own:
        return _chosen(own, LISTED)
    if not readings:
        return Devices(reason="no GPU readings")
    values = {process.visible_gpus for process in ranks}
    if len(values) != 1:
        return Devices(reason="its ranks see different GPUs")
    value = values.pop()
    if value is None:
        if len(readings) == 1:
            return _chosen(readings, "the only GPU")
        return Devices(reason="it sees all GPUs and does not say which it uses")
    return _named(value, readings)


def _named(value: str, readings: Sequence[GpuReading]) -> Devices:
    """What the variable names. As CUDA does, reading ends at the first word that fits no GPU."""
    words = [word.strip() for word in value.split(",")]
    alike = len({reading.name for reading in readings}) == 1
    found: list[GpuReading] = []
    for word in words:
        if word.isascii() and word.isdigit():
            if not alike:
                return Devices(reason="CUDA numbers unlike GPUs in an order of its own")
            ordered = sorted(readings, key=lambda reading: reading.index)
            fits = ordered[int(word) : int(word) + 1] if len(word) < 5 else []
        else:
            fits = [reading for reading in readings if _is(word, reading.uuid)]
            if word.startswith("MIG-") and not fits:
                return Devices(reason="a MIG slice, which does not name its GPU")
        if len(fits) != 1 or fits[0] in found:
            break
        found += fits
    return _chosen(found, f"CUDA_VISIBLE_DEVICES={value[:80]}")


def _is(word: str, uuid: str | None) -> bool:
    """Whether a word of the variable names this GPU: the UUID's begin is enough."""
    if uuid is None:
        return False
    if word.startswith("MIG-GPU-"):  # the older form names the GPU before the slice
        return word.removeprefix("MIG-").partition("/")[0] == uuid
    return word.startswith("GPU-") and len(word) > 4 and uuid.startswith(word)


def _chosen(readings: Sequence[GpuReading], reason: str) -> Devices:
    uuids = tuple(reading.uuid for reading in readings if reading.uuid)
    return Devices(tuple(reading.index for reading in readings), uuids, reason)
