"""tqdm's progress bar as it is written into a file.

Template, rounding and padding follow tqdm's format_meter: source tqdm/std.py (4.70.1).
"""

from __future__ import annotations

from functools import cache

_CELLS = " ▏▎▍▌▋▊▉█"
_ASCII = " 123456789#"


@cache
def clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


@cache
def _glyphs(parts: int, cells: int, plain: bool) -> str:
    symbols = _ASCII if plain else _CELLS
    full, part = divmod(parts, len(symbols) - 1)
    text = symbols[-1] * full
    return text + symbols[part] + " " * (cells - full - 1) if full < cells else text


class Bar:
    """One bar; `smoothing` 0 is the overall rate, else tqdm's mean of the newest."""

    def __init__(
        self,
        desc: str,
        total: int,
        *,
        cells: int = 10,
        plain: bool = False,
        smoothing: float = 0.3,
        initial: int = 0,
    ) -> None:
        self.head = f"\r{desc}: " if desc else "\r"
        self.total, self.cells, self.plain = total, cells, plain
        self.initial = self._n = initial
        self._parts = cells * (10 if plain else 8)
        self._smoothing = smoothing
        self._pace: float | None = None  # seconds a step
        self._time = 0.0
        self._width = 0

    def step(self, n: int, time: float) -> None:
        """Note that step `n` was reached `time` seconds after the bar's begin."""
        done = n - self._n
        if done > 0:
            pace = (time - self._time) / done
            if self._smoothing == 0:
                self._pace = time / (n - self.initial)
            elif self._pace is None:
                self._pace = pace
            else:
                self._pace += self._smoothing * (pace - self._pace)
            self._n, self._time = n, time

    def draw(self, n: int, time: float, postfix: str = "") -> str:
        total, pace = self.total, self._pace
        if pace:
            left = clock(int((total - n) * pace) if n < total else 0)
            rate = f"{pace:5.2f}s/it" if pace > 1 else f"{1 / pace:5.2f}it/s"
            timing = f"{left}, {rate}"
        else:
            timing = "?, ?it/s"
        glyphs = _glyphs(min(n, total) * self._parts // total, self.cells, self.plain)
        more = f", {postfix}]" if postfix else "]"
        share = 100 * n / total
        text = f"{share:3.0f}%|{glyphs}| {n}/{total} [{clock(int(time))}<{timing}{more}"
        width = len(text)
        pad = self._width - width
        self._width = width
        return f"{self.head}{text}{' ' * pad}" if pad > 0 else self.head + text


def number(value: float) -> str:
    """A number as set_postfix formats it: three digits, or its own text if that is shorter."""
    short = f"{value:.3g}".replace("e+0", "e+").replace("e-0", "e-")
    whole = str(value)
    return short if len(short) < len(whole) else whole


def whole_bar(
    desc: str, total: int, seconds: float, *, up: int = 0, every: int = 1, cells: int = 10
) -> str:
    """All draws of a bar that is not the training bar; `up` lines below another one."""
    bar = Bar(desc, total, cells=cells)
    lead, back = "\n" * up, "\x1b[A" * up
    text = [lead + bar.draw(0, 0.0) + back]
    for n in range(every, total + 1, every):
        time = seconds * n / total
        bar.step(n, time)
        text.append(lead + bar.draw(n, time) + back)
    bar.step(total, seconds)
    text.append(bar.draw(total, seconds) + "\n")
    return "".join(text)
