"""A knowledge base of a few entries, written as files and read by the real loader."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from loratui.kb import files, loader
from loratui.kb.base import KnowledgeBase

FILES = {
    "sources.yaml": """
guide:
  title: A guide
  kind: document
  date: "2025-11"
  sections: {loss: Loss curves}
""",
    "options.yaml": """
styles: {kohya: "--{key}"}
options:
  learning_rate:
    title: Learning rate
    meaning: How large a step is.
    kind: number
    keys: {kohya: [unet_lr, learning_rate], ai-toolkit: [train.lr]}
    source: guide
""",
    "findings.yaml": """
- {id: loss-diverging, family: curve, severity: error, built: true, title: Loss is diverging,
   symptom: diverging, question: Is the loss rising?, reasons: {few: Too few points.}}
- {id: cuda-oom, family: text, severity: error, built: true, title: Out of memory, symptom: oom}
""",
    "messages/cuda_oom.yaml": r"""
- id: allocate
  pattern: 'CUDA out of memory\. Tried to allocate'
  needle: tried to allocate
  example: CUDA out of memory. Tried to allocate 2.00 GiB
  near_miss: out of memory
  source: guide
""",
    "tree.yaml": """
root: start
questions:
  - id: start
    text: What do you see?
    answers:
      - {id: running, text: "Training is running, but …", question: running}
      - {id: crash, text: Training crashes, question: crash}
      - {id: bad, text: The result is bad, question: bad}
  - id: bad
    text: Is it proven?
    hint: It takes minutes.
    answers:
      - {id: unproven, text: not yet, checklist: proof}
      - {id: read, text: I want to read, guide: reading}
  - id: running
    text: What is wrong?
    answers:
      - {id: loss, text: the loss …, question: loss}
      - {id: slow, text: steps are slow, symptom: slow}
  - id: loss
    text: What does it do?
    answers:
      - {id: up, text: rises, symptom: diverging}
      - {id: nan, text: is NaN, symptom: nan}
  - id: crash
    text: What does it say?
    answers:
      - {id: oom, text: out of memory, symptom: oom}
      - {id: again, text: it was running before, question: running}
""",
    "symptoms/diverging.yaml": """
id: diverging
title: Loss is diverging
see: [the loss climbs and does not come back]
meaning: The steps are too large. Each one overshoots.
causes: [learning rate too high, "[bold]a bracket[/foo]"]
check:
  - {text: Is the loss above its best?, auto: loss-diverging}
  - {text: Look at the samples.}
fixes:
  - id: halve-lr
    do: Halve the learning rate
    effort: config
    priority: high
    diagnosis: rate above the usual
    cost: slower training
    verify: loss stays low
    patch: [{option: learning_rate, op: multiply, value: 0.5}]
    source: guide#loss
  - id: earlier
    do: Use an earlier checkpoint
    effort: minutes
    source: guide
    caveat: {text: "keep a copy [/foo]", source: guide}
verify: The loss stays under its best for 300 steps.
related: [nan]
sources: [guide#loss]
""",
    "symptoms/nan.yaml": """
id: nan
title: Loss is NaN
see: [the loss shows nan]
meaning: A number grew too large to be held.
fixes: [{id: bf16, do: Use bf16, effort: config, source: guide}]
verify: No nan for 100 steps.
sources: [guide]
""",
    "symptoms/slow.yaml": """
id: slow
title: Steps are slow
see: [it takes for ever]
meaning: The card is held back.
fixes: [{id: wait, do: Wait, effort: minutes, source: guide}]
verify: The speed is back.
sources: [guide]
""",
    "symptoms/oom.yaml": """
id: oom
title: Out of memory
see: [it stops with an error about memory]
meaning: The card has too little memory for these settings.
fixes: [{id: batch, do: Lower the batch size, effort: config, source: guide}]
verify: It runs for 100 steps.
sources: [guide]
""",
    "checklists/first.yaml": """
id: first
title: First steps
items:
  - {id: falls, text: Loss begins to fall}
  - {id: memory, text: Memory is stable, requirement: about 40 GB}
sources: [guide]
""",
    "checklists/proof.yaml": """
id: proof
title: Prove it first
ordered: true
then: running
items:
  - {id: base, text: The base model is known, group: Runtime, how: Look at the log., otherwise: nan}
  - {id: seed, text: Both images have the same seed, remedy: Make both again.}
related: [reading]
sources: [guide]
""",
    "guides/reading.yaml": """
id: reading
title: Reading a curve
intro: What a loss says.
sections:
  - title: What it does
    source: guide#loss
    table:
      columns: [behaviour, what it means]
      rows: [[falls, it learns], [rises, "the rate is too high [/foo]"]]
figures: [rate]
related: [first, family, recipe]
""",
    "figures.yaml": """
- id: rate
  title: Learning rate
  yours: learning_rate
  advice: Begin low.
  source: guide
  positions:
    - {says: 1e-4 to 2e-4, low: 1.0e-4, high: 2.0e-4, source: guide, context: for most}
    - {says: "1.0", low: 1.0, high: 1.0, optimizer: adaptive, source: guide}
""",
    "profiles/family.yaml": """
id: family
title: SDXL
kind: family
family: sdxl
applies: To SDXL and its kin.
figures: {rate: [{says: "1e-4", low: 1.0e-4, high: 1.0e-4, source: guide}]}
sources: [guide]
""",
    "profiles/recipe.yaml": """
id: recipe
title: A whole set-up
kind: recipe
applies: To itself alone.
settings: {learning_rate: 0.0002}
levels: [{steps: [0, 500], loss: [0.15, 0.08], text: falls fast}]
patterns: [{name: Up, sign: rises, cause: too fast, fix: slower, symptom: diverging}]
sources: [guide]
""",
    "terms.yaml": """
checkpoint: {title: checkpoint, also: [checkpoints], meaning: A saved state of training.}
""",
    "gpus.yaml": """
rtx-4090:
  title: NVIDIA GeForce RTX 4090
  match: [RTX 4090]
  memory_gb: [24]
  source: guide
  step_time: [{low: 1, high: 3, setting: "SDXL, batch 1", source: guide, families: [sdxl]}]
""",
}


def write(folder: Path) -> Path:
    """The files under `folder`."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@cache
def small() -> KnowledgeBase:
    """The knowledge base that the files hold."""
    with TemporaryDirectory() as folder:
        root = write(Path(folder))
        return loader.parse(files.read_folder(root))[0]
