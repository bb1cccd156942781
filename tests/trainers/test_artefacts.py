"""Names of checkpoints and samples of every trainer, and of what is none."""

from __future__ import annotations

import pytest

from loratui.trainers.artefacts import Named, named


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("out/maya-000003.safetensors", Named("checkpoint", None, 3)),
        ("out/maya-step00000500.safetensors", Named("checkpoint", 500)),
        ("out/maya.safetensors", Named("checkpoint")),
        ("out/run/run_000001250.safetensors", Named("checkpoint", 1250)),
        ("save/2026-01-01_10-00-00-save-300-2-50.safetensors", Named("checkpoint", 300)),
        ("out/checkpoint-500/pytorch_lora_weights.safetensors", Named("checkpoint", 500)),
        ("run/epoch12/adapter_model.safetensors", Named("checkpoint", None, 12)),
        ("run/step800/adapter_model.safetensors", Named("checkpoint", 800)),
        ("out/sample/maya_e000002_00_20260101100000_42.png", Named("sample", None, 2)),
        ("out/sample/maya_000500_01_20260101100000.png", Named("sample", 500)),
        ("samples/1767261600000__000000250_0.jpg", Named("sample", 250)),
        ("samples/0 - a cat/2026-training-sample-120-3-20.jpg", Named("sample", 120)),
        ("out/samples/picture.webp", Named("sample")),
        ("out/checkpoint-40-rolling/pytorch_lora_weights.safetensors", Named("checkpoint", 40)),
        ("out/validation_images/step_40_robot_0_1024x1024.png", Named("sample", 40)),
    ],
)
def test_names(path: str, what: Named) -> None:
    assert named(path) == what
    assert named(path.replace("/", "\\")) == what


@pytest.mark.parametrize(
    "path",
    [
        "out/checkpoint-500/optimizer.bin", "out/checkpoint-500/random_states_0.pkl",
        "out/maya-000003-state/model.safetensors", "out/optimizer.pt", "data/photo.png",
        "cache/img_0512x0512_qi.safetensors", "cache_latents/x.safetensors", "log.txt",
        "img_qi_te.safetensors", "out/scheduler.bin",
        "run/backup/2026-01-01_10-00-00-backup-300-2-50/lora/lora.safetensors",
        "run/global_step40/mp_rank_00_model_states.pt",
        "out/checkpoint-40-tmp/pytorch_lora_weights.safetensors",
        "out/checkpoint-40/ema/pytorch_lora_weights.safetensors",
    ],
)  # fmt: skip
def test_what_is_none(path: str) -> None:
    assert named(path) is None
