"""Which GPUs a run has: from the driver's list, else from the variables that CUDA looks at.

CUDA numbers GPUs by speed unless ``CUDA_DEVICE_ORDER=PCI_BUS_ID``, NVML by PCI address. A number
in ``CUDA_VISIBLE_DEVICES`` is therefore an answer where that is set, where all GPUs are alike, for
then both orders are that of PCI, and where all are named. Of those that it sees, a rank takes the
one with its ``LOCAL_RANK``. Source: CUDA C++ Programming Guide, environment variables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from loratui.core.facts import GpuReading
from loratui.core.running import Process
from loratui.engine.discovery.recognise import local_rank

LISTED = "listed by the driver"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_UNLIKE = "CUDA numbers unlike GPUs in an order of its own"

# open in a process that computes; readers of NVML have other devices open
_COMPUTES = ("/dev/nvidia-uvm", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True, slots=True)
class Devices:
    """NVML's numbers and UUIDs, None when not known, and how they are known or why not."""

    indices: tuple[int, ...] | None = None
    uuids: tuple[str, ...] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The GPUs that a process sees, None when not known; in CUDA's order where that is `ordered`.

    `all` is True when no variable chooses among them.
    """

    gpus: Sequence[GpuReading] | None
    reason: str
    ordered: bool = True
    all: bool = False


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
    if len(readings) == 1 and not any(_VISIBLE in process.environment for process in ranks):
        return _chosen(readings, "the only GPU")
    ordered = sorted(readings, key=lambda reading: reading.index)
    numbers = {number for process in ranks if (number := local_rank(process)) is not None}
    found: list[GpuReading] = []
    reasons: dict[str, None] = {}
    for process in ranks:
        seen = _seen(process.environment, ordered)
        used, reason = _used(seen, local_rank(process), len(numbers))
        if used is None:
            return Devices(reason=reason)
        found += [gpu for gpu in used if gpu not in found]
        reasons[reason] = None
    return _chosen(found, "; ".join(reasons))


def _used(seen: _Seen, number: int | None, ranks: int) -> tuple[Sequence[GpuReading] | None, str]:
    """What a rank uses of what it sees. A launcher may also give each rank GPUs of its own."""
    if seen.gpus is None or number is None or number >= len(seen.gpus):
        if seen.all:
            return None, "it sees all GPUs and does not say which it uses"
        return seen.gpus, seen.reason
    if seen.ordered:
        return [seen.gpus[number]], f"LOCAL_RANK={number} of {seen.reason}"
    if ranks >= len(seen.gpus):
        return seen.gpus, seen.reason
    return None, _UNLIKE


def _seen(environment: Mapping[str, str], readings: Sequence[GpuReading]) -> _Seen:
    """What the variables name. As CUDA does, reading ends at the first word that fits no GPU."""
    alike = len({reading.name for reading in readings}) == 1
    ordered = alike or environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    value = environment.get(_VISIBLE)
    if value is None:
        return _Seen(readings, "all GPUs", ordered, all=True)
    reason = f"{_VISIBLE}={value[:80]}"
    found: list[GpuReading] = []
    numbered = False
    for word in (word.strip() for word in value.split(",")):
        if word.isascii() and word.isdigit():
            numbered = True
            fits = readings[int(word) : int(word) + 1] if len(word) < 5 else ()
        else:
            fits = [reading for reading in readings if _is(word, reading.uuid)]
            if word.startswith("MIG-") and not fits:
                if len(readings) > 1:
                    return _Seen(None, "a MIG slice, which does not name its GPU")
                fits = readings
        if len(fits) != 1 or fits[0] in found:
            break
        found += fits
    if numbered and not ordered and 0 < len(found) < len(readings):
        return _Seen(None, _UNLIKE)
    if numbered and not ordered:
        return _Seen(found and readings, reason, ordered=False)
    return _Seen(found, reason)


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
