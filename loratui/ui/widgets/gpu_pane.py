"""The GPUs in a few lines each."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core import units
from loratui.core.facts import GpuReading, Machine
from loratui.ui.widgets.bar import bar
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_NONE_YET = "GPU readings appear here: use, memory, temperature, power, and what slows it down."
_IDLE = ("idle", "gpu idle", "gpu_idle")


def memory_words(gpu: GpuReading) -> str:
    """``22.0/24.0 GB``, or nothing."""
    if gpu.memory_used is None:
        return ""
    total = f"/{units.gib(gpu.memory_total)}" if gpu.memory_total else ""
    return f"{units.gib(gpu.memory_used)}{total} GB"


def short(machine: Machine) -> str:
    """The first GPU in a few words, for where there is no room for the pane."""
    if not machine.gpus:
        return "no GPU readings"
    gpu = machine.gpus[0]
    if gpu.lost:
        return f"GPU {gpu.index} lost"
    parts = [
        "" if gpu.utilisation is None else f"{gpu.utilisation} %",
        memory_words(gpu),
        "" if gpu.temperature is None else f"{gpu.temperature} °C",
    ]
    words = " ".join(["GPU", *(part for part in parts if part)])
    if len(machine.gpus) > 1:
        words += f" +{len(machine.gpus) - 1}"
    return f"sim. {words}" if machine.simulated else words


def gpu_lines(gpu: GpuReading, width: int) -> list[Line]:
    """Name, two bars, and what else the driver reports."""
    name = (gpu.name or "").removeprefix("NVIDIA ").removeprefix("GeForce ")
    rows = [Line((Span(f" GPU {gpu.index}  ", "title"), Span(name or "unnamed")))]
    if gpu.lost:
        rows.append(line(" ✖ lost: the driver no longer answers", "error"))
    room = max(6, min(30, width - 22))
    if gpu.utilisation is not None:
        rows.append(_gauge("use", gpu.utilisation / 100, f"{gpu.utilisation:>3} %", room))
    if gpu.memory_used is not None and gpu.memory_total:
        rows.append(_gauge("mem", gpu.memory_used / gpu.memory_total, memory_words(gpu), room))
    elif gpu.memory_used is not None:
        rows.append(Line((Span(" mem    ", "label"), Span(memory_words(gpu)))))
    heat = [] if gpu.temperature is None else [f"{gpu.temperature} °C"]
    if gpu.power is not None:
        limit = "" if gpu.power_limit is None else f"/{gpu.power_limit:.0f}"
        heat.append(f"{gpu.power:.0f}{limit} W")
    if heat:
        rows.append(Line((Span(" temp   ", "label"), Span("   ".join(heat)))))
    rows += _clock(gpu, width)
    if gpu.note:
        rows += [line(f" {row}", "muted") for row in wrap(gpu.note, width - 2)]
    return rows


def _gauge(label: str, share: float, words: str, room: int) -> Line:
    return Line((Span(f" {label:<7}", "label"), Span(bar(share, room), "code"), Span(f" {words}")))


def _clock(gpu: GpuReading, width: int) -> list[Line]:
    held = [
        f"{reason} {share * 100:.0f} %"
        for reason, share in sorted((gpu.throttle_share or {}).items(), key=lambda pair: -pair[1])
        if share >= 0.005 and reason.lower() not in _IDLE
    ]
    if not held:
        held = [reason for reason in gpu.throttle or () if reason.lower() not in _IDLE]
    rows = []
    if gpu.clock is not None:
        rows.append(Line((Span(" clock  ", "label"), Span(f"{units.whole(gpu.clock)} MHz"))))
    if held:
        words = wrap("slowed by " + ", ".join(held), width - 9)
        rows += [line(f"        {row}", "warning") for row in words]
    return rows


def machine_pane_lines(machine: Machine, width: int) -> list[Line]:
    """All GPUs, or why there are none."""
    rows: list[Line] = []
    if machine.simulated:
        rows.append(line(" simulated: not this machine", "warning"))
    for gpu in machine.gpus:
        rows += gpu_lines(gpu, width)
    if not machine.gpus:
        rows += [line(f" {row}", "muted") for row in wrap(machine.note or _NONE_YET, width - 2)]
    return rows


class GpuPane(LineView):
    """What the GPUs do; the Machine screen says more."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.machine = Machine()

    def show(self, machine: Machine) -> None:
        """Show these readings."""
        self.machine = machine
        self.rebuild()

    def build(self, width: int) -> Sequence[Line]:
        return machine_pane_lines(self.machine, width)
