"""Error texts in the surroundings in which trainers, launchers and supervisors leave them.

The texts are the examples and near misses of `knowledge/messages/*.yaml`, read as they stand.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.diagnosis.make.bars import Bar
from tests.benchmarks.diagnosis.make.consoles.common import LAUNCH, fold, rich

WRAPPERS = ("subprocess", "elastic", "spawn", "exit")
"""Patterns of `crashed` that stand for an exception which only reports another."""

_EXCEPTION = re.compile(
    r"^(?:[A-Za-z_]\w*\.)*(?=[A-Z_])[A-Za-z_]*(?:Error|Exception|Exit|Invalid|Missing|Conflict|"
    r"IsEnabled|NotFound)\w*(?::(?: |$)|$)"
)
_FRAMES = (
    ("/workspace/sd-scripts/library/train_util.py", 5096, "get_optimizer"),
    ("/workspace/sd-scripts/library/config_util.py", 580, "load_user_config"),
    ("/workspace/sd-scripts/library/train_util.py", 2627, "load_image"),
    ("/workspace/sd-scripts/library/model_util.py", 1012, "load_models_from_checkpoint"),
    ("/workspace/ai-toolkit/toolkit/data_loader.py", 444, "__init__"),
    ("/workspace/ai-toolkit/toolkit/config.py", 61, "get_config"),
    ("/workspace/ai-toolkit/toolkit/dataloader_mixins.py", 401, "load_caption"),
    ("/workspace/ai-toolkit/run.py", 115, "main"),
    ("/workspace/OneTrainer/modules/util/args/TrainArgs.py", 22, "parse_args"),
    ("/workspace/OneTrainer/modules/trainer/GenericTrainer.py", 493, "save"),
    ("/workspace/venv/lib/python3.11/site-packages/PIL/Image.py", 3536, "open"),
    ("/workspace/venv/lib/python3.11/site-packages/transformers/modeling_utils.py", 4271, "load"),
    ("/workspace/venv/lib/python3.11/site-packages/safetensors/torch.py", 313, "load_file"),
    ("/workspace/venv/lib/python3.11/site-packages/torch/utils/data/sampler.py", 156, "__init__"),
    ("/workspace/venv/lib/python3.11/site-packages/datasets/load.py", 1780, "load_dataset"),
    ("/workspace/venv/lib/python3.11/site-packages/accelerate/accelerator.py", 2852, "backward"),
    ("/workspace/venv/lib/python3.11/site-packages/accelerate/accelerator.py", 3251, "load_state"),
    ("/workspace/trainer/library/checkpoints.py", 88, "load_accelerator_state"),
    ("/workspace/diffusion-pipe/utils/common.py", 40, "get_most_recent_run_dir"),
    ("/workspace/diffusion-pipe/train.py", 412, "<module>"),
    ("/workspace/venv/lib/python3.11/site-packages/toml/decoder.py", 511, "loads"),
    ("/workspace/venv/lib/python3.11/site-packages/huggingface_hub/file_download.py", 1010, "get"),
    ("/workspace/kohya_ss/kohya_gui/lora_gui.py", 1680, "train_model"),
    ("/usr/lib/python3.11/subprocess.py", 1955, "_execute_child"),
    ("/usr/lib/python3.11/glob.py", 150, "_iterdir"),
)
_LAST = ("/workspace/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", 1739, "_call")


@dataclass(frozen=True, slots=True)
class Message:
    """One pattern of the knowledge base with its two texts."""

    finding: str
    pattern: str
    where: str
    trainers: tuple[str, ...]
    frame: str
    severity: str
    example: str
    near_miss: str


@dataclass(frozen=True, slots=True)
class Text:
    """A log with one text in it. `right` is false for a near miss: then it must stay silent."""

    key: str
    finding: str
    right: bool
    data: bytes


def messages(folder: Path) -> list[Message]:
    """All patterns of a `messages` folder."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        entries: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for entry in entries:
            found.append(
                Message(
                    path.stem.replace("_", "-"),
                    entry["id"],
                    entry.get("where", ""),
                    tuple(entry.get("trainers", ())),
                    entry.get("frame", ""),
                    entry.get("severity", ""),
                    entry["example"],
                    entry["near_miss"],
                )
            )
    return found


