"""One console of each trainer, and what a run of it leaves in its folder beside the console.

Consoles are recorded where we have them, else written in the exact formats (SOURCES.txt beside
them); the other files are those of tests/fixtures, or made here with the trainer's own names.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.runs import FIXTURES, log
from tests.sources import event_files
from tests.sources.test_sqlite import Logger

CONFIGS = FIXTURES / "configs"
IMAGES = 7
"""Images in the folder of a made data set."""


@dataclass(frozen=True)
class Case:
    """`title` begins the trainer's row in the README; `console` is a log with a whole run.

    `validation` is a log with a validation where the console shows one, `error` a log and the
    finding that it must give. `step`, `total` and `loss` are what Live shows at the end.
    """

    title: str
    console: str
    error: tuple[str, str]
    step: int
    total: int | None
    loss: str
    validation: str = ""


OTHER = "unknown"
CASES = {
    "kohya": Case(
        "kohya sd-scripts", "kohya/healthy", ("kohya/crash-no-repeats-prefix", "no-data"),
        72, 72, "0.168", "kohya/validation",
    ),
    "musubi-tuner": Case(
        "musubi-tuner", "musubi_tuner/healthy", ("musubi_tuner/oom", "cuda-oom"), 80, 80, "0.103",
    ),
    "ai-toolkit": Case(
        "ai-toolkit", "ai_toolkit/healthy", ("ai_toolkit/crash-dataset-missing", "no-data"),
        200, 200, "0.299",
    ),
    "onetrainer": Case(
        "OneTrainer", "onetrainer/healthy", ("onetrainer/crash-config-syntax", "config-syntax"),
        150, 150, "0.0530",
    ),
    "simpletuner": Case(
        "SimpleTuner", "simpletuner/healthy", ("simpletuner/oom", "cuda-oom"), 120, 120, "0.0497",
    ),
    "diffusion-pipe": Case(
        "diffusion-pipe", "diffusion_pipe/healthy", ("diffusion_pipe/oom", "cuda-oom"),
        100, None, "0.158",
    ),
    "diffusers": Case(
        "diffusers scripts", "diffusers/db-healthy", ("diffusers/db-crash-bad-image", "bad-image"),
        240, 240, "0.0611",
    ),
    OTHER: Case("any other", "", ("", "crashed"), 50, 50, "0.0500"),
}  # fmt: skip

_LINES = "".join(
    f"2026-01-05 15:22:{n:02d} - INFO - Epoch {1 + n // 26}/2 step {n}/50 - loss: {1 / (n + 9):.4f}"
    f" lr: 1e-4\n"
    for n in range(1, 51)
).replace("loss: 0.0169", "loss: 0.05")
_ASIDE = (
    "\rSampling:  50%|█████     | 1/2 [00:01<00:01,  1.00s/it]\n"
    "Saved checkpoint to out/robot.safetensors\n"
)
_CRASH = 'Traceback (most recent call last):\n  File "t.py", line 9, in f\nFooError: no such foo\n'


def console(trainer: str) -> bytes:
    """A whole run as its console shows it."""
    if trainer == OTHER:
        return (_LINES[: _LINES.rindex("2026")] + _ASIDE + _LINES[_LINES.rindex("2026") :]).encode()
    return log(CASES[trainer].console).read_bytes()


def crash(trainer: str) -> bytes:
    """A run that stopped with an error."""
    if trainer == OTHER:
        return (_LINES + _CRASH).encode()
    return log(CASES[trainer].error[0]).read_bytes()


# what stands beside the console; each takes the run's folder, in which train.log lies

Beside = Callable[[Path], None]


def copied(*names: str, **changed: str) -> Beside:
    """Files of tests/fixtures/configs; `changed` names files' new names by their old stems."""

    def build(folder: Path) -> None:
        for name in names:
            path = CONFIGS / name
            shutil.copy(path, folder / changed.get(path.stem, path.name))

    return build


def written(name: str, text: str) -> Beside:
    """A file with this text, `{data}` for the folder of images, which is then made."""

    def build(folder: Path) -> None:
        data = folder / "data"
        data.mkdir(exist_ok=True)
        for number in range(IMAGES):
            (data / f"{number}.png").touch()
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{data}", str(data)))

    return build


def both(*builders: Beside) -> Beside:
    def build(folder: Path) -> None:
        for each in builders:
            each(folder)

    return build


def scalars(place: str, tags: Mapping[str, float]) -> Beside:
    """TensorBoard's file with a few points of each tag."""

    def build(folder: Path) -> None:
        rows = [event_files.version()]
        for step in (1, 2, 3):
            for tag, value in tags.items():
                rows.append(event_files.scalar(step, value / step, tag))
        event_files.write(folder / place, b"".join(rows))

    return build


def tree(*names: str) -> Beside:
    """Files that a trainer writes, with nothing in them."""

    def build(folder: Path) -> None:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")

    return build


def recorded(name: str, place: str) -> Beside:
    """The TensorBoard folder of a recorded run."""

    def build(folder: Path) -> None:
        shutil.copytree(FIXTURES / "folders" / name / place, folder / place, dirs_exist_ok=True)

    return build


def loss_log(keys: Mapping[str, float]) -> Beside:
    """ai-toolkit's database, toolkit/logging_aitk.py."""

    def build(folder: Path) -> None:
        logger = Logger(folder / "loss_log.db", wal=False)
        for step in (1, 2, 3):
            logger.log(step, **keys)
        logger.connection.close()

    return build


