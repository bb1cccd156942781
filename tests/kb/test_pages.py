"""Pages of every kind, and the user's own numbers on them."""

from __future__ import annotations

import pytest

from loratui.core.facts import (
    ConfigValue,
    GpuReading,
    HostReading,
    Machine,
    RunFacts,
    TrainingConfig,
)
from loratui.kb import load
from loratui.kb.base import PAGES
from loratui.kb.pages.blocks import Block
from loratui.kb.pages.case import Case
from loratui.kb.pages.figure import card_of, fitness, own_text, own_value
from loratui.kb.pages.page import page_of
from loratui.kb.schema import Position
from loratui.kb.text import explain, render_blocks
from tests.small_knowledge import small

KB = load()
GB = 2**30


def case(family: str | None = "sdxl", images: int | None = 20, steps: int | None = 2000, **values):
    config = TrainingConfig(
        {name: ConfigValue(name, value, f"--{name}") for name, value in values.items()}
    )
    facts = RunFacts(
        trainer="kohya", family=family, images=images, total_steps=steps, config=config
    )
    gpu = GpuReading(0, "NVIDIA GeForce RTX 4090", memory_total=24 * GB - 10**7)
    host = HostReading(memory_total=32 * GB, disk_free=40 * GB)
    return Case(facts=facts, machine=Machine((gpu,)), host=host, rate=0.5)


def text(blocks) -> str:
    return render_blocks(blocks, 100)


ALL = [name for kind in PAGES for name in getattr(KB, kind)]
OTHERS = [*(f"options/{n}" for n in KB.options), *(f"terms/{n}" for n in KB.terms),
          *(f"gpus/{n}" for n in KB.gpus), *(f"findings/{n}" for n in KB.findings)]  # fmt: skip


def test_every_page_has_a_title_and_something_to_say() -> None:
    for name in [*ALL, *OTHERS]:
        for reader in (Case(), case(learning_rate=5e-4, network_dim=128)):
            blocks = page_of(KB, name, reader)
            assert blocks, name
            assert blocks[0].role == "title"
            assert len(blocks) > 1


@pytest.mark.parametrize("width", [60, 78, 140])
def test_no_page_is_wider_than_it_may_be(width: int) -> None:
    for name in [*ALL, *OTHERS]:
        for row in render_blocks(page_of(KB, name) or [], width).splitlines():
            if not row.startswith("    ") and "`" not in row:  # examples stand as they are
                assert len(row) <= max(width, 60), (name, row)


def test_every_link_of_every_page_leads_somewhere() -> None:
    for name in ALL:
        for block in page_of(KB, name) or []:
            kind, _, aim = block.target.partition(":")
            if kind == "page":
                assert page_of(KB, aim) is not None, (name, aim)


def test_every_page_with_figures_names_its_sources() -> None:
    for name in ALL:
        blocks = page_of(KB, name) or []
        assert any(block.role == "source" for block in blocks), name


def test_an_unknown_name_has_no_page() -> None:
    assert page_of(KB, "nobody-knows") is None
    assert page_of(KB, "nothing/rank") is None
    assert explain(KB, "nobody-knows") is None


# figures


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("rank", 128.0), ("learning-rate", 5e-4), ("steps", 2000.0), ("image-count", 20.0),
        ("views-per-image", 400.0), ("vram", pytest.approx(24, abs=0.1)), ("step-time", 2.0),
        ("host-memory", 32.0), ("disk-space", 40.0),
    ],
)  # fmt: skip
def test_the_users_own_value_of_a_figure(figure: str, value: float) -> None:
    reader = case(learning_rate=5e-4, network_dim=128, batch_size=4)
    assert own_value(KB.figures[figure], reader) == value
    assert own_text(KB, KB.figures[figure], reader)
    assert own_value(KB.figures[figure], Case()) is None
    assert own_text(KB, KB.figures[figure], Case()) == ""


def test_what_applies_comes_before_what_else_is_said() -> None:
    said = text(page_of(KB, "vram", case()))
    assert "12 GB" in said[said.index("For you") : said.index("Said")]
    assert "16 GB" not in said[said.index("For you") : said.index("Said")]  # that is FLUX's
    assert "24 GB" in said[: said.index("For you")]  # the card's own
    other = text(page_of(KB, "vram", case("flux")))
    assert "16 GB" in other[other.index("For you") : other.index("Said")]


def test_both_of_two_documents_that_disagree_are_shown() -> None:
    said = text(page_of(KB, "vram", case()))
    assert "12 GB" in said
    assert "10 GB" in said
    page = text(page_of(KB, "sdxl"))
    assert "12 GB" in page
    assert "10 GB" in page


def test_a_familys_page_compares_with_its_own_figures() -> None:
    said = text(page_of(KB, "flux", case("sd15")))
    compared = said[said.index("Compare") :]
    assert "GPU memory, least: 16 GB" in compared
    assert "yours 24 GB" in compared
    assert "Seconds a step" not in compared.split("Starting")[0]  # that speed is SD 1.5's
    own = text(page_of(KB, "flux", case("flux")))
    assert "Seconds a step" in own[own.index("Compare") :].split("Starting")[0]


