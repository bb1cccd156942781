"""What a person is told to do: rules, costs, patches, and fixes that do not fit."""

from __future__ import annotations

import re
from itertools import chain

import pytest
import yaml

from loratui.core.facts import Card, ConfigValue, RunFacts, TrainingConfig
from loratui.kb import files, load
from loratui.kb.resolve import fixes, recommend

KB = load()
FAMILIES = ("text", "curve", "pace", "machine")
BUILT = [f for f in KB.findings.values() if f.built and f.family in FAMILIES]
PAGES = sorted({finding.symptom for finding in BUILT if finding.symptom})
FIXES = [(page, fix) for page in PAGES for fix in KB.symptoms[page].fixes]

WRITTEN = {
    entry["id"]: entry
    for entry in yaml.safe_load((files.packaged() / "findings.yaml").read_text("utf-8"))
}

UNPATCHED = {
    ("bad-argument", "fill-path"): "only the user knows the path",
    ("resume-problem", "checkpoint-flag"): "a flag of the command and no option of the file",
}
"""Fixes that name an option without a change that could be computed, and why."""

KEYS = {
    part
    for option in KB.options.values()
    for key in chain.from_iterable(option.keys.values())
    for part in key.split(".")
    if "_" in part
}
NAMES = KEYS | {name for name in KB.options if "_" in name}


def named(text: str) -> list[str]:
    """Options that a text names; those that are plain words, such as “resolution”, are not told."""
    return [word for word in re.findall(r"\w+", text) if word in NAMES]


def run(
    trainer: str = "kohya",
    family: str | None = "sdxl",
    *,
    capability: tuple[int, int] | None = (8, 6),
    platform: str = "linux",
    images: int | None = 15,
    **values: object,
) -> RunFacts:
    return RunFacts(
        trainer=trainer,
        family=family,
        config=TrainingConfig({n: ConfigValue(n, v, n) for n, v in values.items()}),
        card=None if capability is None else Card("card", capability),
        platform=platform,
        images=images,
    )


def shown(finding: str, facts: RunFacts, **numbers: object) -> dict[str, list[tuple]]:
    found = recommend(KB, finding, facts, numbers)
    return {fix.id: [(p.option, p.before, p.after) for p in fix.patch] for fix in found}


# every one of them


@pytest.mark.parametrize("finding", BUILT, ids=lambda finding: finding.id)
def test_a_finding_says_when_it_fires_when_it_is_wrong_and_what_to_do_now(finding) -> None:
    assert finding.rule.endswith(".")
    assert finding.wrong.endswith(".")
    assert finding.rule != finding.wrong
    assert WRITTEN[finding.id]["now"] in KB.actions  # not left to the default
    assert finding.hold == 0 or finding.family in ("curve", "pace")


@pytest.mark.parametrize(("page", "fix"), FIXES, ids=lambda value: getattr(value, "id", value))
def test_a_fix_costs_something_or_none_and_says_how_to_see_it(page: str, fix) -> None:
    if fix.effort == "config":
        assert fix.cost
        assert fix.patch or (page, fix.id) in UNPATCHED or fix.caveat or not named(fix.do)
    if fix.caveat is None:  # nobody should try to prove the others
        assert fix.verify or KB.symptoms[page].verify.passes


def test_what_is_left_unpatched_still_names_an_option() -> None:
    known = {(page, fix.id): fix for page, fix in FIXES}
    for place in UNPATCHED:
        assert named(known[place].do), place


def test_most_fixes_have_a_proof_of_their_own() -> None:
    own = [fix for _, fix in FIXES if fix.verify and fix.caveat is None]
    assert len(own) / sum(fix.caveat is None for _, fix in FIXES) > 0.95


@pytest.mark.parametrize(("page", "fix"), FIXES, ids=lambda value: getattr(value, "id", value))
def test_a_patch_asks_for_what_it_needs(page: str, fix) -> None:
    for change in fix.patch:
        if change.option == "mixed_precision" and change.value == "bf16":
            assert fix.when.capability == 8.0  # NVIDIA: bf16 came with compute capability 8.0
        if change.option == "learning_rate" and change.op == "multiply":
            assert fix.when.optimizer == "plain"  # Prodigy and D-Adaptation keep 1.0
            assert fix.when.below  # an absurd rate is replaced and not halved
        if change.option in ("batch_size", "epochs", "max_steps", "network_dim", "save_every"):
            assert change.op != "set" or (change.option, change.value) == ("save_every", 1)


# what must not be shown


