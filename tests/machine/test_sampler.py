"""The sampler, with a clock of its own; the thread only where the thread is the point."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from loratui.core.clock import ManualClock
from loratui.machine.nvml import Nvml
from loratui.machine.sampler import HISTORY, SILENCE, GpuSampler

MIB = 2**20


@pytest.fixture
def clock():
    return ManualClock(1000.0)


@pytest.fixture
def sampler(clock):
    made = GpuSampler(clock=clock)
    yield made
    made.stop()


class Counting(Nvml):
    """NVML that counts how often it is opened."""

    def __init__(self):
        super().__init__()
        self.opened = 0

    def open(self):
        self.opened += 1
        return super().open()


def test_nothing_is_known_before_the_first_sample(sampler):
    machine = sampler.latest()
    assert (machine.gpus, machine.note, machine.driver) == ((), "", None)


def test_a_sample(load_nvml, sampler):
    load_nvml("count 2")
    machine = sampler.sample_once()
    assert machine is sampler.latest()
    assert (machine.driver, machine.cuda, machine.note, machine.time) == (
        "580.65.06", "13.0", "", 1000.0,
    )  # fmt: skip
    assert [gpu.utilisation for gpu in machine.gpus] == [97, 97]


def test_nothing_new_gives_the_same_object(load_nvml, sampler, clock):
    load_nvml("")
    first = sampler.sample_once()
    for _ in range(20):
        clock.advance(1)
        assert sampler.sample_once() is first


def test_noise_gives_the_same_object(load_nvml, sampler, clock):
    fake = load_nvml("power_mw 401600; sm_mhz 2520; mem_used_mb 22000")
    first = sampler.sample_once()
    assert first.gpus[0].power == 402
    for noise in (
        "power_mw 402400; sm_mhz 2505; mem_used_mb 22004",
        "power_mw 401100; sm_mhz 2535; mem_used_mb 21996",
        "power_mw 402600; sm_mhz 2520; mem_used_mb 22008",
    ):
        fake.write(noise)
        clock.advance(1)
        assert sampler.sample_once() is first
    fake.write("power_mw 405000; sm_mhz 2400; mem_used_mb 22100")
    clock.advance(1)
    changed = sampler.sample_once().gpus[0]
    assert (changed.power, changed.clock, changed.memory_used) == (405, 2400, 22100 * MIB)


def test_throttle_share(load_nvml, sampler, clock):
    fake = load_nvml("throttle 1")
    assert sampler.sample_once().gpus[0].throttle == ("idle",)
    assert sampler.latest().gpus[0].throttle_share == {}
    fake.write("throttle 0x44")
    for _ in range(30):
        clock.advance(1)
        sampler.sample_once()
    fake.write("throttle 0")
    for _ in range(29):
        clock.advance(1)
        sampler.sample_once()
    gpu = sampler.latest().gpus[0]
    assert gpu.throttle == ()
    assert gpu.throttle_share == {"power cap": 0.5, "thermal (hardware)": 0.5}


def test_no_share_where_reasons_are_not_reported(load_nvml, sampler):
    load_nvml("err.Throttle 3")
    gpu = sampler.sample_once().gpus[0]
    assert (gpu.throttle, gpu.throttle_share) == (None, None)


def test_processes_are_read_less_often(load_nvml, sampler, clock):
    fake = load_nvml("")
    sampler.sample_once()
    fake.write("pid 4000001; pid_mb 5")
    clock.advance(1)
    assert sampler.sample_once().gpus[0].processes == ()
    clock.advance(4)
    processes = sampler.sample_once().gpus[0].processes
    assert processes is not None
    assert [process.pid for process in processes] == [4000001]


def test_history_is_bounded_and_keeps_gaps(load_nvml, sampler, clock):
    fake = load_nvml("util 10")
    sampler.sample_once()
    fake.write("err.Utilization 3")
    clock.advance(1)
    sampler.sample_once()
    points = sampler.history(0)
    assert [(point.time, point.utilisation) for point in points] == [(1000.0, 10), (1001.0, None)]
    assert points[0].memory_used == 22011 * MIB
    assert sampler.history(7) == ()
    track = sampler._tracks[0]
    assert track.points.maxlen == HISTORY


def test_a_lost_gpu_comes_back(load_nvml, clock):
    nvml = Counting()
    sampler = GpuSampler(clock=clock, nvml=nvml)
    fake = load_nvml("count 2")
    sampler.sample_once()
    fake.write("count 2; err.Device@1 15")
    clock.advance(1)
    gpus = sampler.sample_once().gpus
    assert [gpu.lost for gpu in gpus] == [False, True]
    assert gpus[0].utilisation == 97
    fake.write("count 2")
    clock.advance(6)
    assert [gpu.lost for gpu in sampler.sample_once().gpus] == [False, False]
    assert nvml.opened == 1  # the healthy one was never interrupted


def test_the_only_gpu_lost_is_sought_ever_less_often(load_nvml, clock):
    nvml = Counting()
    sampler = GpuSampler(clock=clock, nvml=nvml)
    fake = load_nvml("")
    sampler.sample_once()
    fake.write("err.Device 15")
    opened_at = []
    for _ in range(1000):
        clock.advance(1)
        before = nvml.opened
        machine = sampler.sample_once()
        if nvml.opened > before:
            opened_at.append(clock.now())
        assert machine.gpus[0].lost
        assert machine.gpus[0].utilisation is None
    gaps = [after - before for before, after in pairwise(opened_at)]
    assert gaps == [5, 10, 20, 40, 80, 160, 300, 300]
    fake.write("")
    clock.advance(300)
    gpu = sampler.sample_once().gpus[0]
    assert (gpu.lost, gpu.utilisation, gpu.note) == (False, 97, "")


def test_a_driver_that_comes_late(load_nvml, clock):
    nvml = Counting()
    sampler = GpuSampler(clock=clock, nvml=nvml)
    fake = load_nvml("err.Init 9")
    first = sampler.sample_once()
    assert first.note == "The NVIDIA driver is not loaded."
    clock.advance(4)
    assert sampler.sample_once() is first
    assert nvml.opened == 1
    fake.write("")
    clock.advance(1)
    machine = sampler.sample_once()
    assert (machine.note, len(machine.gpus)) == ("", 1)


def test_a_driver_that_goes_away_and_returns(load_nvml, sampler, clock):
    fake = load_nvml("")
    sampler.sample_once()
    fake.write("err.Device 1; err.Init 18")
    for _ in range(3):
        clock.advance(1)
        machine = sampler.sample_once()
    assert machine.note == "The loaded NVIDIA driver and its library differ in version."
    assert machine.gpus[0].utilisation is None
    assert machine.gpus[0].name == "NVIDIA GeForce RTX 4090"
    fake.write("")
    clock.advance(60)
    machine = sampler.sample_once()
    assert (machine.note, machine.gpus[0].utilisation) == ("", 97)


def test_a_slip_of_ours_is_a_note(clock):
    class Broken(Nvml):
        def open(self):
            raise ValueError("two\nlines")

    machine = GpuSampler(clock=clock, nvml=Broken()).sample_once()
    assert machine.note == "GPU readings failed: ValueError: two lines."


# the thread


class Gate(Nvml):
    """NVML that hangs in `open` until it is let go."""

    def __init__(self):
        super().__init__()
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.closed = threading.Event()

    def open(self):
        self.entered.set()
        assert self.let_go.wait(30)
        return super().open()

    def close(self):
        super().close()
        if self.let_go.is_set():
            self.closed.set()


def test_an_init_that_hangs_holds_up_nobody(load_nvml, clock):
    load_nvml("")
    nvml = Gate()
    sampler = GpuSampler(clock=clock, nvml=nvml)
    sampler.start()
    sampler.start()
    assert nvml.entered.wait(30)
    assert sampler.latest().note == ""
    clock.advance(SILENCE)
    late = sampler.latest()
    assert late.note == "The NVIDIA driver has not answered yet."
    assert sampler.latest() is late
    sampler.stop(timeout=0.01)
    assert sampler._thread is not None
    assert sampler._thread.is_alive()
    nvml.let_go.set()
    assert nvml.closed.wait(30)
    sampler._thread.join(30)
    assert not sampler._thread.is_alive()


class Telling(Nvml):
    """NVML that tells when it is asked."""

    def __init__(self):
        super().__init__()
        self.opening, self.reading = threading.Event(), threading.Event()

    def open(self):
        self.opening.set()
        return super().open()

    def read(self, *, slow=True):
        self.reading.set()
        return super().read(slow=slow)


def test_the_library_itself_hangs(load_nvml, clock):
    fake = load_nvml("hang.Init 1")
    nvml = Telling()
    sampler = GpuSampler(clock=clock, nvml=nvml)
    sampler.start()
    assert nvml.opening.wait(30)
    sampler.stop(timeout=0.01)
    assert sampler._thread is not None
    assert sampler._thread.is_alive()
    fake.write("")
    sampler._thread.join(30)
    assert not sampler._thread.is_alive()


def test_readings_that_stop_coming_are_called_old(load_nvml, clock):
    fake = load_nvml("")
    nvml = Telling()
    sampler = GpuSampler(clock=clock, nvml=nvml)
    fresh = sampler.sample_once()
    nvml.reading.clear()
    fake.write("hang.Utilization 1")
    asking = threading.Thread(target=sampler.sample_once, daemon=True)
    clock.advance(1)
    asking.start()
    assert nvml.reading.wait(30)
    clock.advance(SILENCE)
    old = sampler.latest()
    assert old.gpus == fresh.gpus
    assert old.note == "The NVIDIA driver has stopped answering: these readings are old."
    assert sampler.latest() is old
    fake.write("")
    asking.join(30)
    assert sampler.latest().note == ""


def test_the_thread_samples_until_it_is_stopped(load_nvml, monkeypatch):
    load_nvml("")
    sampled = threading.Semaphore(0)

    class Heard(GpuSampler):
        def sample_once(self):
            machine = super().sample_once()
            sampled.release()
            return machine

    sampler = Heard(interval=0.001)
    sampler.start()
    for _ in range(3):
        assert sampled.acquire(timeout=30)
    sampler.stop(timeout=30)
    assert sampler._thread is not None
    assert sampler._thread.daemon
    assert not sampler._thread.is_alive()
    assert sampler.latest().gpus[0].utilisation == 97
    sampler.start()
    assert not sampler._thread.is_alive()


def test_stop_before_start():
    sampler = GpuSampler()
    sampler.stop()
    sampler.start()
    assert sampler._thread is None