def test_a_rule_for_each_image_is_reckoned_for_the_users_own() -> None:
    said = " ".join(text(page_of(KB, "steps", case(batch_size=4, images=24))).split())
    assert "2 400 images seen for your 24, 600 steps of 4 images each" in said
    assert "2 000 steps × 4 images a step ÷ 24 images: each image is seen 333 times" in said


@pytest.mark.parametrize(
    ("rate", "verdict"), [(5e-5, "below"), (1e-4, "inside"), (1.5e-4, "inside"), (5e-4, "above")]
)
def test_below_inside_above(rate: float, verdict: str) -> None:
    value = ConfigValue("learning_rate", rate, "unet_lr")
    facts = RunFacts(family="flux", config=TrainingConfig({"learning_rate": value}))
    position = Position("1e-4 to 2e-4", "guide", 1e-4, 2e-4, families=("flux",))
    from loratui.kb.pages.figure import _verdict

    assert _verdict(position, rate, Case(facts=facts)) == verdict


@pytest.mark.parametrize(
    ("position", "fits"),
    [
        (Position("x", "s"), 0),
        (Position("x", "s", families=("sdxl",)), 1),
        (Position("x", "s", families=("flux",)), None),
        (Position("x", "s", recipe="recipe-style"), None),
        (Position("x", "s", images=(15, 34)), 1),
        (Position("x", "s", images=(100, None)), None),
        (Position("x", "s", card="rtx-4090"), 1),
        (Position("x", "s", families=("sdxl",), card="rtx-4090"), 2),
        (Position("x", "s", families=("sdxl",), subjects=("style",)), 0),
        (Position("x", "s", card="rtx-3090"), None),
        (Position("x", "s", subjects=("style",)), 0),
    ],
)
def test_which_position_fits_a_run(position: Position, fits: int | None) -> None:
    assert fitness(KB, position, case()) == fits


def test_what_is_not_known_excludes_nothing() -> None:
    for position in (Position("x", "s", families=("flux",)), Position("x", "s", card="rtx-3090"),
                     Position("x", "s", images=(1, 2))):  # fmt: skip
        assert fitness(KB, position, Case()) == 0


def test_prodigys_rate_applies_to_prodigy_alone() -> None:
    plain = text(page_of(KB, "learning-rate", case(optimizer="adamw8bit", learning_rate=1e-4)))
    adaptive = text(page_of(KB, "learning-rate", case(optimizer="Prodigy", learning_rate=1.0)))
    assert "inside: 1.0" in adaptive
    assert "inside: 1.0" not in plain


# cards


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("NVIDIA GeForce RTX 3090 Ti", "rtx-3090-ti"),
        ("NVIDIA GeForce RTX 3090", "rtx-3090"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA A10G", "a10g"),
        ("NVIDIA A10", "a10"),
        ("NVIDIA L40S", "l40s"),
        ("NVIDIA L4", "l4"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
        ("Tesla T4", "t4"),
    ],
)
def test_a_card_is_known_by_the_name_that_the_driver_reports(name: str, card: str) -> None:
    assert card_of(KB, name) is KB.gpus[card]


def test_an_unknown_card_is_none() -> None:
    assert card_of(KB, "Voodoo 2") is None
    assert card_of(KB, None) is None


# checklists


def test_items_show_what_was_judged_and_ticked() -> None:
    reader = Case(
        judged={"cuda-oom": ("failed", "since 40"), "event:first-loss": ("done", "at step 1")},
        ticked={"first-100-steps/number"},
    )
    blocks = {b.target: b for b in page_of(KB, "first-100-steps", reader) or [] if b.mark}
    assert blocks["item:no-oom"].mark == "✖"
    assert blocks["item:no-oom"].aside == "since 40"
    assert blocks["item:first-loss"].mark == "✔"
    assert blocks["item:number"].aside == "ticked by hand"
    assert blocks["item:saving"].mark == "○"


def test_the_two_quality_tables_say_which_is_which() -> None:
    assert "pass mark" in text(page_of(KB, "pre-release")).lower()
    assert "ambition" in text(page_of(KB, "benchmarks")).lower()
    assert "90" in text(page_of(KB, "pre-release"))
    assert "95" in text(page_of(KB, "benchmarks"))


# words


def test_words_of_a_page_are_those_it_uses() -> None:
    blocks = page_of(small(), "diverging") or []
    words = [block for block in blocks if block.target == "fold:words"]
    assert words[0].text == "checkpoint"
    assert words[1] == Block("detail", "checkpoint: A saved state of training.", "", "",
                             target="fold:words", folded=True)  # fmt: skip
    assert not [b for b in page_of(small(), "slow") or [] if b.target == "fold:words"]