@pytest.mark.parametrize(
    ("finding", "fix", "fits", "fits_not"),
    [
        ("loss-nan", "bf16", run(mixed_precision="fp16"),
         run(mixed_precision="fp16", capability=(7, 5))),
        ("loss-nan", "fp32-old-card", run(mixed_precision="fp16", capability=(7, 5)),
         run(mixed_precision="fp16")),
        ("loss-nan", "full-vae", run(), run(family="flux")),
        ("loss-nan", "halve-lr", run(learning_rate=1e-4),
         run(learning_rate=1.0, optimizer="Prodigy")),
        ("loss-nan", "adaptive-d", run(optimizer="DAdaptAdam"), run(optimizer="AdamW8bit")),
        ("loss-spike", "halve-lr", run(learning_rate=1e-4), run(learning_rate=10)),
        ("loss-too-fast", "lower-rank", run(network_dim=64), run(network_dim=64, images=60)),
        ("loss-too-fast", "lower-lr", run(), run(optimizer="prodigyopt.Prodigy")),
        ("cuda-oom", "half-precision", run(mixed_precision="no"), run(mixed_precision="bf16")),
        ("cuda-oom", "half-precision", run(), run(capability=(7, 5))),
        ("cuda-oom", "quantize", run("ai-toolkit", "flux"), run("ai-toolkit", "sdxl")),
        ("cuda-oom", "quantize", run(family="flux"), run("diffusers", "flux")),
        ("cuda-oom", "quantize-type", run("onetrainer", "flux", quantize_type="BFLOAT_16"),
         run("onetrainer", "flux", quantize_type="NFLOAT_4")),
        ("cuda-oom", "sdpa", run(), run(xformers=True)),
        ("cuda-oom", "sdpa", run(family="sd15"), run(family="flux")),
        ("cuda-oom", "swap-blocks", run(family="flux"), run(family="flux", blocks_to_swap=20)),
        ("cuda-oom", "swap-blocks", run("musubi-tuner", "qwen-image"),
         run("ai-toolkit", "qwen-image")),
        ("cuda-oom", "swap-more-flux", run(family="flux", blocks_to_swap=16), run(family="flux")),
        ("cuda-oom", "cache-captions", run(), run(shuffle_captions=True)),
        ("cuda-oom", "cache-latents", run(), run("diffusion-pipe", "flux")),
        ("cuda-oom", "gradient-checkpointing", run(), run("ai-toolkit", "flux")),
        ("cuda-oom", "gradient-checkpointing-again",
         run("ai-toolkit", gradient_checkpointing=False), run("ai-toolkit")),
        ("cuda-oom", "offload-activations", run(family="flux"),
         run(family="flux", blocks_to_swap=8)),
        ("cuda-oom", "fragmentation", run(), run(platform="windows")),
        ("cuda-oom", "fewer-accumulation-steps", run(gradient_accumulation=4),
         run(gradient_accumulation=1)),
        ("step-slow", "no-sysmem-fallback", run(platform="windows"), run()),
        ("step-slow", "no-sysmem-fallback", run(platform="wsl"), run(platform="mac")),
        ("step-slow", "half-precision", run(mixed_precision="no"),
         run(mixed_precision="no", capability=(7, 0))),
        ("step-slow", "xformers", run(), run(sdpa=True)),
        ("data-starved", "more-workers", run("diffusers", workers=0),
         run("diffusers", workers=8)),
        ("host-oom", "fewer-workers", run(workers=8), run("diffusers", workers=4)),
        ("host-oom", "halve-workers", run("diffusers", workers=4), run("diffusers", workers=1)),
        ("host-oom", "load-to-gpu", run(), run("onetrainer")),
        ("stalled", "show-output", run(), run(platform="windows")),
        ("stalled", "show-output-windows", run(platform="windows"), run()),
        ("missing-dependency", "activate", run(), run(platform="windows")),
        ("precision-unsupported", "bf16", run(), run(capability=(7, 5))),
        ("precision-unsupported", "fp16-old-card", run(capability=(6, 1)), run()),
        ("precision-unsupported", "not-full-fp16", run(full_fp16=True), run()),
        ("batch-shape-mismatch", "buckets", run(), run(enable_bucket=True)),
        ("lr-zero", "adaptive-one", run(optimizer="Prodigy"), run(optimizer="AdamW")),
    ],
)  # fmt: skip
def test_only_what_fits(finding: str, fix: str, fits: RunFacts, fits_not: RunFacts) -> None:
    assert fix in shown(finding, fits)
    assert fix not in shown(finding, fits_not)


@pytest.mark.parametrize(
    ("finding", "fix", "fits", "fits_not"),
    [
        ("loss-spike", "wait", {"recovered": True}, {"recovered": False}),
        ("lr-zero", "rate-not-zero", {"kind": "zero"}, {"kind": "ended-early"}),
        ("lr-zero", "schedule-length", {"kind": "ended-early"}, {"kind": "zero"}),
        ("lr-suspicious", "wanted-one", {"wanted": "1.0"}, {"forced": True}),
        ("lr-suspicious", "forced-rate", {"forced": True}, {"wanted": "1.0"}),
        ("stalled", "gpu-at-work", {"kind": "busy"}, {"kind": "idle"}),
        ("exited-early", "count-steps", {"kind": "finished"}, {"kind": "gone"}),
        ("checkpoint-missing", "interval", {"kind": "none"}, {"kind": "late"}),
        ("checkpoints-pruned", "keep-twice", {"limit": "range"}, {"limit": "count"}),
        ("save-failed", "allow-writing", {"what": "Permission denied"}, {}),
        ("no-data", "control-images", {"control": True}, {"part": True}),
        ("caption-truncated", "longer-limit", {"limit": 77}, {"limit": 512}),
    ],
)
def test_only_what_fits_its_numbers(finding: str, fix: str, fits: dict, fits_not: dict) -> None:
    assert fix in shown(finding, run(), **fits)
    assert fix not in shown(finding, run(), **fits_not)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_a_run_hides_no_fix_but_those_that_need_a_setting(page: str) -> None:
    symptom = KB.symptoms[page]
    found = {fix.id for fix in fixes(KB, symptom, RunFacts())}
    for fix in symptom.fixes:
        hidden = fix.when.has_option or fix.when.optimizer == "adaptive"
        assert (fix.id in found) is not bool(hidden), fix.id


