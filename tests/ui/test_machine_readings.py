"""What the machine screen says, without a screen."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from loratui.core.facts import GpuProcess, GpuReading, HostReading, Machine
from loratui.ui.screens.machine.readings import machine_lines

GIB = 2**30

FULL = GpuReading(
    index=0,
    name="NVIDIA GeForce RTX 4090",
    utilisation=97,
    memory_used=22 * GIB,
    memory_total=24 * GIB,
    temperature=71,
    power=402.4,
    power_limit=450.0,
    clock=1980,
    clock_max=2520,
    memory_clock=10501,
    fan=62,
    throttle=("power cap",),
    throttle_share={"power cap": 0.71, "thermal": 0.02},
    processes=(
        GpuProcess(99, "Xorg", GIB // 5),
        GpuProcess(4242, "python", 21 * GIB),
        GpuProcess(7, None, None),
    ),
)
HOST = HostReading(35.0, 16, 41 * GIB, 128 * GIB, 212 * GIB, "/work")


def text_of(machine: Machine, width: int = 80, host: HostReading | None = None):
    rows = machine_lines(machine, host, width)
    return [
        "".join(span.text for span in row.spans) + "".join(span.text for span in row.right)
        for row in rows
    ]


@pytest.mark.parametrize("width", [60, 78, 118, 158])
def test_nothing_is_wider_than_the_screen(width):
    machine = Machine((FULL, FULL), "580.65.06", "13.0")
    assert max(map(cell_len, text_of(machine, width, HOST))) <= width


def test_every_reading_is_said():
    said = "\n".join(text_of(Machine((FULL,), "580.65.06", "13.0"), host=HOST))
    for part in (
        "RTX 4090", "97 %", "22.0 / 24.0 GB", "71 °C", "402 / 450 W", "1 980 / 2 520 MHz",
        "10 501 MHz", "62 %", "driver 580.65.06", "13.0", "35 % of 16 cores", "41.0 / 128.0 GB",
        "212.0 GB free on /work",
    ):  # fmt: skip
        assert part in said


def test_what_slows_it_down_is_said_in_words():
    said = text_of(Machine((FULL,)))
    assert any(
        "slowed by" in row and "power cap 71 % of the last minute, now" in row for row in said
    )
    assert any("thermal 2 % of the last minute, not now" in row for row in said)


def test_biggest_process_first_and_hidden_ones_named_so():
    rows = [row for row in text_of(Machine((FULL,))) if "GB  " in row or "not shown" in row]
    assert "4242  python" in rows[0].replace("    4242", "4242")
    assert "Xorg" in rows[1]
    assert "memory not shown" in rows[2]
    assert "name hidden" in rows[2]


def test_a_missing_reading_is_not_zero():
    said = text_of(Machine((GpuReading(0),)))
    assert any(row.startswith("use") and "not reported" in row for row in said)
    assert any(row.startswith("slowed by") and "not reported" in row for row in said)
    assert any(row.startswith("processes") and "not reported" in row for row in said)
    assert not any(" 0 %" in row or " 0.0" in row for row in said)


def test_quiet_card():
    gpu = GpuReading(0, throttle=("idle",), throttle_share={"idle": 1.0}, processes=())
    said = text_of(Machine((gpu,)))
    assert any("nothing in the last minute, it is idle" in row for row in said)
    assert any("none that this machine shows" in row for row in said)


def test_lost_gpu():
    gpu = GpuReading(1, name="A", lost=True, note="GPU 1 fell off the bus")
    said = text_of(Machine((gpu,)))
    assert any("lost" in row for row in said)
    assert any("fell off the bus" in row for row in said)


def test_without_nvml_there_is_a_reason_and_a_way_on():
    said = " ".join(text_of(Machine(note="The NVIDIA driver is not installed.")))
    assert "The NVIDIA driver is not installed." in said
    assert "loratui doctor" in said


def test_before_the_first_reading():
    assert any("not arrived yet" in row for row in text_of(Machine()))


def test_simulated_is_said():
    said = text_of(Machine((FULL,), simulated=True))
    assert said[0].endswith("simulated")
    assert any("recording" in row for row in said)
