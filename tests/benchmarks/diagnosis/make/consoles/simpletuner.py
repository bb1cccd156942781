"""SimpleTuner: a bar whose description names the epoch; records only if they are asked for.

Source: simpletuner/helpers/training/trainer.py, helpers/log_format.py.
"""

from __future__ import annotations

import json
import math

from tests.benchmarks.diagnosis.make.bars import Bar, number, whole_bar
from tests.benchmarks.diagnosis.make.consoles.common import LAUNCH, stamp
from tests.benchmarks.diagnosis.make.story import Story, Tape


def files(story: Story) -> dict[str, str]:
    options = story.options
    config: dict[str, object] = {
        "--model_family": "sdxl" if options.get("family") == "sdxl" else "flux",
        "--model_type": "lora",
        "--lora_rank": 16,
        "--data_backend_config": "config/multidatabackend.json",
        "--output_dir": "/workspace/output",
        "--learning_rate": options["rate"],
        "--lr_scheduler": options["schedule"],
        "--lr_warmup_steps": options.get("warmup", 0),
        "--optimizer": "adamw_bf16",
        "--train_batch_size": story.batch,
        "--max_train_steps": story.steps,
        "--num_train_epochs": 0,
        "--resolution": options.get("resolution", 1024),
        "--checkpoint_step_interval": options.get("save_every", 100000),
        "--report_to": "simpletuner" if story.format.endswith("jsonl") else "none",
    }
    return {"config.json": json.dumps(config, indent=4)}


def console(story: Story, tape: Tape) -> None:
    talks = bool(story.resumed) or story.rng.random() < 0.5

    def say(record: str) -> None:
        if talks:
            tape.err(f"[RANK 0] \x1b[32m{stamp(tape.time)},117 [INFO] {record}\x1b[0m\n")

    tape.err(LAUNCH)
    say("Load VAE: black-forest-labs/FLUX.1-dev")
    tape.err(whole_bar("Loading checkpoint shards", 2, 2.0))
    tape.err(whole_bar("Scanning image metadata", story.images, 0.4, every=story.images))
    tape.err(f"\r{'':73}\r\n")
    tape.err(whole_bar("Processing prompts", story.images + 1, 6.0, every=story.images))
    say(f"(id=subject) VAECache has {story.images} unprocessed files.")
    say("Executing VAE cache update..")
    tape.err(whole_bar("Processing bucket 1.0", story.images, 9.0, every=10))
    tape.time += 40
    epochs, per_epoch = story.epochs, story.per_epoch
    say(
        f"Calculated our maximum training steps at {story.steps} because we have {epochs} epochs "
        f"and {per_epoch} steps per epoch."
    )
    say(f"Learning rate: {story.options['rate']}")
    if story.resumed:
        say(f"Resuming from checkpoint /workspace/output/checkpoint-{story.first}")
        say(f"Resuming from global_step {story.first}.")
    steps = f"  - Steps completed: {story.first}\n" if story.first else ""
    say(
        "\n***** Running training *****\n-  Trainable parameters: 23224320\n"
        f"-  Num batches = {per_epoch}\n-  Num Epochs = {epochs}\n"
        f"  - Current Epoch = {story.first // per_epoch + 1}\n"
        f"-  Total train batch size (w. parallel, distributed & accumulation) = {story.batch}\n"
        f"  - Instantaneous batch size per device = {story.batch}\n"
        f"  - Gradient Accumulation steps = 1\n-  Total optimization steps = {story.steps}\n"
        f"{steps}-  Total optimization steps remaining = {story.steps - story.first}"
    )
    _train(story, tape)


def _train(story: Story, tape: Tape) -> None:
    per_epoch, epochs, err = story.per_epoch, story.epochs, tape.err
    bar = Bar("", story.steps, cells=story.cells, plain=story.ascii, initial=story.first)
    epoch = story.first // per_epoch + 1
    bar.head = f"\rEpoch {epoch}/{epochs} Steps: "
    err(bar.draw(story.first, 0.0))
    bar.head = f"\rEpoch {epoch}/{epochs}, Steps: "
    err(bar.draw(story.first, 0.0))
    begin, postfix = tape.time, ""
    for n in range(story.first + 1, (story.stop or story.steps) + 1):
        if (n - 1) // per_epoch + 1 != epoch:
            epoch = (n - 1) // per_epoch + 1
            bar.head = f"\rEpoch {epoch}/{epochs}, Steps: "
            err(bar.draw(n - 1, tape.time - begin, postfix))
        loss = story.losses[n - 1]
        tape.time += story.seconds[n - 1]
        elapsed = tape.time - begin
        if not math.isfinite(loss):
            _stopped(tape, bar, n, elapsed, postfix)
            return
        bar.step(n, elapsed)
        err(bar.draw(n, elapsed, postfix))
        postfix = f"lr={number(story.rates[n - 1])}, step_loss={number(loss)}"
        err(bar.draw(n, elapsed, postfix))
        err(bar.draw(n, elapsed, postfix))
        tape.mark(n)
        for pause in story.pauses.get(n, ()):
            if pause.kind == "save":
                tape.out("\n\n")
            elif pause.kind == "sample":
                err("\n" + bar.draw(n, elapsed, postfix) + "\n")
                err("\rProcessing validation prompts:   0%|          | 0/1 [00:00<?, ?it/s]\x1b[A")
                err(whole_bar("", 28, pause.seconds, every=4))
                err("\n")
            tape.time += pause.seconds
    if story.stop:
        return
    err("\n" + bar.draw(story.steps, tape.time - begin, postfix) + "\n")
    tape.mark(story.steps)


def _stopped(tape: Tape, bar: Bar, n: int, elapsed: float, postfix: str) -> None:
    """SimpleTuner raises at the first loss that is not finite."""
    tape.err(bar.draw(n, elapsed, postfix))
    tape.err(
        "\nTraceback (most recent call last):\n"
        '  File "/workspace/SimpleTuner/simpletuner/train.py", line 57, in <module>\n'
        "    trainer.train()\n"
        '  File "/workspace/SimpleTuner/simpletuner/helpers/training/trainer.py", line 7107, in '
        "train\n    raise RuntimeError(\n"
        "RuntimeError: Non-finite training loss detected (loss=nan, data_backend_id=subject, "
        "filepaths=['/workspace/dataset/robot_07.png'], loss_logs={}).\n"
        "Traceback (most recent call last):\n"
        '  File "/workspace/venv/bin/accelerate", line 8, in <module>\n    sys.exit(main())\n'
        '  File "/workspace/venv/lib/python3.11/site-packages/accelerate/commands/launch.py", '
        "line 993, in simple_launcher\n"
        "    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)\n"
        "subprocess.CalledProcessError: Command '['/workspace/venv/bin/python3.11', "
        "'/workspace/SimpleTuner/simpletuner/train.py']' returned non-zero exit status 1.\n"
    )
    tape.mark(n)