# the change itself


@pytest.mark.parametrize(
    ("finding", "fix", "facts", "change"),
    [
        ("loss-too-fast", "fewer-epochs", run(epochs=20), ("epochs", 20, 16)),
        ("loss-too-fast", "fewer-epochs", run(max_steps=2000), ("max_steps", 2000, 1600)),
        ("loss-too-fast", "lower-rank", run(network_dim=64), ("network_dim", 64, 32)),
        ("loss-plateau", "more-epochs", run(epochs=10), ("epochs", 10, 12)),
        ("cuda-oom", "batch-size-1", run(batch_size=4), ("batch_size", 4, 1)),
        ("cuda-oom", "lower-resolution", run(resolution=1024), ("resolution", 1024, 768)),
        ("cuda-oom", "swap-more-qwen", run("musubi-tuner", "qwen-image", blocks_to_swap=20),
         ("blocks_to_swap", 20, 45)),
        ("cuda-oom", "quantize-type", run("simpletuner", "flux", quantize_type="no_change"),
         ("quantize_type", "no_change", "int8-quanto")),
        ("cuda-oom", "quantize-type", run("diffusion-pipe", "flux"),
         ("quantize_type", None, "float8")),
        ("host-oom", "fewer-workers", run(workers=8), ("workers", 8, 2)),
        ("host-oom", "halve-workers", run("diffusers", workers=4), ("workers", 4, 2)),
        ("data-starved", "more-workers", run("ai-toolkit", workers=2), ("workers", 2, 4)),
        ("step-slowdown", "batch-that-fits", run(batch_size=4), ("batch_size", 4, 2)),
        ("step-slow", "sample-less", run(sample_every=100), ("sample_every", 100, 200)),
        ("killed", "save-oftener", run(save_every=500), ("save_every", 500, 250)),
        ("precision-unsupported", "not-full-fp16", run(full_fp16=True),
         ("full_fp16", True, False)),
    ],
)  # fmt: skip
def test_the_change_comes_from_the_users_own_numbers(
    finding: str, fix: str, facts: RunFacts, change: tuple
) -> None:
    assert change in shown(finding, facts)[fix]


def test_more_checkpoints_are_kept() -> None:
    toolkit = run("ai-toolkit", "flux", keep_last=4)
    assert shown("checkpoints-pruned", toolkit, limit="count")["keep-more"] == [
        ("keep_last", 4, 10)
    ]
    scripts = run(keep_last_epochs=3)
    assert shown("checkpoints-pruned", scripts, limit="range")["keep-twice"] == [
        ("keep_last_epochs", 3, 6)
    ]


# what comes first


@pytest.mark.parametrize(
    ("finding", "numbers", "first"),
    [
        ("loss-nan", {}, "stop-and-go-back"),
        ("loss-diverging", {}, "use-checkpoint"),
        ("loss-drop-then-rise", {}, "use-checkpoint"),
        ("loss-spike", {"recovered": True}, "wait"),
        ("loss-spike", {"recovered": False}, "find-image"),
        ("loss-plateau", {}, "look-at-samples"),
        ("loss-too-fast", {}, "earlier-checkpoint"),
        ("lr-zero", {"kind": "zero"}, "rate-not-zero"),
        ("cuda-oom", {}, "close-others"),
        ("nan-latents", {}, "delete-cache"),
        ("disk-low", {"kind": "next"}, "free-space"),
        ("save-failed", {"what": "Permission denied"}, "allow-writing"),
        ("stalled", {"kind": "busy"}, "gpu-at-work"),
        ("stalled", {"kind": "idle"}, "wait-for-phase"),
        ("gpu-shared", {"kind": "costs"}, "other-process"),
        ("gpu-lost", {}, "restart"),
        ("gpu-memory-growing", {}, "watch-one-epoch"),
        ("resumed-silently", {}, "new-name"),
        ("missing-dependency", {}, "activate"),
        ("caption-truncated", {"limit": 77}, "longer-limit"),
        ("batch-shape-mismatch", {}, "buckets"),
        ("exited-early", {"kind": "finished"}, "count-steps"),
        ("killed", {}, "look-at-memory"),
    ],
)
def test_what_an_expert_does_first(finding: str, numbers: dict, first: str) -> None:
    assert next(iter(shown(finding, run(), **numbers))) == first
