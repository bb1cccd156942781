"""Runs all cases over the processor's cores and holds the figures against `cases.yaml`.

`python -m tests.benchmarks diagnosis [--fresh] [--seed S] [--only ID] [--healthy N] [--faulty N]
[--write DIR]`
"""

from __future__ import annotations

import argparse
import math
import os
import secrets
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import yaml

from tests.benchmarks.diagnosis.judge import Fired, Outcome, judge, knowledge, show_text, write
from tests.benchmarks.diagnosis.make.effects import WATCHED
from tests.benchmarks.diagnosis.make.errors import Message, messages, texts
from tests.benchmarks.diagnosis.make.runs import CASES, HEALTHY, faulty, healthy
from tests.benchmarks.diagnosis.speed import Speed, measure

KNOWLEDGE = Path(__file__).parents[3] / "knowledge"
TARGETS = CASES["targets"]


@dataclass(frozen=True, slots=True)
class Task:
    """One case, or all texts of one pattern; small enough to be sent to another process."""

    id: str
    format: str
    number: int
    level: float
    seed: str
    cli: bool = False
    write: str = ""


@dataclass(frozen=True, slots=True)
class Texted:
    """What became of one error text; `first` are the findings, in their order."""

    key: str
    right: bool
    good: bool
    first: str


@dataclass(slots=True)
class Results:
    """Everything that was measured."""

    seed: str
    outcomes: list[Outcome] = field(default_factory=list)
    texts: list[Texted] = field(default_factory=list)
    speed: Speed | None = None
    seconds: float = 0.0

    def of(self, finding: str) -> list[Outcome]:
        return [o for o in self.outcomes if o.id == finding]

    @property
    def alarms(self) -> list[Outcome]:
        """Healthy runs that were not left alone, and those that could not be judged."""
        return [o for o in self.of(HEALTHY) if o.loud or o.why]


def built() -> dict[str, bool]:
    """Which findings a detector exists for, as the catalogue says."""
    entries = yaml.safe_load((KNOWLEDGE / "findings.yaml").read_text(encoding="utf-8"))
    return {entry["id"]: bool(entry["built"]) for entry in entries}


# work


def _start() -> None:
    knowledge()


def _run(task: Task) -> Outcome:
    if task.id == HEALTHY:
        made = healthy(task.number, task.level, task.seed)
    else:
        made = faulty(task.id, task.format, task.number, task.seed)
        if task.cli and made.door in ("pieces", "file"):
            made.door = "cli"
    outcome = judge(made)
    bad = bool(outcome.loud or outcome.why) if task.id == HEALTHY else not outcome.found
    if task.write and bad:
        write(made, outcome, Path(task.write))
    if not bad:
        outcome.fired = []  # nobody asks, and it has to travel
    return outcome


def _text(task: tuple[Message, str, str]) -> list[Texted]:
    message, seed, target = task
    found = []
    for text in texts(message, seed):
        fired: list[Fired] | str
        try:
            fired = show_text(text.data)
        except Exception as error:  # counts as wrong
            fired = f"raised {type(error).__name__}: {error}"
        if isinstance(fired, str):
            good, first = False, fired
        else:
            first = ", ".join(f.id for f in fired) or "nothing"
            ids = [f.id for f in fired]
            good = ids[:1] == [text.finding] if text.right else text.finding not in ids
        found.append(Texted(text.key, text.right, good, first))
        if target and not good:
            place = Path(target) / "texts"
            place.mkdir(parents=True, exist_ok=True)
            name = text.key.replace(":", "_")
            (place / f"{name}.log").write_bytes(text.data)
            (place / f"{name}.txt").write_text(f"{text.key}: found {first}\n", encoding="utf-8")
    return found


