"""Steps of an epoch, by each trainer's own rule, and how they come about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor

from loratui.configs.base import Setting
from loratui.configs.coerce import parsed, whole
from loratui.configs.layouts.common import flat
from loratui.configs.settings import Sources, listed
from loratui.core.dataset import Subset

Count = int | Mapping[object, int]
"""Images of a subset, or of each of its buckets."""

Counted = Sequence[tuple[Subset, Count]]
Steps = tuple[int | None, str]

_ACCUMULATION = (
    "gradient_accumulation_steps",
    "train.gradient_accumulation",
    "train.gradient_accumulation_steps",
)


def steps_per_epoch(trainer: str, subsets: Counted, settings: Sources, processes: int = 1) -> Steps:
    """(steps, a sentence with the numbers); None where they cannot be told.

    A count is the number of images, or of images by bucket where the buckets are known; without
    them the steps are a bound wherever buckets are in use, and the sentence says so.
    """
    rule = _RULES.get(trainer)
    if rule is None:
        return None, f"No rule for the steps of an epoch is known for {trainer or 'this trainer'}."
    if not any(_total(count) for _subset, count in subsets):
        return None, "There are no images to count."
    return rule(subsets, flat(listed(settings)), max(1, processes))


def _total(count: Count) -> int:
    return count if isinstance(count, int) else sum(count.values())


def _accumulation(flags: Mapping[str, Setting]) -> int:
    given = [whole(flags[key].value) or 1 for key in _ACCUMULATION if key in flags]
    return max([1, *given])


def _groups(subsets: Counted) -> list[list[tuple[Subset, Count]]]:
    found: dict[int, list[tuple[Subset, Count]]] = {}
    for subset, count in subsets:
        if _total(count):
            found.setdefault(subset.group, []).append((subset, count))
    return list(found.values())


def _size(subsets: Counted) -> int:
    """The batch size of subsets that share their batches."""
    return max(1, next((subset.batch_size for subset, _c in subsets if subset.batch_size), 1) or 1)


def _product(subset: Subset, images: int) -> str:
    return f"{images} × {subset.repeats:g}" if subset.repeats != 1 else f"{images}"


def _images(number: int) -> str:
    return f"{number} image" if number == 1 else f"{number} images"


def _batches(number: int) -> str:
    return f"{number} batch" if number == 1 else f"{number} batches"


def _share(batches: int, processes: int, accumulation: int) -> tuple[int, str]:
    """Steps of so many batches, with the words for what divides them."""
    steps = ceil(ceil(batches / processes) / accumulation)
    by = [f"{processes} processes"] if processes > 1 else []
    by += [f"{accumulation} batches for a step"] if accumulation > 1 else []
    return steps, f", divided by {' and '.join(by)}" if by else ""


def _bucketed(
    rows: Sequence[tuple[Subset, Count]], repeats: Callable[[Subset], float], batch: int
) -> int | None:
    """The batches of buckets that subsets share, each rounded up; None where one is unknown."""
    buckets: dict[object, float] = {}
    for subset, count in rows:
        if isinstance(count, int):
            return None
        for bucket, images in count.items():
            buckets[bucket] = buckets.get(bucket, 0) + images * repeats(subset)
    return sum(ceil(images / batch) for images in buckets.values())


def _kohya(subsets: Counted, flags: Mapping[str, Setting], processes: int) -> Steps:
    batches, exact, said = 0, True, []
    for rows in _groups(subsets):
        train = [row for row in rows if not row[0].is_reg]
        reg = [row for row in rows if row[0].is_reg]
        batch = _size(rows)
        images = sum(round(_total(count) * subset.repeats) for subset, count in train)
        terms = " + ".join(_product(subset, _total(count)) for subset, count in train)
        text = f"{terms} = {_images(images)}" if "×" in terms or "+" in terms else _images(images)
        whole_epoch = images
        if reg and images:
            whole_epoch += _regular(reg, images)
            text += f", with regularization {_images(whole_epoch)}"
        known = None if reg else _bucketed(train, lambda subset: subset.repeats, batch)
        if known is None and any(subset.buckets for subset, _count in rows):
            exact = False
        batches += known if known is not None else ceil(whole_epoch / batch)
        said.append(f"{text} in batches of {batch}")
    steps, divided = _share(batches, processes, _accumulation(flags))
    most = "" if exact else "at least "
    tail = "" if exact else "; each bucket may end in a batch that is not full"
    text = f"{'; '.join(said)} are {most}{_batches(batches)}{divided}: {most}{steps} steps{tail}."
    return steps, text


def _regular(reg: Sequence[tuple[Subset, Count]], train: int) -> int:
    """Regularization images that are used: repeated, or cut, to the number of training images."""
    used = 0
    for subset, count in reg:
        for_one = max(1, round(subset.repeats))
        images = min(_total(count), ceil((train - used) / for_one)) if used < train else 0
        used += images * for_one
    return max(used, train)


def _diffusers(subsets: Counted, flags: Mapping[str, Setting], processes: int) -> Steps:
    train = [(s, _total(c)) for s, c in subsets if not s.is_reg]
    images = sum(round(count * subset.repeats) for subset, count in train)
    text = " + ".join(_product(subset, count) for subset, count in train)
    limit = whole(flags["max_train_samples"].value) if "max_train_samples" in flags else None
    if limit and limit < images:
        images, text = limit, f"{limit} of {text}"
    classes = max(
        (subset.samples or _total(c) for subset, c in subsets if subset.is_reg), default=0
    )
    if classes > images:
        images, text = classes, f"{classes} class images, more than the {text} of your own,"
    batch = _size(subsets)
    batches = ceil(images / batch)
    steps, divided = _share(batches, processes, _accumulation(flags))
    shown = text if "class" in text else f"{text} images" if images != 1 else "1 image"
    return steps, f"{shown} in batches of {batch} are {_batches(batches)}{divided}: {steps} steps."


def _onetrainer(subsets: Counted, flags: Mapping[str, Setting], processes: int) -> Steps:
    batch = _size(subsets)
    drawn, terms = 0, []
    for subset, count in subsets:
        images = _total(count)
        if subset.samples is not None:
            drawn += subset.samples if images else 0
            terms.append(f"{subset.samples} of {images}")
        else:
            drawn += floor(images * subset.repeats)
            terms.append(_product(subset, images))
    whole_batch = batch * processes
    known = _floored(subsets, whole_batch)
    steps = known if known is not None else drawn // whole_batch
    loose = known is None and any(subset.buckets for subset, _count in subsets)
    most = "at most " if loose else ""
    of = f"{batch} on {processes} GPUs" if processes > 1 else f"{batch}"
    sum_of = " + ".join(terms)
    shown = _images(drawn) if sum_of == str(drawn) else f"{sum_of}: {_images(drawn)}"
    text = f"{shown} in batches of {of} are {most}{steps} steps"
    rest = "; what does not fill a batch is left out"
    rest += " of each bucket" if loose else ""
    accumulation = _accumulation(flags)
    if accumulation > 1:
        rest += f"; a step is a batch, and {accumulation} of them make one update"
    return steps, f"{text}{rest}."


def _floored(subsets: Counted, batch: int) -> int | None:
    """Full batches of buckets; None where a bucket or what is drawn of it is unknown."""
    buckets: dict[object, int] = {}
    for subset, count in subsets:
        if isinstance(count, int) or subset.samples is not None or subset.repeats % 1:
            return None
        for bucket, images in count.items():
            buckets[bucket] = buckets.get(bucket, 0) + floor(images * subset.repeats)
    return sum(images // batch for images in buckets.values())


def _simpletuner(subsets: Counted, flags: Mapping[str, Setting], processes: int) -> Steps:
    batches, exact, terms = 0, True, []
    for subset, count in subsets:
        batch = max(1, subset.batch_size or 1) * processes
        known = _bucketed([(subset, count)], lambda subset: subset.repeats, batch)
        if known is None:
            exact = exact and not subset.buckets
            known = ceil(_total(count) * subset.repeats / batch)
        batches += known
        terms.append(f"{_product(subset, _total(count))} images in batches of {batch}")
    accumulation = _accumulation(flags)
    steps = ceil(batches / accumulation)
    divided = f", {accumulation} for a step" if accumulation > 1 else ""
    most = "" if exact else "at least "
    text = f"{' and '.join(terms)} are {most}{_batches(batches)}{divided}: {most}{steps} steps"
    return steps, f"{text}{'' if exact else '; each bucket may add one'}."


def _diffusion_pipe(subsets: Counted, flags: Mapping[str, Setting], processes: int) -> Steps:
    accumulation = _accumulation(flags)
    sizes: dict[object, dict[object, int]] = {}
    batch_of: dict[object, int] = {}
    exact = True
    for subset, count in subsets:
        batch_of[subset.resolution] = max(1, subset.batch_size or 1)
        if isinstance(count, int):
            exact = exact and not subset.buckets
            count = {None: count}
        buckets = sizes.setdefault(subset.resolution, {})
        for bucket, images in count.items():
            buckets[bucket] = buckets.get(bucket, 0) + int(images * subset.repeats)
    steps, terms = 0, []
    for size, buckets in sizes.items():
        together = batch_of[size] * accumulation * processes
        steps += sum(images // together for images in buckets.values())
        terms.append(f"{_images(sum(buckets.values()))} by {together}")
    ratio = parsed(str(flags["subsample_ratio"].value)) if "subsample_ratio" in flags else None
    if ratio and 0 < ratio < 1:
        steps = int(steps * ratio)
    most = "" if exact else "at most "
    text = f"{', '.join(terms)} (batch size, accumulation and GPUs together)"
    rest = "what does not fill a step is left out" + ("" if exact else " of each size bucket")
    return steps, f"{text}: {most}{steps} steps; {rest}."


def _ai_toolkit(subsets: Counted, _flags: Mapping[str, Setting], _processes: int) -> Steps:
    batches, terms = 0, []
    for subset, count in subsets:
        batch = max(1, subset.batch_size or 1)
        batches += ceil(_total(count) * subset.repeats / batch)
        side = f" at {subset.resolution[0]}" if subset.resolution else ""
        terms.append(f"{_product(subset, _total(count))} images{side}")
    text = f"one pass over {' and '.join(terms)} is at least {_batches(batches)}"
    return None, f"ai-toolkit counts steps, not epochs; {text}."


_RULES: dict[str, Callable[[Counted, Mapping[str, Setting], int], Steps]] = {
    "kohya": _kohya,
    "musubi-tuner": _kohya,
    "diffusers": _diffusers,
    "onetrainer": _onetrainer,
    "simpletuner": _simpletuner,
    "diffusion-pipe": _diffusion_pipe,
    "ai-toolkit": _ai_toolkit,
}
