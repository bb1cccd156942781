"""diffusion-pipe: DeepSpeed's lines, no bar and no number of steps to go.

Source: train.py, utils/saver.py; DeepSpeed runtime/engine.py and runtime/pipe/engine.py.
"""

from __future__ import annotations

from tests.benchmarks.diagnosis.make.bars import whole_bar
from tests.benchmarks.diagnosis.make.consoles.common import stamp
from tests.benchmarks.diagnosis.make.story import Story, Tape


def files(story: Story) -> dict[str, str]:
    options = story.options
    kind = "sdxl" if options.get("family") == "sdxl" else "flux"
    # one of the two has to be set
    saving = f"save_every_n_epochs = {story.epochs}\n"
    if "save_every" in options:
        saving = f"save_every_n_steps = {options['save_every']}\n"
    return {
        "robot.toml": (
            "output_dir = '/workspace/output'\ndataset = 'dataset.toml'\n"
            f"epochs = {story.epochs}\nmax_steps = {story.steps}\n"
            f"micro_batch_size_per_gpu = {story.batch}\npipeline_stages = 1\n"
            f"gradient_accumulation_steps = 1\nactivation_checkpointing = true\n{saving}"
            f"lr_scheduler = '{options['schedule']}'\nwarmup_steps = {options.get('warmup', 0)}\n\n"
            f"[model]\ntype = '{kind}'\ndiffusers_path = '/workspace/models/{kind}'\n"
            "dtype = 'bfloat16'\n\n[adapter]\ntype = 'lora'\nrank = 16\n\n"
            f"[optimizer]\ntype = 'adamw_optimi'\nlr = {options['rate']}\nbetas = [0.9, 0.99]\n"
        ),
        "dataset.toml": (
            f"resolutions = [{options.get('resolution', 1024)}]\nenable_ar_bucket = true\n\n"
            "[[directory]]\npath = '/workspace/data/robot'\nnum_repeats = 1\n"
        ),
    }


def console(story: Story, tape: Tape) -> None:
    def say(where: str, text: str, level: str = "INFO") -> None:
        tape.out(
            f"[{stamp(tape.time)},{int(tape.time * 1000) % 1000:03d}] [{level}] [{where}] {text}\n"
        )

    say("real_accelerator.py:260:get_accelerator", "Setting ds_accelerator to cuda (auto detect)")
    say("runner.py:220:fetch_hostfile", "Unable to find hostfile, will proceed with training with "
        "local resources only.", "WARNING")  # fmt: skip
    say("runner.py:610:main", "cmd = /workspace/venv/bin/python -u -m deepspeed.launcher.launch "
        "--master_addr=127.0.0.1 --master_port=29500 train.py --deepspeed --config robot.toml"
        + (" --resume_from_checkpoint" if story.resumed else ""))  # fmt: skip
    say("launch.py:146:main", "WORLD INFO DICT: {'localhost': [0]}")
    say("comm.py:852:init_distributed", "Initializing TorchBackend in DeepSpeed with backend nccl")
    tape.out("Intermediate metadata is not cached. Enumerating all files.\n")
    tape.err(whole_bar("", story.images, 0.1, every=story.images))
    tape.out("caching latents: (1024, 1024, 1)\n[CACHE] Initializing\n")
    tape.err(whole_bar("", story.images, 0.5 * story.images, every=5))
    tape.out("caching text embeddings: (1024, 1024, 1)\n[CACHE] Initializing\n")
    tape.out("Building iteration order\n")
    tape.time += 60 + 0.5 * story.images
    tape.out(f"Global batch size = {story.batch}\nDataset length: {story.images}\n")
    tape.out("stage=0 layers=59\n")
    per_epoch = story.per_epoch
    if story.resumed:
        epoch = story.first // per_epoch + 1
        tape.out(
            "Resuming training from checkpoint. "
            f"Resuming at epoch: {epoch}, step: {story.first + 1}\n"
        )
    for n in range(story.first + 1, (story.stop or story.steps) + 1):
        took = story.seconds[n - 1]
        tape.time += took
        say("logging.py:107:log_dist", f"[Rank 0] step={n}, skipped=0, lr=[{story.rates[n - 1]!r}],"
            " mom=[(0.9, 0.99)]")  # fmt: skip
        tape.out(
            f"steps: {n} loss: {story.losses[n - 1]:.4f} iter time (s): {took:.3f} "
            f"samples/sec: {story.batch / took:.3f}\n"
        )
        tape.mark(n)
        for pause in story.pauses.get(n, ()):
            if pause.kind == "save":
                due = f"[Rank 0] [Torch] Checkpoint global_step{n} is about to be saved!"
                say("logging.py:107:log_dist", due)
                tape.out(f"Saving model to directory step{n}\n")
            elif pause.kind == "validate":
                tape.out("Running eval\n")
                tape.err(whole_bar("", 18, pause.seconds, every=6))
            tape.time += pause.seconds
        if n % per_epoch == 0 and n < story.steps:
            tape.out(f"Started new epoch: {n // per_epoch + 1}\n")
    if story.stop:
        return
    if not any(pause.kind == "save" for pause in story.pauses.get(story.steps, ())):
        tape.out(f"Saving model to directory epoch{story.epochs}\n")
    tape.out("TRAINING COMPLETE!\n")
    say("launch.py:351:main", "Process 4242 exits successfully.")
    tape.mark(story.steps)