def jsonl(metrics: Mapping[str, float]) -> Beside:
    """SimpleTuner's own tracker, helpers/training/local_metrics.py."""

    def build(folder: Path) -> None:
        rows = [
            {
                "metrics": metrics,
                "schema_version": 1,
                "step": step,
                "timestamp": "2026-09-12T10:00:00+00:00",
            }
            for step in (1, 2, 3)
        ]
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / "training_metrics.jsonl").write_text(text)

    return build


_ONETRAINER = (CONFIGS / "onetrainer" / "config.json").read_text()
_CONCEPTS = '[{"name": "x", "path": "{data}", "text": {"prompt_source": "sample"}}]'
_BACKEND = (
    '[{"id": "x", "type": "local", "instance_data_dir": "{data}", "caption_strategy": "textfile",'
    ' "repeats": 1, "resolution": 512}]'
)
_DIRECTORY = "resolutions = [512]\nenable_ar_bucket = false\n[[directory]]\npath = '{data}'\n"
_PIPE = (CONFIGS / "diffusion_pipe" / "main.toml").read_text()

# (trainer, column, source as the README calls it): what to put beside the console
SOURCES: dict[tuple[str, str, str], Beside] = {
    ("kohya", "loss", "TensorBoard"): recorded("kohya-healthy", "logs"),
    ("kohya", "learning rate", "TensorBoard"): recorded("kohya-healthy", "logs"),
    ("kohya", "settings", "command"): copied("kohya/cmd.txt"),
    ("kohya", "settings", "TOML"): copied("kohya/config.toml"),
    ("kohya", "settings", "GUI's JSON"): copied("kohya/gui.json"),
    ("kohya", "settings", "GUI's TOML"): copied("kohya/easy.toml"),
    ("kohya", "settings", ".sh"): copied("kohya/fluxgym.sh"),
    ("kohya", "settings", ".bat"): copied("kohya/train.bat"),
    ("kohya", "settings", ".ps1"): copied("kohya/train.ps1"),
    ("musubi-tuner", "loss", "TensorBoard"): scalars(
        "logs/20260912/network_train", {"loss/current": 0.2, "loss/average": 0.2}
    ),
    ("musubi-tuner", "learning rate", "TensorBoard"): scalars(
        "logs/20260912/network_train", {"lr/unet": 5e-5}
    ),
    ("musubi-tuner", "settings", "command"): written(
        "cmd.txt",
        "accelerate launch src/musubi_tuner/qwen_image_train_network.py --dit qwen.safetensors "
        "--network_module networks.lora_qwen_image --learning_rate 5e-5\n",
    ),
    ("musubi-tuner", "settings", "TOML"): written(
        "config.toml",
        'dit = "qwen.safetensors"\nnetwork_module = "networks.lora_qwen_image"\n'
        "learning_rate = 5e-5\n",
    ),
    ("musubi-tuner", "settings", ".sh"): copied("musubi_tuner/train.sh"),
    ("ai-toolkit", "settings", "YAML"): copied("ai_toolkit/config.yaml"),
    ("ai-toolkit", "validation loss", "loss_log.db"): loss_log({"loss/loss": 0.2, "val/loss": 0.3}),
    ("onetrainer", "learning rate", "TensorBoard"): recorded(
        "onetrainer-healthy", "workspace/tensorboard"
    ),
    ("onetrainer", "validation loss", "TensorBoard"): scalars(
        "workspace/tensorboard/2026-11-21_06-50-54",
        {"loss/validation_step/robot": 0.2, "loss/validation_step/total_average": 0.2},
    ),
    ("onetrainer", "settings", "JSON"): copied("onetrainer/config.json"),
    ("onetrainer", "images", "its folders"): both(
        written("config.json", _ONETRAINER), written("concepts.json", _CONCEPTS)
    ),
    ("simpletuner", "validation loss", "TensorBoard"): scalars(
        "logs/simpletuner", {"train_loss": 0.2, "loss/val/robot": 0.2}
    ),
    ("simpletuner", "validation loss", "training_metrics.jsonl"): jsonl(
        {"train_loss": 0.2, "loss/val/robot": 0.2}
    ),
    ("simpletuner", "settings", "config.json"): copied("simpletuner/config.json"),
    ("simpletuner", "settings", "config.env"): copied("simpletuner/config.env"),
    ("simpletuner", "images", "its folders"): both(
        copied("simpletuner/config.json"), written("multidatabackend.json", _BACKEND)
    ),
    ("simpletuner", "checkpoints", "files"): tree(
        "output/checkpoint-40/pytorch_lora_weights.safetensors",
        "output/checkpoint-40/optimizer.bin",
    ),
    ("diffusion-pipe", "progress", "TOML"): written("main.toml", f"max_steps = 100\n{_PIPE}"),
    ("diffusion-pipe", "validation loss", "TensorBoard"): scalars(
        "20260912_15-17-00",
        {"train/loss": 0.1, "robot/loss_quantile_0.10": 0.1, "robot/loss": 0.2},
    ),
    ("diffusion-pipe", "settings", "TOML"): copied("diffusion_pipe/main.toml"),
    ("diffusion-pipe", "images", "its folders"): both(
        written("main.toml", _PIPE), written("dataset.toml", _DIRECTORY)
    ),
    ("diffusers", "settings", "command"): copied("diffusers/dreambooth.txt", dreambooth="cmd.txt"),
    (OTHER, "validation loss", "TensorBoard"): scalars(
        "logs", {"train_loss": 0.2, "val/loss": 0.3}
    ),
    (OTHER, "validation loss", "CSV"): written(
        "metrics.csv", "step,train_loss,val_loss\n1,0.3,0.4\n2,0.2,0.3\n"
    ),
}

LOGS = {("simpletuner", "debug.log"): "simpletuner/debug"}
"""Sources that are another log of the same run."""
