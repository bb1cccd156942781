"""ai-toolkit: the whole configuration, then a bar with the job's name.

Up to 2026-08-21 the bar was one step behind. Source: jobs/process/BaseSDTrainProcess.py.
"""

from __future__ import annotations

import json
import math

from tests.benchmarks.diagnosis.make.bars import Bar, whole_bar
from tests.benchmarks.diagnosis.make.story import Story, Tape


def _process(story: Story) -> dict[str, object]:
    options = story.options
    sdxl = options.get("family") == "sdxl"
    model = "stabilityai/stable-diffusion-xl-base-1.0" if sdxl else "black-forest-labs/FLUX.1-dev"
    return {
        "type": "sd_trainer",
        "training_folder": "/workspace/output",
        "device": "cuda:0",
        "trigger_word": "zqxbot",
        "network": {"type": "lora", "linear": 16, "linear_alpha": 16},
        "save": {
            "dtype": "float16",
            "save_every": options.get("save_every", story.steps + 1),
            "max_step_saves_to_keep": options.get("keep", 100),
        },
        "datasets": [
            {
                "folder_path": "/workspace/dataset/robot",
                "caption_ext": "txt",
                "caption_dropout_rate": 0.05,
                "cache_latents_to_disk": True,
                "resolution": [options.get("resolution", 1024)],
            }
        ],
        "train": {
            "batch_size": story.batch,
            "steps": story.steps,
            "gradient_accumulation_steps": 1,
            "train_unet": True,
            "train_text_encoder": False,
            "gradient_checkpointing": True,
            "noise_scheduler": "ddpm" if sdxl else "flowmatch",
            "optimizer": "adamw8bit",
            "lr": options["rate"],
            "lr_scheduler": options["schedule"],
            "dtype": "bf16",
        },
        "model": {"name_or_path": model, "is_xl" if sdxl else "is_flux": True, "quantize": True},
        "sample": {
            "sampler": "ddpm" if sdxl else "flowmatch",
            "sample_every": options.get("sample_every", story.steps + 1),
            "prompts": ["zqxbot robot, front view, blue background"],
            "seed": 42,
        },
    }


def files(story: Story) -> dict[str, str]:
    job = {"job": "extension", "config": {"name": story.name, "process": [_process(story)]}}
    return {"config.json": json.dumps(job, indent=2)}


def console(story: Story, tape: Tape) -> None:
    tape.buffered = story.buffered
    folder = f"/workspace/output/{story.name}"
    tape.out("Running 1 job\n" + json.dumps(_process(story), indent=4) + "\n\n")
    tape.out("#############################################\n")
    tape.out(f"# Running job: {story.name}\n#############################################\n\n\n")
    tape.out("Running  1 process\n")
    tape.flush()
    tape.err(whole_bar("Loading pipeline components...", 5, 12.0))
    tape.out("Loading transformer\nQuantizing transformer\nLoading vae\n")
    tape.out("create LoRA network. base dim (rank): 16, alpha: 16\n")
    tape.out("create LoRA for Text Encoder: 0 modules.\ncreate LoRA for U-Net: 494 modules.\n")
    tape.time += 90
    if story.resumed:
        tape.out(f"#### IMPORTANT RESUMING FROM {folder}/{story.resumed}.safetensors ####\n")
        tape.out(f"Found step {story.first} in metadata, starting from there\n")
        tape.out(f"Loading optimizer state from {folder}/optimizer.pt\n")
    tape.out("Dataset: /workspace/dataset/robot\n  -  Preprocessing image dimensions\n")
    tape.flush()
    tape.err(whole_bar("", story.images, 0.1, every=max(1, story.images)))
    tape.out(f"  -  Found {story.images} images\nBucket sizes for /workspace/dataset/robot:\n")
    tape.out(f"1024x1024: {story.images} files\n1 buckets made\n")
    tape.out("Caching latents for /workspace/dataset/robot\n - Saving latents to disk\n")
    tape.flush()
    tape.err(whole_bar("Caching latents to disk", story.images, 0.5 * story.images))
    tape.time += 0.5 * story.images
    if not story.resumed and story.rng.random() < 0.7:
        tape.out("Generating baseline samples before training\n")
        tape.flush()
        tape.err(whole_bar("Generating Images", 2, 12.0))
        tape.time += 12
    tape.flush()
    _train(story, tape, folder)


def _train(story: Story, tape: Tape, folder: str) -> None:
    behind = int(bool(story.options.get("old")))
    bar = Bar(
        story.name,
        story.steps,
        cells=story.cells,
        plain=story.ascii,
        smoothing=0.7,
        initial=story.first,
    )
    err, begin, rates = tape.err, tape.time, story.rates
    err(bar.draw(story.first, 0.0))
    losses, seconds, pauses = story.losses, story.seconds, story.pauses
    postfix = ""
    for n in range(story.first + 1, (story.stop or story.steps) + 1):
        loss = losses[n - 1]
        if not math.isfinite(loss):
            tape.out("loss is nan\n")
            loss = 0.0
        tape.time += seconds[n - 1]
        elapsed, drawn = tape.time - begin, n - behind
        postfix = f"lr: {rates[n - 1]:.1e} loss: {loss:.3e}"
        err(bar.draw(max(story.first, drawn - 1), elapsed, postfix))
        bar.step(drawn, elapsed)
        err(bar.draw(drawn, elapsed, postfix))
        tape.mark(n)
        for pause in pauses.get(n, ()):
            if pause.kind == "save":
                tape.out(f"\nSaving at step {n}\nSaved checkpoint to {folder}/{pause.name}\n")
                tape.out(f"Saved optimizer to {folder}/optimizer.pt\n")
            elif pause.kind == "remove":
                tape.out(f"Removing old save: {folder}/{pause.name}\n")
            elif pause.kind == "sample":
                tape.out("\n")
                tape.flush()
                err(whole_bar("Generating Images", 2, pause.seconds, up=1))
            tape.time += pause.seconds
    if story.stop:
        return
    err(bar.draw(story.steps - behind, tape.time - begin, postfix) + "\n")
    tape.out(f"\nSaved checkpoint to {folder}/{story.name}.safetensors\n")
    tape.out(f"Saved optimizer to {folder}/optimizer.pt\n\n{'=' * 40}\nResult:\n")
    tape.out(f" - 1 completed job\n{'=' * 40}\n")
    tape.flush()
    tape.mark(story.steps)