def texts(message: Message, seed: str) -> Iterator[Text]:
    """The example in all surroundings that it can have, and the near miss in the same ones."""
    for right, text in ((True, message.example), (False, message.near_miss)):
        for name, make in SURROUNDINGS.items():
            if not _fits(name, message, text, right=right):
                continue
            key = f"{message.finding}:{message.pattern}:{name}{'' if right else ':near'}"
            rng = random.Random(f"{seed}:{key}")
            yield Text(key, message.finding, right, make(message, text, rng))


def _fits(name: str, message: Message, text: str, *, right: bool) -> bool:
    """Whether this text is ever printed in such a place."""
    raised = _EXCEPTION.match(text) is not None
    traced = name in _TRACED
    if message.where == "line" or (not raised and message.where != "exception"):
        possible = not traced
    elif message.where == "exception" or message.frame:
        possible = traced if raised or right else not traced
    else:
        possible = traced or name in ("plain", "service", "docker")
    if message.finding == "crashed" and not right:
        return not traced  # any exception is a crash
    if message.finding == "crashed" and message.pattern in WRAPPERS:
        possible = name in ("traceback", "boxed", "dos")
    if name == "rich":
        possible = possible and message.trainers in ((), ("kohya",), ("kohya", "musubi-tuner"))
    if name in ("launcher", "elastic") and message.trainers == ("ai-toolkit",):
        return False  # it is started without a launcher
    return possible


# the log around it


def _head(message: Message) -> str:
    trainer = message.trainers[0] if message.trainers else "kohya"
    if trainer == "ai-toolkit":
        return (
            "Running 1 job\n\n#############################################\n"
            "# Running job: robot\n#############################################\n\n\n"
            "Running  1 process\nLoading transformer\n"
        )
    if trainer == "onetrainer":
        return (
            "Clearing cache directory /workspace/cache! You can disable this if you want to "
            "continue using the same cache.\nSelected layers: 119\nDeselected layers: 0\n"
        )
    if trainer == "simpletuner":
        return LAUNCH + (
            "[RANK 0] \x1b[32m2026-09-12 10:00:03,117 [INFO] (id=subject) VAECache has 40 "
            "unprocessed files.\x1b[0m\n"
        )
    if trainer == "diffusion-pipe":
        return (
            "[2026-09-12 15:17:01,717] [INFO] [runner.py:610:main] cmd = /workspace/venv/bin/python"
            " -u -m deepspeed.launcher.launch train.py --deepspeed --config /workspace/flux.toml\n"
            "Intermediate metadata is not cached. Enumerating all files.\n"
        )
    if trainer == "diffusers":
        return LAUNCH + (
            "11/21/2026 06:30:00 - INFO - __main__ - ***** Running training *****\n"
            "11/21/2026 06:30:00 - INFO - __main__ -   Num examples = 24\n"
        )
    if trainer == "musubi-tuner":
        return LAUNCH + (
            "INFO:musubi_tuner.training.trainer_base:Load dataset config from /workspace/r.toml\n"
            "INFO:musubi_tuner.dataset.datasources:found 30 images\n"
        )
    return LAUNCH + (
        rich("INFO", "Using v1 tokenizer", "strategy_sd.py:26", "2026-11-21 06:08:09")
        + rich("INFO", "Using DreamBooth method.", "train_network.py:530")
        + rich("INFO", "prepare images.", "train_util.py:2112")
        + "import network module: networks.lora\nrunning training / 学習開始\n"
        "  num epochs / epoch数: 6\n  total optimization steps / 学習ステップ数: 400\n"
    )