def tasks(
    seed: str, per_pair: int, per_level: int, *, only: str = "", cli: int = 0, target: str = ""
) -> list[Task]:
    """All cases. The command gets the plain logs, one pair after the other."""
    found: list[Task] = []
    for finding, case in CASES["cases"].items():
        if only not in ("", finding):
            continue
        for format_ in case["shows"]:
            for number in range(per_pair):
                found.append(Task(finding, format_, number, 0.0, seed, write=target))
    plain = [
        at
        for at, task in enumerate(found)
        if task.id not in WATCHED and "+" not in task.format and task.format != "csv"
    ]
    plain.sort(key=lambda at: found[at].number)
    for at in plain[:: max(1, len(plain) // cli)][:cli] if cli else ():
        task = found[at]
        found[at] = Task(task.id, task.format, task.number, 0.0, seed, cli=True, write=target)
    if only in ("", HEALTHY):
        for level in CASES["noise"]["levels"]:
            found += [Task(HEALTHY, "", n, level, seed, write=target) for n in range(per_level)]
    return found


def run(
    seed: str,
    per_pair: int,
    per_level: int,
    *,
    only: str = "",
    cli: int = 0,
    target: str = "",
    with_texts: bool = True,
    workers: int = 0,
) -> Results:
    """Make and judge everything; the order of the outcomes is that of the tasks."""
    begin = time.perf_counter()
    results = Results(seed)
    work = tasks(seed, per_pair, per_level, only=only, cli=cli, target=target)
    known = messages(KNOWLEDGE / "messages") if with_texts and only in ("", "texts") else []
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, initializer=_start) as pool:
        said = pool.map(_text, [(message, seed, target) for message in known], chunksize=4)
        outcomes = pool.map(_run, work, chunksize=8)
        results.texts = [text for group in said for text in group]
        results.outcomes = list(outcomes)
    results.seconds = time.perf_counter() - begin
    return results


# figures


@dataclass(slots=True)
class Row:
    """The figures of one id. `delay` and `worst` are shares of the run; `late` exceed the limit."""

    id: str
    built: bool
    found: int
    of: int
    misses: dict[str, tuple[int, int]]
    delay: float | None
    worst: float | None
    late: int
    timed: int

    @property
    def recall(self) -> float:
        return self.found / self.of if self.of else 0.0

    @property
    def good(self) -> bool:
        in_time = self.delay is None or self.delay <= TARGETS["delay"]
        return self.recall >= TARGETS["recall"] and in_time


def row(results: Results, finding: str, *, is_built: bool) -> Row:
    """Delays on a running mean are counted after the epoch that it lags behind."""
    own = results.of(finding)
    by_format: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in own:
        by_format[outcome.format].append(outcome)
    delays = [max(0, o.delay - o.slack) / o.steps for o in own if o.delay is not None]
    return Row(
        finding,
        is_built,
        sum(o.found for o in own),
        len(own),
        {
            name: (sum(not o.found for o in group), len(group))
            for name, group in by_format.items()
            if not all(o.found for o in group)
        },
        median(delays) if delays else None,
        max(delays) if delays else None,
        sum(delay > TARGETS["delay"] for delay in delays),
        len(delays),
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def report(results: Results) -> tuple[str, bool]:
    """The table, and whether every target is met."""
    known, good = built(), True
    lines = [f"seed {results.seed}"]
    findings = [name for name in CASES["cases"] if results.of(name)]
    if findings:
        lines.append(
            f"{'':4}{'id':<20}{'recall':>8}{'found':>11}{'delay':>8}{'worst':>8}{'late':>9}"
            "  missed in"
        )
    for name in findings:
        each = row(results, name, is_built=known[name])
        good &= each.good
        state = "ok" if each.good else "NO"
        missed = ", ".join(f"{form} {n}/{of}" for form, (n, of) in each.misses.items())
        if not each.built:
            missed = "not built" if not each.found else f"not built; {missed}"
        late = f"{each.late}/{each.timed}" if each.timed else "-"
        lines.append(
            f"{state:<4}{name:<20}{each.recall:>8.1%}{f'{each.found}/{each.of}':>11}"
            f"{_percent(each.delay):>8}{_percent(each.worst):>8}{late:>9}  {missed}"
        )
    if findings:
        found = sum(o.found for o in results.outcomes if o.id != HEALTHY)
        count = sum(o.id != HEALTHY for o in results.outcomes)
        lines.append(f"    all faulty logs: {found} of {count} found = {found / count:.1%}")
        through = Counter(o.door for o in results.outcomes if o.id != HEALTHY)
        lines.append("    shown as: " + ", ".join(f"{n} {door}" for door, n in through.items()))
    if results.of(HEALTHY):
        lines.append("")
        good &= _healthy(results, lines)
    if results.texts:
        lines.append("")
        good &= _texts(results.texts, lines)
    if results.speed is not None:
        lines.append("")
        good &= _speed(results.speed, lines)
    lines.append(f"\n{results.seconds:.0f} s")
    return "\n".join(lines), good


def _healthy(results: Results, lines: list[str]) -> bool:
    good = True
    for level in CASES["noise"]["levels"]:
        runs = [o for o in results.of(HEALTHY) if o.level == level]
        bad = [o for o in runs if o.loud or o.why]
        ids = Counter(name for o in bad for name in (o.loud or [o.why[:70]]))
        said = ", ".join(f"{name} {count}" for name, count in ids.most_common())
        fine = len(bad) <= TARGETS["false_alarms"]
        good &= fine
        lines.append(
            f"{'ok' if fine else 'NO':<4}healthy, log-sd {level:<6}{len(bad)} of {len(runs)} with "
            f"a warning or worse  {said}"
        )
    for outcome in results.alarms[:20]:
        lines.append(
            f"      {outcome.key} {outcome.format} {outcome.steps} steps ({outcome.note}, "
            f"{outcome.door}): {outcome.why[:70] or ', '.join(outcome.loud)}"
        )
    return good


def _texts(found: Sequence[Texted], lines: list[str]) -> bool:
    good = True
    for right, title in ((True, "error texts, right id first"), (False, "near misses, silent")):
        own = [text for text in found if text.right == right]
        fine = sum(text.good for text in own)
        share = fine / len(own) if own else 0.0
        met = share >= TARGETS["texts"]
        good &= met
        lines.append(
            f"{'ok' if met else 'NO':<4}{title:<32}{share:>8.2%}{f'{fine}/{len(own)}':>12}"
        )
        wrong = [text for text in own if not text.good]
        places = Counter(text.key.split(":")[2] for text in wrong)
        if wrong:
            said = ", ".join(f"{name} {count}" for name, count in places.most_common())
            lines.append(f"      by surroundings: {said}")
            patterns = Counter(":".join(text.key.split(":")[:2]) for text in wrong)
            first = {":".join(text.key.split(":")[:2]): text.first for text in wrong}
            lines += [
                f"      {name} {count} (found {first[name][:60]})"
                for name, count in patterns.most_common(25)
            ]
    return good


def _speed(speed: Speed, lines: list[str]) -> bool:
    rows = (
        ("all detectors, a step", speed.detectors_us, "us", TARGETS["detectors_us"]),
        ("diagnose, 200,000 steps drawn once", speed.diagnose_s, "s", TARGETS["diagnose_s"]),
        ("diagnose, 200,000 steps drawn twice", speed.twice_s, "s", None),
    )
    good = True
    for title, value, unit, limit in rows:
        fine = limit is None or value <= limit
        good &= fine
        target = f"target <= {limit} {unit}" if limit is not None else "(no target)"
        lines.append(f"{'ok' if fine else 'NO':<4}{title:<38}{value:>7.2f} {unit:<3} {target}")
    return good


def shortfall(found: int, of: int, rate: float) -> float:
    """How likely `found` or fewer of `of` are if each is found with probability `rate`."""
    terms = (math.comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(found + 1))
    return min(1.0, sum(terms))


def main(arguments: Iterable[str]) -> int:
    """Print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks diagnosis")
    parser.add_argument("--fresh", action="store_true", help="draw seeds that no one has seen")
    parser.add_argument("--seed", default="", help="the seed that an earlier run has printed")
    parser.add_argument("--only", default="", help="one id, or healthy, or texts")
    parser.add_argument("--healthy", type=int, default=CASES["healthy"], help="runs a level")
    parser.add_argument("--faulty", type=int, default=CASES["faulty"], help="logs a pair")
    parser.add_argument("--write", default="", help="keep the cases that failed in this folder")
    asked = parser.parse_args(list(arguments))
    seed = asked.seed or (secrets.token_hex(4) if asked.fresh else str(CASES["seed"]))
    print(f"seed {seed}: repeat with --seed {seed}", flush=True)
    choices = ("", HEALTHY, "texts", *CASES["cases"])
    if asked.only not in choices:
        parser.error(f"--only must be one of {', '.join(choices[1:])}")
    target = str(Path(asked.write).resolve()) if asked.write else ""
    if target and Path(target).exists() and (Path(target).is_file() or any(os.scandir(target))):
        parser.error(f"--write: {target} is not empty; name a new folder")
    speed = None
    if not asked.only:
        with tempfile.TemporaryDirectory() as name:
            speed = measure(Path(name))
    results = run(
        seed,
        asked.faulty,
        asked.healthy,
        only=asked.only,
        cli=0 if asked.only else CASES["cli"],
        target=target,
    )
    results.speed = speed
    text, good = report(results)
    print(text, flush=True)
    return 0 if good else 1
