"""Checkpoints of a run: when they are saved and which are deleted."""

from __future__ import annotations

from tests.benchmarks.diagnosis.make.story import Pause, Story

KEEPS_ALL = ("onetrainer", "simpletuner", "diffusion-pipe", "csv")
"""Trainers that say nothing of a checkpoint that they delete, or delete none."""


def checkpoint(story: Story, step: int) -> str:
    """The name under which this trainer saves at a step."""
    trainer = story.trainer
    if trainer in ("kohya", "musubi-tuner"):
        return f"{story.name}-step{step:08d}.safetensors"
    if trainer == "ai-toolkit":
        return f"{story.name}_{step:09d}.safetensors"
    if trainer == "onetrainer":
        epoch, rest = divmod(step, story.per_epoch)
        return f"2026-11-21_06-51-16-save-{step}-{epoch}-{rest}.safetensors"
    if trainer == "diffusion-pipe":
        return f"step{step}"
    return f"checkpoint-{step}"


def saves(story: Story, every: int, *, keep: int = 0, until: int = 0) -> None:
    """Checkpoints every `every` steps up to `until`; the oldest beyond `keep` are deleted."""
    story.options["save_every"] = every
    if story.trainer in KEEPS_ALL:
        keep = 0
    if keep:
        story.options["keep"] = keep
    saved: list[str] = []
    for step in range(every, (until or story.steps) + 1, every):
        if step >= story.steps and story.trainer not in ("diffusers", "diffusion-pipe"):
            break  # the others save under another name at the end
        name = checkpoint(story, step)
        first = story.trainer == "diffusers"  # makes room before it saves
        if first and keep and len(saved) >= keep:
            story.pause(step, Pause("remove", name=saved.pop(0)))
        story.pause(step, Pause("save", story.rng.uniform(0.3, 3.0), name=name))
        saved.append(name)
        if keep and len(saved) > keep:
            story.pause(step, Pause("remove", name=saved.pop(0)))
