"""What a chart draws."""

from __future__ import annotations

from typing import Any, NamedTuple

from loratui.core import units
from loratui.core.series import SeriesView
from loratui.ui.widgets.window import WHOLE, Window


class Curve(NamedTuple):
    """One series with its name.

    `smoothed` says that the line is the series itself, not a mean of dots: it is smoothed already,
    or a setting. `rate` says that it is a learning rate, which is written as one.
    """

    view: SeriesView | None = None
    label: str = "loss"
    smoothed: bool = False
    rate: bool = False

    def words(self, value: float, digits: int = 3) -> str:
        """A value of the curve as text."""
        if value != value:
            return "no number"
        return units.rate(value) if self.rate else units.number(value, digits)

    def same(self, other: Curve | None) -> bool:
        """Whether it draws alike: the series by its revision, for its arrays are long."""
        return other is not None and self._key() == other._key()

    def _key(self) -> tuple[Any, ...]:
        view = self.view
        known = None if view is None else (view.name, view.revision, view.count)
        return known, self.label, self.smoothed, self.rate


class ChartData(NamedTuple):
    """One or two curves, where findings begin, where epochs begin, and how it is looked at.

    `unit` is what the horizontal axis counts, ``step`` or ``epoch``; `total` how many there will
    be. `mark` is the step that is read.
    """

    first: Curve = Curve()
    second: Curve | None = None
    unit: str = "step"
    total: int | None = None
    epochs: tuple[int, ...] = ()
    findings: tuple[tuple[int, str], ...] = ()
    window: Window = WHOLE
    mark: int | None = None
    log: bool = True
    ascii_only: bool = False
    caption: str = ""
    focused: bool = False

    @property
    def last(self) -> int | None:
        """The newest step of what is drawn; None where there is nothing to draw."""
        steps = [_last(curve.view) for curve in (self.first, self.second) if curve is not None]
        return None if steps[0] is None else max(step for step in steps if step is not None)


def _last(view: SeriesView | None) -> int | None:
    if view is None or not view.count:
        return None
    if view.last_step is not None:
        return view.last_step
    return view.starts[-1] + view.span - 1 if view.starts else None
