"""Prints every figure beside its target: `python -m tests.benchmarks [PART…]`."""

from __future__ import annotations

import compileall
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.logs import bar, write_log
from tests.pty.terminal import Terminal

HERE = Path(__file__).parent
PYTHON = sys.executable


def show(name: str, figure: str, target: str, *, good: bool) -> None:
    print(f"{'ok ' if good else 'NO '} {name:<58} {figure:<34} target {target}", flush=True)


def start(folder: Path, rounds: int = 7) -> None:
    """First useful screen on a long log against the empty app, in turn; then a key at once."""
    steps = 200_000
    # an installed package is compiled; the very first start of a checkout is not what is measured
    compileall.compile_dir(HERE.parents[1] / "loratui", quiet=2)
    log = write_log(folder / "long.log", steps)
    megabytes = log.stat().st_size / 1e6
    empty, ours, keys = [], [], []
    for _ in range(rounds):
        with Terminal([PYTHON, str(HERE / "empty_app.py")]) as app:
            app.wait_for("HELLO-WORLD")
            empty.append(time.perf_counter() - app.began)
        with Terminal([PYTHON, "-m", "loratui", "watch", str(log)]) as app:
            app.wait_for(r"200[ ,]?000.*0\.1\d")
            ours.append(time.perf_counter() - app.began)
            app.send("2")
            keys.append(app.wait_for("g questions"))
    ratio = statistics.median(a / b for a, b in zip(ours, empty, strict=True))
    show(
        f"first useful screen, {megabytes:.0f} MB, {steps} steps",
        f"{statistics.median(ours):.3f} s = {ratio:.2f} x {statistics.median(empty):.3f} s",
        "<= 1.5 x",
        good=ratio <= 1.5,
    )
    slowest = statistics.median(keys) * 1000
    show(
        "a key right after it switches the screen",
        f"{slowest:.0f} ms (worst {max(keys) * 1000:.0f})",
        "<= 200 ms",
        good=slowest <= 200,
    )


def history(folder: Path, rounds: int = 5) -> None:
    """The whole pipeline of a history: bytes, steps, series, detectors, findings."""
    from loratui.core.snapshot import SessionSnapshot
    from loratui.engine.diagnosis import read_all
    from loratui.engine.session import Session
    from loratui.kb import load
    from loratui.sources.tail import Tail

    kb = load()
    steps = 200_000
    for twice, name in ((False, "drawn once"), (True, "drawn twice")):
        log = write_log(folder / f"history-{twice}.log", steps, twice=twice)
        best = []
        for _ in range(rounds):
            begin = time.process_time()
            seen: SessionSnapshot = read_all(Session(Tail(log), lambda _: kb))
            best.append(steps / (time.process_time() - begin))
            assert seen.status.step == steps
        rate = statistics.median(best)
        show(
            f"whole history, each step {name}",
            f"{rate:,.0f} steps/s (best {max(best):,.0f})",
            ">= 300,000" if not twice else "(no target)",
            good=twice or rate >= 300_000,
        )


def knowledge(folder: Path, rounds: int = 9) -> None:
    """The knowledge base cold and warm, each in a process of its own, and its search."""
    from loratui.kb import load
    from loratui.kb.search import index_of

    code = (
        "import time; begin = time.perf_counter(); from pathlib import Path; "
        "from loratui.kb import load; load(cache=Path({cache!r})); "
        "print(time.perf_counter() - begin)"
    )
    for warm, limit in ((False, 0.6), (True, 0.15)):
        took = []
        for number in range(rounds):
            cache = str(folder / ("warm" if warm else f"cold-{number}"))
            command = [PYTHON, "-c", code.format(cache=cache)]
            if warm and not number:
                subprocess.run(command, check=True, capture_output=True)
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            took.append(float(done.stdout))
        middle = statistics.median(took)
        show(
            f"knowledge base, {'warm' if warm else 'cold'}, with imports",
            f"{middle * 1000:.0f} ms (worst {max(took) * 1000:.0f})",
            f"<= {limit * 1000:.0f} ms",
            good=middle <= limit,
        )
    index = index_of(load())
    slowest = 0.0
    for query in (
        "learning rate is zero",
        "plsatic skn",
        "CUDA out of memory. Tried to allocate 2",
    ):
        for end in range(1, len(query) + 1):
            begin = time.perf_counter()
            index.search(query[:end])
            slowest = max(slowest, time.perf_counter() - begin)
    show("search, the slowest key", f"{slowest * 1000:.1f} ms", "<= 30 ms", good=slowest <= 0.03)


