"""Rules of thumb: what documents say, which of it applies to the run, and the run's own value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from loratui.core.units import number, rate, whole
from loratui.kb.pages.blocks import Block, labelled, value_text
from loratui.kb.pages.case import Case

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Card, FigureInfo, Position

MACHINE = frozenset(("gpu-memory", "host-memory", "disk-free"))
"""Quantities of the box and not of the run."""

_GIB = 2**30
_SLACK = 1.02
"""A value this far outside a range still counts as inside: a 24 GB card reports 23.99."""


def figure_page(base: KnowledgeBase, id: str, case: Case) -> list[Block]:
    """A figure with every position, the user's own value, and which position applies."""
    figure = base.figures[id]
    blocks = [Block("title", figure.title)]
    blocks.append(Block("meaning", figure.advice))
    blocks += labelled("Yours", _yours_blocks(base, figure, case))
    applying, others = _sorted(base, id, case)
    blocks += labelled("For you", [_position(base, p, case) for p in applying])
    blocks += labelled("Said", [_position(base, p, case) for p in others])
    return blocks


def figure_blocks(base: KnowledgeBase, figures: Iterable[str], case: Case) -> list[Block]:
    """Figures in short, for another page: your value, what applies to you, how many say more."""
    blocks: list[Block] = []
    for id in figures:
        figure = base.figures.get(id)
        if figure is None:
            continue
        applying, others = _sorted(base, id, case)
        target = f"page:{id}"
        own = own_value(figure, case)
        aside = "" if own is None else f"yours {own_text(base, figure, case)}"
        said = [p for p in applying if p.low is not None or p.high is not None] or applying
        text = figure.title
        if said:
            text += f": {said[0].says}"
            verdict = _verdict(said[0], own, case) if own is not None else ""
            aside += f", {verdict}" if verdict else ""
        elif not aside:
            count = len(applying) + len(others)
            aside = f"{count} answers" if count != 1 else "1 answer"
        blocks.append(Block("link", text, mark="→", aside=aside, target=target))
    return blocks


def _sorted(base: KnowledgeBase, id: str, case: Case) -> tuple[list[Position], list[Position]]:
    """The positions that apply to the run, the most particular first, and all others."""
    applying: list[tuple[int, Position]] = []
    others: list[Position] = []
    for position in base.positions(id):
        fit = fitness(base, position, case)
        if fit is not None and fit > 0:
            applying.append((fit, position))
        else:
            others.append(position)
    applying.sort(key=lambda pair: -pair[0])
    return [position for _, position in applying], others


def fitness(base: KnowledgeBase, position: Position, case: Case) -> int | None:
    """How many conditions it names that the run is known to meet; None when it fails one.

    It is 0 for what holds for everybody, and where one of its conditions cannot be judged.
    """
    met = list(_conditions(base, position, case))
    if False in met:
        return None
    return 0 if None in met else len(met) + 2 * (position.recipe is not None)


def _conditions(base: KnowledgeBase, position: Position, case: Case) -> Iterator[bool | None]:
    """Whether the run meets each condition of a position; None where that is not known."""
    facts = case.facts
    if position.recipe is not None:
        yield facts.recipe == position.recipe
        return
    if position.families:
        yield None if facts.family is None else facts.family in position.families
    if position.subjects:
        yield None
    if position.images is not None:
        least, most = position.images
        images = facts.images
        yield None if images is None else images >= least and (most is None or images <= most)
    if position.card is not None:
        cards = [card_of(base, gpu.name) for gpu in case.machine.gpus if gpu.name]
        yield base.gpus.get(position.card) in cards if cards else None
    if position.optimizer is not None:
        from loratui.kb.resolve import adaptive

        known = facts.config.get("optimizer") is not None
        yield adaptive(facts) == (position.optimizer == "adaptive") if known else None


