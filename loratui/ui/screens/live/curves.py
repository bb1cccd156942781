"""The series of a run as curves: what they are called, what may share a chart, in which order."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from rich.cells import cell_len

from loratui.core.facts import LossKind
from loratui.core.plain import printable
from loratui.core.series import SeriesView
from loratui.ui.widgets.chart_data import Curve


class Kind(NamedTuple):
    """What a series is called and how it is drawn.

    Curves of one `group` have comparable values; `unit` is what its x counts, ``step`` or
    ``epoch``. `raw` values scatter: they are drawn as dots and a smoothed line. `log` says which
    axis it begins with.
    """

    label: str
    group: str
    unit: str = "step"
    raw: bool = False
    log: bool = True


KINDS: Mapping[str, Kind] = {
    "loss": Kind("loss", "loss", raw=True),
    "mean_loss": Kind("mean loss", "loss"),
    "smooth_loss": Kind("smooth loss", "loss"),
    "epoch_loss": Kind("mean loss of each epoch", "loss", unit="epoch"),
    "val_loss": Kind("validation loss", "loss"),
    "val_epoch_loss": Kind("validation loss of each epoch", "loss", unit="epoch"),
    "lr": Kind("learning rate", "rate", log=False),
    "lr_text_encoder": Kind("learning rate, text encoder", "rate", log=False),
    "effective_lr": Kind("learning rate, as the optimizer found it", "rate", log=False),
    "prodigy_d": Kind("Prodigy's d", "prodigy_d"),
    "grad_norm": Kind("gradient norm", "grad_norm", raw=True),
    "step_time": Kind("seconds of a step", "step_time", raw=True, log=False),
    "key_norm": Kind("norm of the LoRA's weights", "key_norm"),
}
"""The series that are known by name, in the order in which they are offered."""

CAPTIONS: Mapping[LossKind, str] = {
    "raw": "each step",
    "running-mean": "mean over the last epoch",
    "smoothed": "smoothed by the trainer",
}
"""What a printed loss is."""

_LONGEST = 44  # cells of a name that nobody here has chosen


class Choice(NamedTuple):
    """The series that are drawn."""

    first: str = "loss"
    second: str | None = None


def kind_of(name: str) -> Kind:
    """What is known of a series; ``val_loss t0.25`` is like ``val_loss``, others are guessed."""
    known = KINDS.get(name)
    if known is not None:
        return known
    base, _, rest = name.partition(" ")
    if base in KINDS and rest:
        return KINDS[base]._replace(label=_plain(f"{KINDS[base].label}, {rest}"))
    words = name.lower().replace("/", "_").split("_")
    unit = "epoch" if words[0] == "epoch" and len(words) > 1 else "step"
    label = _plain(name.replace("_", " "))
    if "loss" in words:
        return Kind(label, "loss", unit)
    if "lr" in words:
        return Kind(label, "rate", unit, log=False)
    return Kind(label, name, unit, log=False)


def _plain(text: str) -> str:
    """A name from outside: short, and one cell a character, as the chart needs it."""
    shown = "".join(char if cell_len(char) == 1 else "?" for char in printable(text))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def ordered(names: Collection[str]) -> list[str]:
    """The series of a run in the order in which they are offered; those unknown come last."""
    places = {name: at for at, name in enumerate(KINDS)}

    def place(name: str) -> tuple[int, list[str]]:
        at = places.get(name, places.get(name.partition(" ")[0], len(places)))
        parts = enumerate(re.split(r"([0-9]+)", name))
        return at, [part.zfill(9) if turn % 2 else part for turn, part in parts]  # t900, t1000

    return sorted(names, key=place)


def together(first: str, second: str) -> bool:
    """Whether two series may share a chart: other than each other, on the same two axes."""
    one, other = kind_of(first), kind_of(second)
    return first != second and (one.group, one.unit) == (other.group, other.unit)


def companion(first: str, names: Collection[str]) -> Choice:
    """A series with the one that belongs beside it: the loss with the validation loss."""
    return Choice(first, "val_loss" if first == "loss" and "val_loss" in names else None)


def chosen(wanted: Choice | None, names: Collection[str]) -> Choice:
    """What is drawn of what is `wanted`, as far as the run has it."""
    if wanted is not None and wanted.first in names:
        return wanted if wanted.second in names else Choice(wanted.first)
    if "loss" in names or not names:
        return companion("loss", names)
    return companion(ordered(names)[0], names)


def curve_of(name: str, view: SeriesView | None, loss_kind: LossKind) -> Curve:
    """A series to draw. A printed loss that is a mean already has no dots."""
    kind = kind_of(name)
    raw = kind.raw and not (name == "loss" and loss_kind in ("running-mean", "smoothed"))
    return Curve(view, kind.label, not raw, kind.group == "rate")