def _steps(message: Message, rng: random.Random) -> str:
    """A few steps of the trainer's own bar; the newest draw is not ended."""
    trainer = message.trainers[0] if message.trainers else "kohya"
    if trainer == "diffusion-pipe":
        rows = (
            f"steps: {n} loss: {rng.uniform(0.05, 0.2):.4f} iter time (s): 3.400 samples/sec: 1.2\n"
            for n in range(1, 25)
        )
        return "".join(rows)
    bar = Bar("step" if trainer == "onetrainer" else "steps", 400, smoothing=0)
    text = [bar.draw(0, 0.0)]
    for n in range(1, 25):
        loss = rng.uniform(0.08, 0.15)
        bar.step(n, 1.2 * n)
        postfix = f"avr_loss={loss:.3g}"
        if trainer == "ai-toolkit":
            postfix = f"lr: 1.0e-04 loss: {loss:.3e}"
        elif trainer == "onetrainer":
            postfix = f"loss={loss:.3g}, smooth loss=0.12"
        elif trainer == "simpletuner":
            postfix = f"lr=0.0001, step_loss={loss:.3g}"
        elif trainer == "diffusers":
            postfix = f"loss={loss:.3g}, lr=0.0001"
        bar.head = {
            "ai-toolkit": "\rrobot: ",
            "simpletuner": "\rEpoch 1/2, Steps: ",
            "diffusers": "\rSteps: ",
        }.get(trainer, bar.head)
        text.append(bar.draw(n, 1.2 * n, postfix))
    return "".join(text)


def frames(message: Message) -> list[tuple[str, int, str]]:
    """Where it was raised: a place that the pattern asks for, if it asks for one."""
    found = [_FRAMES[7] if "ai-toolkit" in message.trainers else _FRAMES[15]]
    if message.frame:
        asked = (f for f in (*_FRAMES, *_named(message.frame)) if fits(message.frame, f))
        return [found[0], next(asked, _LAST)]
    return [found[0], _LAST]


def fits(pattern: str, frame: tuple[str, int, str]) -> bool:
    """Whether a frame is one that a pattern asks for."""
    return re.search(pattern, f"{frame[0]}:{frame[1]} {frame[2]}") is not None


def _named(pattern: str) -> Iterator[tuple[str, int, str]]:
    """Frames in a function with one of the names that a pattern lists."""
    for name in re.findall(r"\w{4,}", pattern):
        yield "/workspace/trainer/main.py", 88, name


def _traceback(message: Message, text: str) -> str:
    lines = ["Traceback (most recent call last):"]
    for file, line, name in frames(message):
        lines += [f'  File "{file}", line {line}, in {name}', "    return self.run(*args)"]
    return "\n".join((*lines, text)) + "\n"


_CALLED = (
    "Traceback (most recent call last):\n"
    '  File "/workspace/venv/bin/accelerate", line 8, in <module>\n    sys.exit(main())\n'
    "             ^^^^^^\n"
    '  File "/workspace/venv/lib/python3.11/site-packages/accelerate/commands/launch.py", line '
    "993, in simple_launcher\n"
    "    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)\n"
    "subprocess.CalledProcessError: Command '['/workspace/venv/bin/python3.11', 'train.py', "
    "'--output_name', 'robot']' returned non-zero exit status 1.\n"
)
_CHILD = (
    "E1121 06:30:00.117000 4242 torch/distributed/elastic/multiprocessing/api.py:869] failed "
    "(exitcode: 1) local_rank: 0 (pid: 4300) of binary: /workspace/venv/bin/python3.11\n"
    "Traceback (most recent call last):\n"
    '  File "/workspace/venv/bin/torchrun", line 8, in <module>\n    sys.exit(main())\n'
    '  File "/workspace/venv/lib/python3.11/site-packages/torch/distributed/launcher/api.py", line '
    "269, in launch_agent\n    raise ChildFailedError(\n"
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
    "============================================================\ntrain.py FAILED\n"
    "------------------------------------------------------------\nRoot Cause (first observed "
    "failure):\n[0]:\n  time      : 2026-11-21_06:30:00\n  rank      : 0 (local_rank: 0)\n"
    "  exitcode  : 1 (pid: 4300)\n"
    "============================================================\n"
)


def _each(text: str, prefix: str) -> str:
    return "".join(f"{prefix}{line}\n" for line in text.rstrip("\n").split("\n"))


