"""OneTrainer: a bar of epochs and inside it, one line below, a bar of steps for each epoch.

Source: modules/trainer/GenericTrainer.py; the bytes of nested bars are tqdm's own.
"""

from __future__ import annotations

import json
import math

from tests.benchmarks.diagnosis.make.bars import Bar, number, whole_bar
from tests.benchmarks.diagnosis.make.consoles.common import stamp
from tests.benchmarks.diagnosis.make.story import Story, Tape

NAN = (
    "Training loss became NaN. This may be due to invalid parameters, precision issues, or a bug "
    "in the loss computation."
)


def files(story: Story) -> dict[str, str]:
    options = story.options
    sdxl = options.get("family") == "sdxl"
    config: dict[str, object] = {
        "__version": 11,
        "model_type": "STABLE_DIFFUSION_XL_10_BASE" if sdxl else "STABLE_DIFFUSION_15",
        "training_method": "LORA",
        "base_model_name": "/workspace/models/" + ("sd_xl_base_1.0" if sdxl else "v1-5-pruned"),
        "workspace_dir": "/workspace/run",
        "output_model_destination": f"/workspace/output/{story.name}.safetensors",
        "concept_file_name": "/workspace/concepts.json",
        "sample_definition_file_name": "/workspace/samples.json",
        "train_dtype": "BFLOAT_16",
        "batch_size": story.batch,
        "epochs": story.epochs,
        "resolution": str(options.get("resolution", 512)),
        "learning_rate": options["rate"],
        "learning_rate_scheduler": str(options["schedule"]).upper().removesuffix("_WITH_WARMUP"),
        "learning_rate_warmup_steps": options.get("warmup", 0),
        "optimizer": {"optimizer": "ADAMW"},
        "lora_rank": 16,
        "lora_alpha": 16.0,
    }
    if "save_every" in options:
        config |= {"save_every": options["save_every"], "save_every_unit": "STEP"}
    return {"config.json": json.dumps(config, indent=1)}


def console(story: Story, tape: Tape) -> None:
    tape.out(
        "Clearing cache directory /workspace/cache! You can disable this if you want to continue "
        "using the same cache.\n"
    )
    if story.resumed:
        tape.out(f"Continuing training from backup '/workspace/run/backup/{story.resumed}'...\n")
    tape.out("Selected layers: 119\nDeselected layers: 0\n")
    tape.out("Note: Enable Debug mode to see the full list of layer names\n")
    per_epoch, epochs = story.per_epoch, story.epochs
    first_epoch = story.first // per_epoch
    outer = Bar("epoch", epochs, cells=story.cells, plain=story.ascii, initial=first_epoch)
    begin = tape.time
    tape.err(outer.draw(first_epoch, 0.0))
    tape.err("\n" + whole_bar("caching", story.images, 0.4 * story.images, up=0, every=4))
    tape.time += 0.4 * story.images
    losses, seconds, rates = story.losses, story.seconds, story.rates
    del rates  # no rate on this console
    smooth, err, postfix = losses[story.first], tape.err, ""
    for epoch in range(first_epoch, epochs):
        base = epoch * per_epoch
        start = story.first - base if epoch == first_epoch else 0
        inner = Bar("step", per_epoch, cells=story.cells, plain=story.ascii, initial=start)
        epoch_begin, decay = tape.time, 0.99
        err(f"\n{inner.draw(start, 0.0)}\x1b[A")
        for slot in range(start + 1, per_epoch + 1):
            n = base + slot
            loss = losses[n - 1]
            tape.time += seconds[n - 1]
            elapsed = tape.time - epoch_begin
            if not math.isfinite(loss):
                _stopped(tape, inner, outer, slot - 1, epoch, elapsed, postfix)
                return
            decay = min(0.99, 1 - 1 / (n - story.first + 1))
            smooth = decay * smooth + (1 - decay) * loss
            postfix = f"loss={number(loss)}, smooth loss={number(smooth)}"
            err(f"\n{inner.draw(slot - 1, elapsed, postfix)}\x1b[A")
            inner.step(slot, elapsed)
            err(f"\n{inner.draw(slot, elapsed, postfix)}\x1b[A")
            tape.mark(n)
            for pause in story.pauses.get(n, ()):
                if pause.kind == "save":
                    tape.out(f"Saving /workspace/run/save/{pause.name}\n")
                elif pause.kind == "sample":
                    err("\n" + whole_bar("sampling", 20, pause.seconds, up=2, every=4))
                elif pause.kind == "validate":
                    err("\n" + whole_bar("validation_step", 8, pause.seconds, up=1))
                tape.time += pause.seconds
            if n == story.stop:
                return
        err(inner.draw(per_epoch, tape.time - epoch_begin, postfix) + "\n")
        outer.step(epoch + 1, tape.time - begin)
        err(outer.draw(epoch + 1, tape.time - begin))
    err("\n")
    when = stamp(tape.time).replace(" ", "_").replace(":", "-")
    tape.out(f"Saving /workspace/run/save/{when}-save-{story.steps}-{epochs}-0.safetensors\n")
    tape.out(f"Saving /workspace/output/{story.name}.safetensors\n")
    tape.mark(story.steps)


def _stopped(
    tape: Tape, inner: Bar, outer: Bar, step: int, epoch: int, elapsed: float, postfix: str
) -> None:
    """OneTrainer raises at the first NaN."""
    tape.err(inner.draw(step, elapsed, postfix) + "\n")
    tape.err(outer.draw(epoch, elapsed) + "\n")
    tape.err(
        "Traceback (most recent call last):\n"
        '  File "/workspace/OneTrainer/scripts/train.py", line 62, in <module>\n    main()\n'
        '  File "/workspace/OneTrainer/scripts/train.py", line 53, in main\n    trainer.train()\n'
        '  File "/workspace/OneTrainer/modules/trainer/GenericTrainer.py", line 801, in train\n'
        f'    raise RuntimeError("{NAN}")\nRuntimeError: {NAN}\n'
    )
    tape.mark(epoch * inner.total + step)
