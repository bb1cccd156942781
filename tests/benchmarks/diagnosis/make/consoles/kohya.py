"""sd-scripts, and musubi-tuner, whose console is the same but for its log records.

Bar and mean: train_network.py and LossRecorder in library/train_util.py (sd-scripts 0.10.1),
training/trainer_base.py (musubi-tuner 0.3.4).
"""

from __future__ import annotations

import math

from tests.benchmarks.diagnosis.make.bars import Bar, number, whole_bar
from tests.benchmarks.diagnosis.make.consoles.common import LAUNCH, command, rich, stamp
from tests.benchmarks.diagnosis.make.story import Pause, Story, Tape

_MT = "INFO:musubi_tuner.training.trainer_base:"


class Mean:
    """LossRecorder: a slot for each micro-step of an epoch, replaced in the next one."""

    def __init__(self) -> None:
        self._slots: list[float] = []
        self._total = 0.0

    def add(self, epoch: int, slot: int, loss: float) -> float:
        if epoch == 0:
            self._slots.append(loss)
        else:
            while len(self._slots) <= slot:
                self._slots.append(0.0)
            self._total -= self._slots[slot]
            self._slots[slot] = loss
        self._total += loss
        return self._total / len(self._slots)


def _words(story: Story) -> list[str]:
    options = story.options
    if story.trainer == "musubi-tuner":
        script = "src/musubi_tuner/qwen_image_train_network.py"
        words = ["--dit", "/workspace/models/qwen_image_bf16.safetensors"]
        network, data = "networks.lora_qwen_image", ["--dataset_config", "/workspace/robot.toml"]
    else:
        sdxl = options.get("family") == "sdxl"
        script = f"/workspace/sd-scripts/{'sdxl_' if sdxl else ''}train_network.py"
        model = "sd_xl_base_1.0" if sdxl else "v1-5-pruned"
        words = [f"--pretrained_model_name_or_path=/workspace/models/{model}.safetensors"]
        network = "networks.lora"
        data = ["--train_data_dir=/workspace/data", f"--train_batch_size={story.batch}"]
        data.append(f"--resolution={options.get('resolution', 512)}")
    words = ["accelerate", "launch", "--mixed_precision", "bf16", script, *words, *data]
    words += [f"--network_module={network}", "--network_dim=16", f"--output_name={story.name}"]
    words += ["--output_dir=/workspace/output", f"--learning_rate={options['rate']:g}"]
    words += [f"--lr_scheduler={options['schedule']}", "--optimizer_type=AdamW8bit", "--seed=42"]
    words += [f"--max_train_epochs={story.epochs}"]
    words += [f"--{key}={value}" for key, value in _saving(story).items()]
    return words


def _saving(story: Story) -> dict[str, object]:
    options = story.options
    found: dict[str, object] = {}
    if "save_every" in options:
        found["save_every_n_steps"] = options["save_every"]
    if "keep" in options:
        found["save_last_n_steps"] = int(options["keep"] * options["save_every"])  # type: ignore[operator]
    return found


def files(story: Story) -> dict[str, str]:
    if story.trainer == "musubi-tuner":
        return {"train.sh": "#!/bin/bash\n" + " \\\n  ".join(_words(story)) + "\n"}
    rows = []
    for word in _words(story)[5:]:
        key, _, value = word.removeprefix("--").partition("=")
        bare = value.replace(".", "").replace("e-", "").isdigit()
        rows.append(f"{key} = {value if bare else repr(value)}".replace("'", '"'))
    return {"config_lora-20261121-060809.toml": "\n".join(sorted(rows)) + "\n"}


def console(story: Story, tape: Tape) -> None:
    musubi = story.trainer == "musubi-tuner"
    tape.buffered = story.buffered
    if story.shell:
        tape.err(command(_words(story)))
    tape.err(LAUNCH)
    (_musubi_head if musubi else _head)(story, tape)
    tape.out("running training / 学習開始\n")
    total, acc = story.steps, story.accumulation
    if musubi:
        tape.out(f"  num train items / 学習画像、動画数: {story.images}\n")
    else:
        tape.out(f"  num train images * repeats / 学習画像の数×繰り返し回数: {story.images}\n")
        if story.rng.random() < 0.5:
            tape.out("  num validation images * repeats / 学習画像の数×繰り返し回数: 0\n")
        tape.out("  num reg images / 正則化画像の数: 0\n")
    tape.out(
        f"  num batches per epoch / 1epochのバッチ数: {story.per_epoch * acc}\n"
        f"  num epochs / epoch数: {story.epochs}\n"
        f"  batch size per device / バッチサイズ: {story.batch}\n"
        f"  gradient accumulation steps / 勾配を合計するステップ数 = {acc}\n"
        f"  total optimization steps / 学習ステップ数: {total}\n"
    )
    tape.flush()  # a new bar flushes standard output
    _train(story, tape, musubi=musubi)


