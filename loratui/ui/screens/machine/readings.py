"""What the machine screen says, as lines for a given width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from loratui.core import units
from loratui.core.facts import GpuReading, HostReading, Machine
from loratui.ui.widgets.bar import bar
from loratui.ui.widgets.lines import Line, Span, line, wrap

_LABEL = 11  # cells of the column of labels
_GAP = "   "
_DASH = "–"
_IDLE = "idle"  # the reason of a card at rest, which nothing holds back


@dataclass(frozen=True, slots=True)
class _Field:
    """A label and its value, kept together when a row is folded."""

    label: str
    value: str
    style: str = ""

    @property
    def width(self) -> int:
        return cell_len(self.label) + 1 + cell_len(self.value)


def machine_lines(machine: Machine, host: HostReading | None, width: int) -> list[Line]:
    """Driver, every GPU with its processes, and the box."""
    rows = _head(machine, width)
    if machine.gpus:
        for gpu in machine.gpus:
            rows += [line(), *_gpu(gpu, width)]
    else:
        rows += _no_gpu(machine, width)
    if host is not None:
        rows += [line(), *_host(host, width)]
    return rows


def _head(machine: Machine, width: int) -> list[Line]:
    fields = []
    if machine.driver:
        fields.append(_Field("driver", machine.driver))
    if machine.cuda:
        fields.append(_Field("CUDA up to", machine.cuda))
    right = (Span("simulated", "warning"),) if machine.simulated else ()
    count = len(machine.gpus)
    title = "1 GPU" if count == 1 else f"{count} GPUs" if count else "No GPU readings"
    rows = [Line((Span(title, "title"),), right)]
    if machine.simulated:
        rows += [line(row, "muted") for row in wrap(_SIMULATED, width)]
    rows += _flow("", fields, width)
    if machine.gpus and machine.note:
        rows += [line(row, "warning") for row in wrap(machine.note, width)]
    return rows


_SIMULATED = "These readings belong to the recording that is being replayed, not to this machine."
_NOT_YET = "GPU readings have not arrived yet."
_WITHOUT = (
    "Everything that is read from the log works without them: the findings, the checklist and "
    "Diagnose. `loratui doctor` says what was looked for and what was found."
)


def _no_gpu(machine: Machine, width: int) -> list[Line]:
    """Why there is nothing to show, and what goes on all the same."""
    rows = [line(row) for row in wrap(machine.note or _NOT_YET, width)]
    if machine.note:
        rows += [line(), *(line(row, "muted") for row in wrap(_WITHOUT, width))]
    return rows


def _gpu(gpu: GpuReading, width: int) -> list[Line]:
    memory = _DASH
    if gpu.memory_used is not None:
        memory = units.gib(gpu.memory_used)
        if gpu.memory_total:
            memory += f" / {units.gib(gpu.memory_total)} GB"
        else:
            memory += " GB"
    power = _DASH if gpu.power is None else f"{gpu.power:.0f}"
    if gpu.power_limit is not None:
        power += f" / {gpu.power_limit:.0f}"
    clock = _DASH if gpu.clock is None else units.whole(gpu.clock)
    if gpu.clock_max is not None:
        clock += f" / {units.whole(gpu.clock_max)}"
    name = Span(gpu.name or "unnamed GPU")
    rows = [Line((Span(f"GPU {gpu.index}".ljust(_LABEL), "title"), name))]
    if gpu.lost:
        text = "✖ lost: the driver no longer answers for this GPU"
        rows += _labelled("state", text, width, "error")
    if gpu.note:
        rows += _labelled("", gpu.note, width, "warning" if gpu.lost else "muted")
    rows.append(_gauge("use", _share(gpu.utilisation, 100), _percent(gpu.utilisation), width))
    rows.append(_gauge("memory", _share(gpu.memory_used, gpu.memory_total), memory, width))
    rows += _flow(
        " " * _LABEL,
        [
            _Field(
                "temperature",
                _DASH if gpu.temperature is None else f"{gpu.temperature} °C",
            ),
            _Field("power", f"{power:>9} W" if power != _DASH else _DASH),
            _Field("clock", f"{clock:>13} MHz" if clock != _DASH else _DASH),
            _Field("memory clock", _unit(gpu.memory_clock, "MHz")),
            _Field("fan", _unit(gpu.fan, "%")),
        ],
        width,
    )
    rows += _slowed(gpu, width)
    rows += _processes(gpu, width)
    return rows


def _gauge(label: str, share: float | None, text: str, width: int) -> Line:
    cells = max(8, min(40, width - _LABEL - 20))
    head = Span(label.ljust(_LABEL), "label")
    if share is None:
        return Line((head, Span(text), Span("  not reported" if text == _DASH else "", "muted")))
    return Line((head, Span(bar(share, cells), "accent"), Span(f"  {text}")))


def _slowed(gpu: GpuReading, width: int) -> list[Line]:
    """What holds the clock down: now, and for how much of the last minute."""
    shares = {
        reason: share
        for reason, share in (gpu.throttle_share or {}).items()
        if share > 0 and reason != _IDLE
    }
    now = [reason for reason in gpu.throttle or () if reason != _IDLE]
    if gpu.throttle is None and not shares:
        return _labelled("slowed by", f"{_DASH}  not reported", width, "muted")
    if not now and not shares:
        idle = ", it is idle" if gpu.throttle else ""
        return _labelled("slowed by", f"nothing in the last minute{idle}", width, "")
    rows: list[Line] = []
    for reason in sorted({*shares, *now}, key=lambda name: (-shares.get(name, 0.0), name)):
        text = reason
        if reason in shares:
            text += f" {_share_words(shares[reason])}"
        text += ", now" if reason in now else ", not now"
        rows += _labelled("slowed by" if not rows else "", text, width, "warning")
    return rows


def _share_words(share: float) -> str:
    if share >= 0.995:
        return "for the whole last minute"
    return f"{max(1, round(share * 100))} % of the last minute"


def _processes(gpu: GpuReading, width: int) -> list[Line]:
    if gpu.processes is None:
        return _labelled("processes", f"{_DASH}  not reported", width, "muted")
    if not gpu.processes:
        return _labelled("processes", "none that this machine shows", width, "muted")
    rows = []
    biggest = sorted(gpu.processes, key=lambda process: (-(process.memory or 0), process.pid))
    for at, process in enumerate(biggest):
        memory = _DASH if process.memory is None else f"{units.gib(process.memory)} GB"
        head = Span(("processes" if at == 0 else "").ljust(_LABEL), "label")
        name = process.name or "name hidden"
        if process.memory is None:
            name += " (memory not shown)"
        rows.append(Line((head, Span(f"{memory:>8}  {process.pid:>7}  {name}"))))
    return rows


def _host(host: HostReading, width: int) -> list[Line]:
    rows = [Line((Span("This machine", "title"),))]
    cpu = _DASH if host.cpu is None else f"{host.cpu:.0f} %"
    if host.cores is not None:
        cpu += f" of {host.cores} core" + ("s" if host.cores != 1 else "")
    memory = _DASH
    if host.memory_used is not None:
        memory = units.gib(host.memory_used)
        memory += f" / {units.gib(host.memory_total)} GB" if host.memory_total else " GB"
    disk = _DASH
    if host.disk_free is not None:
        disk = f"{units.gib(host.disk_free)} GB free"
        if host.disk_path:
            disk += f" on {host.disk_path}"
    share = None if host.cpu is None else host.cpu / 100
    rows.append(_gauge("processor", share, cpu, width))
    rows.append(_gauge("memory", _share(host.memory_used, host.memory_total), memory, width))
    return [*rows, *_labelled("disk", disk, width, "")]


def _labelled(label: str, text: str, width: int, style: str) -> list[Line]:
    """A label and text that is folded under itself."""
    rows = wrap(text, width - _LABEL)
    return [
        Line((Span((label if at == 0 else "").ljust(_LABEL), "label"), Span(row, style)))
        for at, row in enumerate(rows)
    ]


def _flow(indent: str, fields: Sequence[_Field], width: int) -> Iterable[Line]:
    """Fields side by side in as many rows as they need."""
    rows: list[Line] = []
    spans: list[Span] = []
    used = 0
    for entry in fields:
        if spans and used + len(_GAP) + entry.width > width:
            rows.append(Line(tuple(spans)))
            spans = []
        if not spans:
            spans, used = [Span(indent)], len(indent)
        else:
            spans.append(Span(_GAP))
            used += len(_GAP)
        spans += [Span(f"{entry.label} ", "label"), Span(entry.value, entry.style)]
        used += entry.width
    if spans:
        rows.append(Line(tuple(spans)))
    return rows


def _share(used: int | None, total: int | None) -> float | None:
    return None if used is None or not total else used / total


def _percent(value: int | None) -> str:
    return _DASH if value is None else f"{value:3d} %"


def _unit(value: int | None, unit: str) -> str:
    return _DASH if value is None else f"{units.whole(value)} {unit}"