def _position(base: KnowledgeBase, position: Position, case: Case) -> Block:
    """One position with its context and its source."""
    parts = [position.says]
    scope = scope_text(base, position)
    if scope:
        parts.append(f"({scope})")
    if position.context:
        parts.append(f"– {position.context}")
    computed = _computed(position, case)
    if computed:
        parts.append(f"= {computed}")
    return Block("text", " ".join(parts), mark="·", aside=base.cite(position.source, short=True))


def scope_text(base: KnowledgeBase, position: Position) -> str:
    """For which runs a position holds."""
    if position.recipe is not None:
        return f"recipe: {base.title(position.recipe)}"
    names = {p.family: p.title for p in base.profiles.values() if p.kind == "family"}
    parts = [", ".join(names.get(family, family) for family in position.families)]
    parts.append(", ".join(position.subjects))
    if position.images is not None:
        least, most = position.images
        parts.append(f"{least} to {most} images" if most else f"{least} images or more")
    if position.optimizer is not None:
        parts.append("optimizers that find the rate themselves" if position.optimizer == "adaptive"
                     else "ordinary optimizers")  # fmt: skip
    return "; ".join(part for part in parts if part)


# -- the user's own value ------------------------------------------------------------------------


def _yours_blocks(base: KnowledgeBase, figure: FigureInfo, case: Case) -> list[Block]:
    own = own_value(figure, case)
    if own is None:
        return []
    blocks = [Block("seen", own_text(base, figure, case), mark="●")]
    if figure.yours in ("total-steps", "views-per-image", "steps-per-image"):
        text = arithmetic(case)
        blocks += [Block("text", text, mark="·")] if text else []
    applying, _ = _sorted(base, figure.id, case)
    for position in applying:
        if verdict := _verdict(position, own, case):
            text = f"{verdict}: {position.says}"
            blocks.append(Block("text", text, mark="·"))
    return blocks


def own_value(figure: FigureInfo, case: Case) -> float | None:
    """The user's value of a figure as a number, where it is known."""
    facts, name = case.facts, figure.yours
    if not name:
        return None
    images, steps = facts.images, facts.total_steps
    if name == "images":
        return images
    if name == "total-steps":
        return steps
    if name == "steps-per-image":
        return steps / images if steps and images else None
    if name == "views-per-image":
        return steps * _batch(case) / images if steps and images else None
    if name == "gpu-memory":
        memory = [gpu.memory_total for gpu in case.machine.gpus if gpu.memory_total]
        return max(memory) / _GIB if memory else None
    if name == "step-seconds":
        return 1 / case.rate if case.rate else None
    if name == "host-memory":
        total = case.host.memory_total if case.host is not None else None
        return total / _GIB if total else None
    if name == "disk-free":
        free = case.host.disk_free if case.host is not None else None
        return free / _GIB if free is not None else None
    if name == "epochs" and facts.epochs:
        return facts.epochs
    return facts.config.number(name)


def own_text(base: KnowledgeBase, figure: FigureInfo, case: Case) -> str:
    """The user's value with its unit, and under which key or on which card it was found."""
    own = own_value(figure, case)
    if own is None:
        return ""
    name, unit = figure.yours, f" {figure.unit}" if figure.unit else ""
    if name == "gpu-memory":
        names = [gpu.name for gpu in case.machine.gpus if gpu.name]
        return f"{own:.0f}{unit}" + (f" ({names[0]})" if names else "")
    option = base.options.get(name)
    if option is not None:
        found = case.facts.config.values.get(name)
        key = (found.key if found is not None else "") or base.key(name, case.facts.trainer) or name
        shown = rate(own) if option.kind == "number" else number_text(own)
        return f"{shown}{unit} ({key})"
    return f"{number_text(own)}{unit}"


def number_text(value: float) -> str:
    """A count as ``3 400``, anything else with three digits."""
    return whole(int(value)) if value == int(value) and abs(value) < 1e12 else number(value)


def _batch(case: Case) -> float:
    """Images that one step sees: batch size times accumulation."""
    config = case.facts.config
    return (config.number("batch_size") or 1) * (config.number("gradient_accumulation") or 1)


