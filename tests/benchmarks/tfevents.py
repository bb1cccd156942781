"""Event files against TensorBoard's own reader: `python -m tests.benchmarks.tfevents`.

Both read the same file in the same process, with the collector of garbage as it is; where
tensorboard is not installed, only our own figure is printed.
"""

from __future__ import annotations

import gc
import importlib
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from loratui.core.events import Metrics
from loratui.sources.tfevents import EventFile
from tests.sources.event_files import NAME, crc, event, record, simple, version

POINTS = 200_000


def write(path: Path, points: int = POINTS) -> Path:
    """One scalar an event, of three tags in turn, as torch's SummaryWriter.add_scalar writes."""
    try:
        from google_crc32c import value
    except ImportError:
        framed = record
    else:

        def masked(data: bytes) -> bytes:
            found = value(data)
            found = ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF
            return found.to_bytes(4, "little")

        def framed(data: bytes) -> bytes:
            length = len(data).to_bytes(8, "little")
            return length + masked(length) + data + masked(data)

        assert framed(b"x") == record(b"x")
    assert crc(b"123456789") == (((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF)
    tags = ("loss/current", "loss/average", "lr/unet")
    with path.open("wb") as file:
        file.write(version())
        for point in range(points):
            step, tag = divmod(point, len(tags))
            file.write(framed(event(step, simple(tags[tag], 0.1 + step / 1e6), 1e9 + step)))
    return path


def ours(path: Path) -> tuple[list[Metrics], float]:
    """Everything in columns, all kept; and the longest poll in seconds."""
    source, kept, longest = EventFile(path), [], 0.0
    while True:
        begin = time.perf_counter()
        items = source.poll()
        longest = max(longest, time.perf_counter() - begin)
        if not items:
            return kept, longest
        kept += [item for item in items if isinstance(item, Metrics)]


def memory(read: Callable[[], object]) -> float:
    """MB at the peak, with what is kept."""
    gc.collect()
    tracemalloc.start()
    kept = read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del kept
    return peak / 1e6


def tfevents(folder: Path, rounds: int = 5) -> None:
    """Time and memory of reading a whole file, and the longest poll."""
    from tests.benchmarks.__main__ import show  # it may be the one that calls

    path = write(folder / NAME)
    spent, longest = [], []
    for _ in range(rounds):
        begin = time.process_time()
        kept, poll = ours(path)
        spent.append(time.process_time() - begin)
        longest.append(poll)
        assert sum(len(m.steps) for m in kept if m.name != "wall_time") == POINTS
    middle = statistics.median(spent)
    name = f"event file of {POINTS:,} points"
    worst = statistics.median(longest) * 1000
    show(f"{name}, longest poll", f"{worst:.0f} ms", "<= 50 ms", good=worst <= 50)
    try:
        module = importlib.import_module(
            "tensorboard.backend.event_processing.event_accumulator"
        ).EventAccumulator
    except ImportError:
        show(name, f"{POINTS / middle:,.0f} points/s", "(no tensorboard here)", good=True)
        return

    def theirs() -> object:
        found = module(str(path), size_guidance={"scalars": 0})
        found.Reload()
        return found

    ratios = []
    for one in spent:
        begin = time.process_time()
        theirs()
        ratios.append((time.process_time() - begin) / one)
    ratio = statistics.median(ratios)
    show(
        f"{name}, against EventAccumulator",
        f"{POINTS / middle:,.0f} points/s, {ratio:.1f} x as fast",
        ">= 6 x",
        good=ratio >= 6,
    )
    mine, other = memory(lambda: ours(path)), memory(theirs)
    show(
        f"{name}, memory with all points kept",
        f"{mine:.1f} MB = {mine / other:.2f} x {other:.1f} MB",
        "<= 0.25 x",
        good=mine <= other / 4,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        tfevents(Path(temporary))
