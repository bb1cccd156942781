"""Which part of a run a chart shows: kept as a wish, turned into steps when it is drawn."""

from __future__ import annotations

import re
from typing import NamedTuple

from loratui.core import units
from loratui.ui.widgets.axis import ROUND, down, up

LEAST = 4
"""Steps that zooming in stops at."""

EARLY = 30
"""Below so many steps a part of the run is the whole of it."""


class Window(NamedTuple):
    """From step `begin` to `end`; an `end` of None goes along with the newest step.

    `newest` is a number of steps that moves along, `part` the newest half, third … of the run.
    """

    begin: int = 0
    end: int | None = None
    newest: int = 0
    part: int = 0

    @property
    def follows(self) -> bool:
        """Whether it goes along with a run that goes on."""
        return self.end is None


WHOLE = Window()
ZOOMS = (WHOLE, Window(part=3), Window(newest=300))
"""What one key goes round."""


def limits(window: Window, last: int, total: int | None) -> tuple[int, int]:
    """First and last step on the axis when the newest step is `last`.

    The end of a window that follows is a round number ahead of the newest step, so that the axis
    moves seldom.
    """
    last = max(last, 1)
    if window.end is not None:
        return window.begin, max(window.end, window.begin + 1)
    width = _width(window, last)
    if width:
        gap = _gap(width)
        end = -(-last // gap) * gap
        if total is not None and last <= total:
            end = min(end, max(total, 2))
        return max(0, end - width - gap), end
    end = window.begin + round(up(max(last - window.begin, 10)))
    if total is not None and last <= total:
        end = min(end, max(total, 2))
    return min(window.begin, end - 1), end


def _width(window: Window, last: int) -> int:
    """The steps of a window that moves along; 0 where that is the whole run."""
    width = window.newest
    if window.part and last > EARLY:
        width = round(up(last / window.part))
    return width if width < last else 0


def _gap(width: int) -> int:
    return max(1, round(down(width / 5, ROUND)))


def _seen(window: Window, last: int, total: int | None) -> tuple[int, int]:
    """First and last step shown, without what the axis keeps free for steps to come."""
    start, end = limits(window, last, total)
    if not window.follows:
        return start, end
    width = _width(window, max(last, 1))
    return (last - width if width else start), last


def zoomed(
    window: Window, last: int, total: int | None, *, nearer: bool, around: int | None = None
) -> Window | None:
    """Half or twice as many steps, or None where that is not possible.

    What goes along with the newest step does so still, unless the step `around` would be lost;
    else that step stays where it stands, or the middle does.
    """
    start, end = _seen(window, last, total)
    width = end - start
    whole = start <= 0 and end >= last
    if (width <= LEAST) if nearer else whole:
        return None
    new = max(LEAST, round(up(width / 2 if nearer else width * 2)))
    if around is not None and not start <= around <= end:
        around = None
    if window.follows and (around is None or around >= last - new):
        return _at(last - new, new, last)
    if around is None:
        around = (start + end) // 2
    begin = around - round((around - start) / width * new)
    return _at(begin, new, last)


def moved(window: Window, last: int, total: int | None, by: int) -> Window | None:
    """Half a window to earlier (-1) or later (1) steps, or None where there are none."""
    start, end = _seen(window, last, total)
    if (start <= 0) if by < 0 else (end >= last):
        return None
    width = end - start
    return _at(start + by * max(1, width // 2), width, last)


def _at(begin: int, width: int, last: int) -> Window:
    """A window that follows if it reaches the newest step, and stays where it is if not."""
    begin = max(begin, 0)
    if begin + width < last:
        return Window(begin, begin + width)
    return WHOLE if width >= last else Window(newest=width)


# -- steps that somebody types -----------------------------------------------------------------

_NUMBER = r"\d[\d\s_,']*(?:\.\d+)?\s*[k%]?"
_FORM = rf"(?P<first>{_NUMBER})?\s*(?:-|–|—|\.\.|to)\s*(?P<second>{_NUMBER})?"  # compiled when used


class NotSteps(ValueError):  # noqa: N818 - it names what the text is
    """What was typed is no range of steps; the message says why and what would be."""


def parse(text: str, last: int, total: int | None, unit: str = "step") -> Window:
    """``1200-1800``, ``1200-`` (to the newest), ``-500`` (the newest 500); empty is the whole run.

    A number may end in ``k`` for thousands or ``%`` of the steps so far; those of a thousand may
    be grouped. Raises `NotSteps`.
    """
    text = text.strip()
    if not text or text in ("-", "–") or text.lower() in ("all", "whole"):
        return WHOLE
    found = re.fullmatch(_FORM, text, re.IGNORECASE)
    if found is None:
        raise NotSteps(_why_not(text, unit))
    first, second = found["first"], found["second"]
    if first is None and second is None:
        return WHOLE
    if first is None:
        newest = _steps(second, last, unit)
        if newest < 1:
            raise NotSteps(f"-{second.strip()} shows nothing; -500 shows the newest 500 {unit}s")
        return Window(newest=max(newest, 2))
    begin = _steps(first, last, unit)
    end = None if second is None else _steps(second, last, unit)
    if end is not None and end < begin:
        begin, end = end, begin
    if begin >= last:
        raise NotSteps(f"nothing to show yet: the newest {unit} is {units.whole(last)}")
    if end == begin:
        at = units.whole(begin)
        raise NotSteps(f"from {at} to {at} is one {unit}; a curve needs at least two")
    if end is not None and end >= (last if total is None else max(total, last)):
        end = None
    return Window(begin, end)


def _steps(number: str, last: int, unit: str) -> int:
    bare = re.sub(r"[\s_,']", "", number).lower()
    try:
        value = float(bare.rstrip("k%"))
    except ValueError:  # the pattern lets nothing else through
        raise NotSteps(f"“{number}” is no number") from None
    if bare.endswith("%"):
        if value > 100:
            raise NotSteps(f"{number.strip()} is more than all: 100% is the newest {unit}")
        return round(last * value / 100)
    if bare.endswith("k"):
        value *= 1000
    if value > 10**12:
        raise NotSteps(f"no run has {number.strip()} {unit}s")
    if value != int(value):
        raise NotSteps(f"{number.strip()} is between two {unit}s: write whole numbers")
    return int(value)


def _why_not(text: str, unit: str) -> str:
    if re.fullmatch(_NUMBER, text, re.IGNORECASE):
        return f"{text} is one {unit}: write {text}- to begin there, -{text} for the newest {text}"
    shown = text if len(text) <= 20 else f"{text[:19]}…"
    return f"“{shown}” is no range of {unit}s: write FROM-TO, FROM-, or -NUMBER for the newest"


def examples(last: int) -> tuple[str, str, str]:
    """A range, an open one and the newest steps, of a size that suits a run of `last` steps."""
    begin = max(1, round(down(max(last, 1) / 3, ROUND)))
    newest = max(2, round(down(max(last, 1) / 6, ROUND)))
    return f"{begin}-{2 * begin}", f"{begin}-", f"-{newest}"


def written(window: Window, last: int, total: int | None) -> str:
    """A window as it would be typed."""
    if window == WHOLE:
        return ""
    start, end = _seen(window, last, total)
    if window.end is not None:
        return f"{start}-{end}"
    return f"{start}-" if window.begin else f"-{end - start}"
