"""A knowledge base of a few entries, written as files and read by the real loader."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from loratui.kb import loader
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
        with patch.object(loader, "folder", lambda: root):
            return loader.load()