def arithmetic(case: Case) -> str:
    """How the user's steps come about, as far as it is known."""
    facts = case.facts
    if not facts.total_steps or not facts.images:
        return ""
    batch = _batch(case)
    views = facts.total_steps * batch / facts.images
    shown = whole(facts.total_steps)
    each = f" × {number_text(batch)} images a step" if batch != 1 else ""
    return (
        f"{shown} steps{each} ÷ {whole(facts.images)} images: "
        f"each image is seen {number_text(round(views))} times"
    )


def _computed(position: Position, case: Case) -> str:
    """What a rule for each image comes to for the user's own data set."""
    images = case.facts.images
    if not position.per_image or not images or position.low is None:
        return ""
    high = position.high if position.high is not None else position.low
    values = dict.fromkeys(whole(round(value * images)) for value in (position.low, high))
    text = f"{' to '.join(values)} images seen for your {whole(images)}"
    batch = _batch(case)
    if batch != 1:
        fewer = dict.fromkeys(whole(round(v * images / batch)) for v in (position.low, high))
        text += f", {' to '.join(fewer)} steps of {number_text(batch)} images each"
    return text


def _verdict(position: Position, own: float, case: Case) -> str:
    """Whether the user's value lies inside a recommended range."""
    low, high = position.low, position.high
    if low is None and high is None:
        return ""
    if position.per_image:
        if not case.facts.images:
            return ""
        scale = case.facts.images / _batch(case)
        low, high = (None if v is None else v * scale for v in (low, high))
    if low is not None and own * _SLACK < low:
        return "below"
    if high is not None and own > high * _SLACK:
        return "above"
    return "inside"


# -- cards ---------------------------------------------------------------------------------------


def card_of(base: KnowledgeBase, name: str | None) -> Card | None:
    """The card of a name that a driver reports; the most particular one."""
    if not name:
        return None
    low = name.lower()
    best: tuple[int, Card] | None = None
    for card in base.gpus.values():
        for part in card.match:
            if part.lower() in low and (best is None or len(part) > best[0]):
                best = (len(part), card)
    return best[1] if best is not None else None


def card_page(base: KnowledgeBase, id: str) -> list[Block]:
    """A GPU: memory, what it can compute in, and known step times."""
    card = base.gpus[id]
    memory = " or ".join(f"{value:g}" for value in card.memory_gb)
    blocks = [Block("title", card.title), Block("text", f"{memory} GB", "Memory")]
    if card.capability:
        blocks.append(Block("text", f"CUDA compute capability {card.capability}", "Computes"))
    for name, has in (("bf16", card.bf16), ("fp8", card.fp8)):
        if has is not None:
            blocks.append(Block("text", f"{name}: {'yes' if has else 'no'}", mark="·"))
    times = [
        Block("text", f"{time.low:g} to {time.high:g} s a step: {time.setting}", mark="·",
              aside=base.cite(time.source))
        for time in card.step_time
    ]  # fmt: skip
    blocks += labelled("Steps", times)
    if card.note:
        blocks.append(Block("text", card.note, "Mind"))
    return [*blocks, Block("source", base.cite(card.source), "Source")]


def settings_table(
    base: KnowledgeBase, settings: Mapping[str, object], case: Case
) -> tuple[tuple[str, ...], ...]:
    """Settings with the key of the user's trainer and the user's own value."""
    own = case.facts.config.values
    yours = any(name in own for name in settings)
    rows = [("setting", "value", "key", *(("yours",) if yours else ()))]
    for name, value in settings.items():
        option = base.options.get(name)
        key = base.key(name, case.facts.trainer) if case.facts.trainer != "unknown" else name
        cells = [option.title if option is not None else name, value_text(value), key or "–"]
        if yours:
            found = own.get(name)
            cells.append(value_text(found.value) if found is not None else "–")
        rows.append(tuple(cells))
    return tuple(rows)
