"""The diffusers example scripts: dreambooth prints `loss, lr`, text_to_image `lr, step_loss`.

Source: examples/dreambooth/train_dreambooth_lora_sdxl.py, examples/text_to_image.
"""

from __future__ import annotations

from tests.benchmarks.diagnosis.make.bars import Bar, number, whole_bar
from tests.benchmarks.diagnosis.make.consoles.common import LAUNCH, command, stamp
from tests.benchmarks.diagnosis.make.story import Story, Tape


def _words(story: Story) -> list[str]:
    options = story.options
    sdxl = options.get("family") == "sdxl"
    model = "stabilityai/stable-diffusion-xl-base-1.0" if sdxl else "runwayml/stable-diffusion-v1-5"
    script = f"train_dreambooth_lora{'_sdxl' if sdxl else ''}.py"
    if options.get("text_to_image"):
        script = f"train_text_to_image_lora{'_sdxl' if sdxl else ''}.py"
    words = ["accelerate", "launch", f"/workspace/diffusers/examples/{script}"]
    words += [f"--pretrained_model_name_or_path={model}", "--output_dir=output"]
    words += ["--instance_data_dir=/workspace/data/zqxbot", "--rank=16", "--seed=42"]
    words += [f"--resolution={options.get('resolution', 512)}"]
    words += [f"--train_batch_size={story.batch}", f"--learning_rate={options['rate']:g}"]
    words += [f"--lr_scheduler={options['schedule']}", f"--max_train_steps={story.steps}"]
    words += [f"--lr_warmup_steps={options.get('warmup', 0)}"]
    if "save_every" in options:
        words.append(f"--checkpointing_steps={options['save_every']}")
    if "keep" in options:
        words.append(f"--checkpoints_total_limit={options['keep']}")
    if story.resumed:
        words.append("--resume_from_checkpoint=latest")
    return words


def files(story: Story) -> dict[str, str]:
    return {"cmd.txt": " ".join(_words(story)) + "\n"}


def console(story: Story, tape: Tape) -> None:
    def say(text: str, logger: str = "__main__") -> None:
        day, clock = stamp(tape.time).split(" ")
        year, month, date = day.split("-")
        tape.err(f"{month}/{date}/{year} {clock} - INFO - {logger} - {text}\n")

    if story.shell:
        tape.err(command(_words(story)))
    tape.err(LAUNCH)
    say("Distributed environment: DistributedType.NO\nNum processes: 1\nProcess index: 0\n"
        "Local process index: 0\nDevice: cuda\n\nMixed precision type: bf16\n")  # fmt: skip
    tape.err("{'clip_sample_range', 'thresholding', 'variance_type'} was not found in config. "
             "Values will be initialized to default values.\n")  # fmt: skip
    tape.err(whole_bar("Loading weights", 36, 0.2, every=36))
    tape.time += 20
    say("***** Running training *****")
    say(f"  Num examples = {story.images}")
    say(f"  Num batches each epoch = {story.per_epoch}")
    say(f"  Num Epochs = {story.epochs}")
    say(f"  Instantaneous batch size per device = {story.batch}")
    say(f"  Total train batch size (w. parallel, distributed & accumulation) = {story.batch}")
    say("  Gradient Accumulation steps = 1")
    say(f"  Total optimization steps = {story.steps}")
    if story.resumed:
        tape.out(f"Resuming from checkpoint checkpoint-{story.first}\n")
    bar = Bar("Steps", story.steps, cells=story.cells, plain=story.ascii, initial=story.first)
    err, begin, postfix = tape.err, tape.time, ""
    err(bar.draw(story.first, 0.0))
    pictures = bool(story.options.get("text_to_image"))
    for n in range(story.first + 1, (story.stop or story.steps) + 1):
        took = story.seconds[n - 1]
        tape.time += took
        elapsed = tape.time - begin
        bar.step(n, elapsed)
        if took >= 0.1:
            err(bar.draw(n, elapsed, postfix))
        for pause in story.pauses.get(n, ()):
            if pause.kind == "save":
                where = f"output/{pause.name}"
                say(f"Saving current state to {where}", "accelerate.accelerator")
                tape.err(f"Model weights saved in {where}/pytorch_lora_weights.safetensors\n")
                say(f"Optimizer state saved in {where}/optimizer.bin", "accelerate.checkpointing")
                say(f"Saved state to {where}")
            elif pause.kind == "remove":
                kept = story.options["keep"]
                say(f"{kept} checkpoints already exist, removing 1 checkpoints")
                say(f"removing checkpoints: {pause.name}")
            elif pause.kind == "sample":
                say("Running validation... \n Generating 2 images with prompt: a photo of zqxbot.")
            tape.time += pause.seconds
        loss, rate = number(story.losses[n - 1]), number(story.rates[n - 1])
        postfix = f"lr={rate}, step_loss={loss}" if pictures else f"loss={loss}, lr={rate}"
        err(bar.draw(n, elapsed, postfix))
        tape.mark(n)
    if story.stop:
        return
    err("\n")
    tape.err("Model weights saved in output/pytorch_lora_weights.safetensors\n")
    err(bar.draw(story.steps, tape.time - begin, postfix) + "\n")
    tape.mark(story.steps)