def _boxed(message: Message, text: str) -> str:
    """rich's own traceback at 80 columns: the exception below it has no module, and is wrapped."""
    width, rows = 80, ["╭" + " Traceback (most recent call last) ".center(78, "─") + "╮"]

    def row(inner: str) -> None:
        for piece in fold(inner, width - 4):
            rows.append(f"│ {piece}{' ' * (width - 4 - len(piece))} │")

    for file, line, name in frames(message):
        row(f"{file}:{line} in {name}")
        row("")
        row(f"❱ {line} │   return self.run(*args)")
    rows.append("╰" + "─" * 78 + "╯")
    kind, colon, said = text.partition(":")
    shown = f"{kind.rpartition('.')[2]}{colon}{said}"
    return "\n".join(rows) + "\n" + "\n".join(fold(shown, width)) + "\n"


def _body(message: Message, text: str) -> str:
    """The text as a traceback where it is an exception, else as a line."""
    raised = _EXCEPTION.match(text) or (message.where == "exception" and text == message.example)
    return _traceback(message, text) if raised and message.where != "line" else f"{text}\n"


def _plain(message: Message, text: str, rng: random.Random) -> bytes:
    return f"{_head(message)}{text}\n".encode()


def _rich(message: Message, text: str, rng: random.Random) -> bytes:
    level = "WARNING" if message.severity == "warning" else "ERROR"
    return f"{_head(message)}{rich(level, text, 'train_util.py:2090')}".encode()


def _glued(message: Message, text: str, rng: random.Random) -> bytes:
    return f"{_head(message)}{_steps(message, rng)}{text}\n".encode()


def _bare(message: Message, text: str, rng: random.Random) -> bytes:
    return f"{_head(message)}{_traceback(message, text)}".encode()


def _stopped(message: Message, text: str, rng: random.Random) -> bytes:
    """In the middle of training: the traceback is glued to the bar."""
    return f"{_head(message)}{_steps(message, rng)}{_traceback(message, text)}".encode()


def _launcher(message: Message, text: str, rng: random.Random) -> bytes:
    return f"{_head(message)}{_traceback(message, text)}{_CALLED}".encode()


def _elastic(message: Message, text: str, rng: random.Random) -> bytes:
    own = _each(_traceback(message, text), "[rank0]: ")
    return f"{_head(message)}{own}{_CHILD}".encode()


def _box(message: Message, text: str, rng: random.Random) -> bytes:
    return f"{_head(message)}{_boxed(message, text)}".encode()


def _service(message: Message, text: str, rng: random.Random) -> bytes:
    return _each(_head(message) + _body(message, text), "trainer-1  | ").encode()


def _docker(message: Message, text: str, rng: random.Random) -> bytes:
    stamp = f"2026-11-21T06:30:{rng.randint(10, 59)}.{rng.randint(10**8, 10**9 - 1)}Z "
    return _each(_head(message) + _body(message, text), stamp).encode()


def _journal(message: Message, text: str, rng: random.Random) -> bytes:
    stamp = f"Nov 21 06:30:{rng.randint(10, 59)} gpubox python3[4242]: "
    return _each(_head(message) + _body(message, text), stamp).encode()


def _default(message: Message, text: str, rng: random.Random) -> bytes:
    return (_head(message) + _each(_body(message, text), "[default0]:")).encode()


def _dos(message: Message, text: str, rng: random.Random) -> bytes:
    return (_head(message) + _body(message, text)).replace("\n", "\r\n").encode()


SURROUNDINGS: dict[str, Callable[[Message, str, random.Random], bytes]] = {
    "plain": _plain,
    "rich": _rich,
    "glued": _glued,
    "traceback": _bare,
    "stopped": _stopped,
    "launcher": _launcher,
    "elastic": _elastic,
    "boxed": _box,
    "service": _service,
    "docker": _docker,
    "journal": _journal,
    "default": _default,
    "dos": _dos,
}
_TRACED = ("traceback", "stopped", "launcher", "elastic", "boxed")