def wire(folder: Path) -> None:
    """What a live run costs: time to the screen, bytes and CPU at two steps a second, and idle."""
    log = folder / "live.log"
    total = 4000
    log.write_text("".join(bar(step, total, 0.12) for step in range(1, 600)), encoding="utf-8")
    with Terminal([PYTHON, "-m", "loratui", "watch", str(log)], columns=120, rows=40) as app:
        app.wait_for(r"599")
        app.run_for(4.0)
        step, late = 600, []
        with log.open("a", encoding="utf-8") as file:
            begin, written, cpu = time.perf_counter(), app.written, app.cpu()
            while time.perf_counter() - begin < 30:
                file.write(bar(step, total, 0.12 + (step % 7) / 200))
                file.flush()
                shown = f"{step:,}".replace(",", "[ ,]?")
                late.append(app.wait_for(rf"(?<![\d]){shown}(?!\d)", timeout=5) * 1000)
                step += 1
                app.run_for(max(0.0, 0.5 * (step - 600) - (time.perf_counter() - begin)))
            spent = time.perf_counter() - begin
        middle = statistics.median(late)
        show(
            "a written line is on screen",
            f"{middle:.0f} ms median (worst {max(late):.0f})",
            "<= 150 ms",
            good=middle <= 150,
        )
        rate = (app.written - written) / spent / 1000
        show(
            "Live at 120x40, 2 steps/s, to the terminal",
            f"{rate:.2f} KB/s",
            "<= 6 KB/s",
            good=rate <= 6,
        )
        share = (app.cpu() - cpu) / spent
        show("Live at 120x40, 2 steps/s, of a core", f"{share:.2%}", "<= 3 %", good=share <= 0.03)
        app.run_for(12.0)
        written, cpu = app.written, app.cpu()
        app.run_for(10.0)
        show(
            "nothing changes for ten seconds",
            f"{app.written - written} bytes, {(app.cpu() - cpu) / 10:.2%} of a core",
            "0 bytes",
            good=app.written == written,
        )


def discovery(folder: Path) -> None:
    """A look at a box of 500 processes."""
    from tests.benchmarks.discovery import discovery as measured

    measured(folder)


def tfevents(folder: Path) -> None:
    """TensorBoard's files against TensorBoard's own reader."""
    from tests.benchmarks.tfevents import tfevents as measured

    measured(folder)


def diagnosis(folder: Path) -> None:
    """How much of what is planted is found, and how quiet healthy runs are; ends the process."""
    from tests.benchmarks.diagnosis.harness import main as measured

    sys.exit(measured(sys.argv[2:] if sys.argv[1:2] == ["diagnosis"] else ()))


def many(folder: Path) -> None:
    """Ten runs at once, and one of a million steps."""
    from tests.benchmarks.many import long_run, watched

    found = watched(folder)
    steps = f"{found['least']:.0f} to {found['most']:.0f}"
    show(
        "ten growing logs at 2 steps/s each",
        f"{100 * found['share']:.1f} % of a core (at step {steps})",
        "<= 5 %",
        good=found["share"] <= 0.05 and found["least"] > 1000,
    )
    found = long_run(folder, 1_000_000)
    show(
        "memory after 250 000 and 1 000 000 steps",
        f"{found['quarter']:.0f} and {found['end']:.0f} MB (most {found['most']:.0f})",
        "<= 150 MB, flat",
        good=found["most"] <= 150 and found["end"] - found["quarter"] <= 10,
    )


PARTS = {
    "start": start,
    "history": history,
    "knowledge": knowledge,
    "discovery": discovery,
    "tfevents": tfevents,
    "wire": wire,
    "many": many,
    "diagnosis": diagnosis,
}


def main() -> None:
    # the diagnosis takes options of its own
    chosen = ["diagnosis"] if sys.argv[1:2] == ["diagnosis"] else sys.argv[1:] or list(PARTS)
    with tempfile.TemporaryDirectory() as name:
        for part in chosen:
            PARTS[part](Path(name))


if __name__ == "__main__":
    main()