def _train(story: Story, tape: Tape, *, musubi: bool) -> None:
    total, acc, per_epoch = story.steps, story.accumulation, story.per_epoch
    bar = Bar("steps", total, cells=story.cells, plain=story.ascii, smoothing=0)
    tape.err(bar.draw(0, 0.0))
    mean, losses, seconds = Mean(), story.losses, story.seconds
    begin, postfix, shown, err = tape.time, "", 0.0, tape.err
    n = story.first // per_epoch * per_epoch
    for epoch in range(story.first // per_epoch, story.epochs):
        tape.out(f"\nepoch {epoch + 1}/{story.epochs}\n\n")
        record = f"epoch is incremented. current_epoch: {epoch}, epoch: {epoch + 1}"
        if musubi:
            err(f"INFO:musubi_tuner.dataset.image_video_dataset:{record}\n")
        elif epoch == story.first // per_epoch:
            err(rich("INFO", record, "train_util.py:784"))
        for slot in range(per_epoch):
            n += 1
            if n <= story.first:
                continue
            drawn = n - story.first  # a resumed bar counts from 0 again
            tape.time += seconds[n - 1]
            elapsed = tape.time - begin
            for micro in range(acc):
                shown = mean.add(
                    0 if epoch == story.first // per_epoch else epoch,
                    slot * acc + micro,
                    losses[(n - 1) * acc + micro],
                )
                if micro < acc - 1:
                    postfix = f"avr_loss={number(shown)}"
                    err(bar.draw(drawn - 1, elapsed, postfix))
            bar.step(drawn, elapsed)
            if seconds[n - 1] >= 0.1:
                err(bar.draw(drawn, elapsed, postfix))
            postfix = f"avr_loss={number(shown)}"
            err(bar.draw(drawn, elapsed, postfix))
            tape.mark(drawn)
            for pause in story.pauses.get(n, ()):
                _pause(story, tape, n, pause, musubi=musubi)
            if n == story.stop:
                return
    name = f"{story.name}.safetensors"
    record = "model saved."
    err(f"{_MT}{record}\n" if musubi else rich("INFO", record, "train_network.py:1729"))
    err(bar.draw(n - story.first, tape.time - begin, postfix) + "\n")
    tape.out(f"\nsaving checkpoint: /workspace/output/{name}\n")
    tape.flush()
    tape.mark(n - story.first)


def _pause(story: Story, tape: Tape, step: int, pause: Pause, *, musubi: bool) -> None:
    def say(record: str, path: str) -> None:
        text = f"{_MT}{record}\n" if musubi else rich("INFO", record, path, stamp(tape.time))
        tape.err(text)

    if pause.kind == "save":
        tape.out(f"\nsaving checkpoint: /workspace/output/{pause.name}\n")
    elif pause.kind == "remove":
        tape.out(f"removing old checkpoint: /workspace/output/{pause.name}\n")
    elif pause.kind == "sample":
        say("", "train_util.py:6393")
        say(f"generating sample images at step / サンプル画像生成 ステップ: {step}",
            "train_util.py:6394")  # fmt: skip
        say("prompt: zqxbot robot, front view, blue background", "train_util.py:6542")
        say("height: 512", "train_util.py:6544")
        say("sample_steps: 20", "train_util.py:6546")
        tape.flush()
        tape.err(whole_bar("", 20, pause.seconds, up=1))
    else:
        _validate(story, tape, pause)
    tape.time += pause.seconds


def _validate(story: Story, tape: Tape, pause: Pause) -> None:
    """Four time steps for each batch; the bar shows the mean so far."""
    times = (200, 400, 600, 800)
    weights = (1.5, 1.1, 0.8, 0.6)  # losses fall with the time step
    bar = Bar("validation steps", 8)
    text, total, postfix = [f"\n{bar.draw(0, 0.0)}\x1b[A"], 0.0, ""
    for n in range(1, 9):
        total += pause.value * weights[(n - 1) % 4]
        mean = pause.value if n == 8 else total / n
        bar.step(n, pause.seconds * n / 8)
        text.append(f"\n{bar.draw(n, pause.seconds * n / 8, postfix)}\x1b[A")
        postfix = f"val_avg_loss={number(mean)}, timestep={times[(n - 1) % 4]}"
        text.append(f"\n{bar.draw(n, pause.seconds * n / 8, postfix)}\x1b[A")
    tape.err("".join(text))
    if not math.isfinite(pause.value):
        return
    tape.err(bar.draw(8, pause.seconds, postfix) + "\n")


def _head(story: Story, tape: Tape) -> None:
    folder = f"/workspace/data/4_{story.name} robot"
    images = max(1, story.images // 4)
    tape.err(rich("INFO", "Using v1 tokenizer", "strategy_sd.py:26", stamp(tape.time)))
    tape.err(rich("INFO", "Using DreamBooth method.", "train_network.py:530"))
    tape.err(rich("INFO", "prepare images.", "train_util.py:2112"))
    found = f"found directory {folder} contains {images} image files"
    tape.err(rich("INFO", found, "train_util.py:2059"))
    tape.err(f"\rread caption:   0%|          | 0/{images} [00:00<?, ?it/s]")
    tape.err(f"\rread caption: 100%|██████████| {images}/{images} [00:00<00:00, 36080.03it/s]\n")
    repeats = f"{story.images} train images with repeats."
    tape.err(rich("INFO", repeats, "train_util.py:2158"))
    tape.err(rich("INFO", "0 reg images with repeats.", "train_util.py:2162"))
    none = "no regularization images / 正則化画像が見つかりませんでした"
    tape.err(rich("WARNING", none, "train_util.py:2167"))
    size = story.options.get("resolution", 512)
    dump = (
        f"[Dataset 0]\n  batch_size: {story.batch}\n  resolution: ({size}, {size})\n"
        f'  enable_bucket: True\n\n  [Subset 0 of Dataset 0]\n    image_dir:\n"{folder}"\n'
        f"    image_count: {images}\n    num_repeats: 4\n    shuffle_caption: False\n"
        "    keep_tokens: 0\n    caption_dropout_rate: 0.0\n    is_reg: False\n"
        f"    class_tokens: {story.name} robot\n    caption_extension: .txt\n"
    )
    tape.err(rich("INFO", dump, "config_util.py:580"))
    tape.err(rich("INFO", "[Prepare dataset 0]", "config_util.py:592"))
    tape.err(rich("INFO", "preparing accelerator", "train_network.py:593"))
    tape.err(rich("INFO", "loading model for process 0/1", "train_util.py:5574"))
    tape.out("accelerator device: cuda\n")
    if story.resumed:
        resume = f"resume training from local state: /workspace/output/{story.resumed}-state"
        tape.err(rich("INFO", resume, "train_util.py:4777"))
    tape.err(rich("INFO", "caching latents with caching strategy.", "train_util.py:1120",
                  stamp(tape.time + 12)))  # fmt: skip
    tape.err(rich("INFO", "caching latents...", "train_util.py:1170"))
    tape.err(whole_bar("", images, 0.4 * images))
    tape.time += 16 + 0.4 * images
    create = "create LoRA network. base dim (rank): 16, alpha: 8.0"
    tape.err(rich("INFO", create, "lora.py:935", stamp(tape.time)))
    tape.err(rich("INFO", "create LoRA for U-Net: 192 modules.", "lora.py:1043"))
    tape.err(rich("INFO", "enable LoRA for U-Net: 192 modules", "lora.py:1089"))
    tape.err(rich("INFO", "use 8-bit AdamW optimizer | {}", "train_util.py:4897"))
    tape.out("import network module: networks.lora\n")
    tape.out("prepare optimizer, data loader etc.\n")
    tape.out(
        f"override steps. steps for {story.epochs} epochs is / 指定エポックまでのステップ数: "
        f"{story.steps}\n"
    )


def _musubi_head(story: Story, tape: Tape) -> None:
    data = "INFO:musubi_tuner.dataset"
    tape.err(
        f"{_MT}Load dataset config from /workspace/robot.toml\n"
        f"{data}.config_utils:[Dataset 0]\n  is_image_dataset: True\n"
        f"  resolution: (1024, 1024)\n  batch_size: {story.batch}\n  num_repeats: 1\n"
        '  caption_extension: ".txt"\n  enable_bucket: True\n\n'
        f"{data}.datasources:glob images in /workspace/dataset/robot\n"
        f"{data}.datasources:found {story.images} images\n"
        f"{data}.bucket:bucket: (1024, 1024), count: {story.images}\n"
        f"{data}.bucket:total batches: {story.per_epoch * story.accumulation}\n"
        f"{_MT}preparing accelerator\n"
    )
    tape.out("accelerator device: cuda\n")
    tape.err(f"{_MT}Loading DiT model from /workspace/models/qwen_image_bf16.safetensors\n")
    if story.resumed:
        tape.err(
            f"{_MT}resume training from local state: /workspace/output/{story.resumed}-state\n"
        )
    tape.time += 60
    tape.out("import network module: networks.lora_qwen_image\n")
    tape.err(
        "INFO:musubi_tuner.networks.lora:create LoRA network. base dim (rank): 16, alpha: 16.0\n"
        "INFO:musubi_tuner.networks.lora:create LoRA for U-Net/DiT: 840 modules.\n"
        "INFO:musubi_tuner.networks.lora:enable LoRA for U-Net: 840 modules\n"
    )
    tape.out("prepare optimizer, data loader etc.\n")
