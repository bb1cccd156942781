"""Wrapped lines, tracebacks, the training bar, and the reader that ties them together."""

from __future__ import annotations

import math

import pytest

from loratui.core.events import (
    Checkpoint,
    Config,
    Ended,
    Event,
    Failure,
    LogLine,
    Phase,
    RunBegan,
)
from loratui.trainers import trainers
from loratui.trainers.reading.commandline import settings
from loratui.trainers.reading.tracebacks import Tracebacks
from loratui.trainers.reading.wrapping import Wrapping
from tests.runs import log, progress, read, series


def lines(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, LogLine)]


# wrapping


def joined(*physical: str) -> list[tuple[str, str]]:
    wrapping = Wrapping()
    found = [done for at, text in enumerate(physical) for done in wrapping.feed(at, text, None)]
    return [(done.level, done.text) for done in found + wrapping.flush()]


def test_a_wrapped_message_is_one_line() -> None:
    assert joined(
        "2026-11-21 06:12:27 WARNING  No caption file found for 15     train_util.py:2090",
        "                             images. Training will continue",
        "                             without captions for these",
        "                    INFO     prepare images.                  train_util.py:2112",
    ) == [
        (
            "warning",
            "No caption file found for 15 images. Training will continue "
            "without captions for these",
        ),
        ("info", "prepare images."),
    ]


def test_a_path_broken_inside_a_word_is_glued_without_blank() -> None:
    assert joined(
        "                    WARNING  /workspace/train/data/kohya_noca train_util.py:2097",
        "                             p/10_zqxbot/robot_00.jpg",
    ) == [("warning", "/workspace/train/data/kohya_nocap/10_zqxbot/robot_00.jpg")]


def test_a_dump_of_settings_stays_one_line_each() -> None:
    found = joined(
        "                    INFO     [Dataset 0]                      config_util.py:580",
        "                               batch_size: 2",
        "                               resolution: (64, 64)",
    )
    assert [text for _, text in found] == [
        "[Dataset 0]",
        "  batch_size: 2",
        "  resolution: (64, 64)",
    ]


@pytest.mark.parametrize(
    "text",
    ["                             alone with much indent", "INFO", "epoch 1/2", "a b: c"],
)
def test_other_lines_stand_alone(text: str) -> None:
    assert [found for _, found in joined(text)] == [text]


# tracebacks


def failures(*text: str) -> list[Failure]:
    collector = Tracebacks()
    found: list[Failure] = []
    for at, line in enumerate(text):
        rank = int(line[5]) if line.startswith("[rank") else None
        found += collector.feed(at, line.removeprefix(f"[rank{rank}]: "), rank)[0]
    return found + collector.flush()


def test_traceback_with_frames_and_message() -> None:
    (found,) = failures(
        "Traceback (most recent call last):",
        '  File "/app/train.py", line 185, in <module>',
        "    trainer.train(args)",
        "    ^^^^^^^^^^^^^^^^^^^",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.95 GiB.",
    )
    assert (found.type, found.offset, found.frames) == (
        "torch.OutOfMemoryError",
        0,
        ("/app/train.py:185 <module>",),
    )
    assert found.message.startswith("CUDA out of memory")


def test_message_over_several_lines() -> None:
    (found,) = failures(
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in f',
        "RuntimeError: Error(s) in loading state_dict for UNet2DConditionModel:",
        "\tsize mismatch for conv_in.weight: copying a param with shape",
        "next line",
    )
    assert found.message.endswith("size mismatch for conv_in.weight: copying a param with shape")


def test_chain_gives_each_exception() -> None:
    found = failures(
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in f',
        "KeyError: 'x'",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "b.py", line 2, in g',
        "ValueError: bad",
    )
    assert [f.type for f in found] == ["KeyError", "ValueError"]


def test_interleaved_ranks_are_told_apart() -> None:
    found = failures(
        "[rank0]: Traceback (most recent call last):",
        "[rank1]: Traceback (most recent call last):",
        '[rank0]:   File "a.py", line 1, in f',
        '[rank1]:   File "b.py", line 2, in g',
        "[rank1]: ValueError: second",
        "[rank0]: KeyError: 'first'",
    )
    assert {(f.rank, f.type, f.frames) for f in found} == {
        (0, "KeyError", ("a.py:1 f",)),
        (1, "ValueError", ("b.py:2 g",)),
    }


def test_boxed_traceback() -> None:
    (found,) = failures(
        "╭───────────── Traceback (most recent call last) ─────────────╮",
        "│ /app/train.py:12 in main                                     │",
        "│                                                              │",
        "│ ❱ 12     train()                                             │",
        "╰──────────────────────────────────────────────────────────────╯",
        "FileNotFoundError: [Errno 2] No such file or directory: 'x'",
    )
    assert (found.type, found.frames) == ("FileNotFoundError", ("/app/train.py:12 main",))


def test_no_traceback_without_its_first_line() -> None:
    assert failures("ValueError: shown by a logger", "KeyError: 'x'") == []


# command lines


def test_settings_of_a_printed_command() -> None:
    text = (
        "subprocess.CalledProcessError: Command '['/usr/bin/python', 'train_network.py', "
        "'--learning_rate=1e-3', '--cache_latents', '--output_name', 'a b']' returned"
    )
    assert [(key, value) for key, value, _ in settings(text)] == [
        ("learning_rate", 1e-3),
        ("cache_latents", True),
        ("output_name", "a b"),
    ]


# the reader on real runs


@pytest.mark.parametrize(
    ("run", "trainer", "steps", "total", "points"),
    [
        ("kohya/healthy", "kohya", 72, 72, 72),
        ("kohya/lr-nan", "kohya", 12, 12, 12),
        ("ai_toolkit/healthy", "ai-toolkit", 200, 200, 200),
        ("ai_toolkit/healthy-terminal", "ai-toolkit", 200, 200, 200),
        ("ai_toolkit/lr-nan", "ai-toolkit", 120, 120, 120),
        ("onetrainer/healthy", "onetrainer", 150, 150, 150),
        ("onetrainer/lr-nan", "onetrainer", 2, 72, 2),
        ("diffusers/db-healthy", "diffusers", 240, 240, 240),
        ("diffusers/t2i-healthy", "diffusers", 300, 300, 300),
        ("diffusers/t2i-killed", "diffusers", 173, 300, 173),
        ("diffusers/db-crash-bad-image", "diffusers", 1, 200, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1000, 65536])
def test_steps_of_real_runs(
    run: str, trainer: str, steps: int, total: int, points: int, size: int
) -> None:
    reader, events = read(log(run).read_bytes(), size=size)
    assert reader.trainer.id == trainer
    assert (progress(events).step, progress(events).total) == (steps, total)
    loss = [step for step, _ in series(events, "loss") if step > 0]
    assert loss == list(range(1, points + 1))


@pytest.mark.parametrize(
    ("run", "trainer"),
    [
        ("kohya/crash-no-repeats-prefix", "kohya"),
        ("kohya/crash-bad-toml", "kohya"),
        ("onetrainer/crash-config-syntax", "onetrainer"),
        ("ai_toolkit/crash-dataset-missing", "ai-toolkit"),
        ("diffusers/t2i-crash-no-captions", "diffusers"),
    ],
)
def test_trainers_are_known_by_their_text_alone(run: str, trainer: str) -> None:
    reader, _ = read(log(run).read_bytes())
    assert reader.trainer.id == trainer


def test_musubi_is_told_from_sd_scripts_by_its_lines() -> None:
    data = (
        "INFO:musubi_tuner.training.trainer_base:Loading DiT model from qwen.safetensors\n"
        "  num batches per epoch / 1epochのバッチ数: 40\n"
        "\rsteps:   1%|▌  | 10/744 [00:30<36:53,  3.02s/it, avr_loss=0.1]"
    )
    reader, events = read(data.encode())
    assert reader.trainer.id == "musubi-tuner"
    facts = {e.option: e.value for e in events if isinstance(e, Config)}
    assert facts["steps_per_epoch"] == 40
    assert facts["loss_kind"] == "running-mean"


def test_a_path_that_names_another_trainer_settles_nothing() -> None:
    data = "loading /workspace/ai-toolkit/x.png\n" * 9 + "reading /opt/OneTrainer/y\n" * 9
    data += "\rsteps:   1%|▌  | 10/744 [00:30<36:53,  3.02s/it, avr_loss=0.1]"
    reader, _ = read(data.encode())
    assert reader.trainer.id == "kohya"


def test_losses_are_the_steps_own() -> None:
    """The last draw of a step counts: the first repeats the postfix of the step before."""
    _, events = read(log("diffusers/t2i-killed").read_bytes())
    assert series(events, "loss")[-4:] == [(170, 0.117), (171, 0.274), (172, 0.204), (173, 0.296)]
    assert {value for _, value in series(events, "lr")} == {0.0005}


def test_nan_stays_nan() -> None:
    _, events = read(log("kohya/lr-nan").read_bytes())
    first = next(step for step, value in series(events, "loss") if math.isnan(value))
    assert first == 2


def test_nested_bars_count_over_all_epochs() -> None:
    _, events = read(log("onetrainer/healthy").read_bytes())
    newest = progress(events)
    assert (newest.epoch, newest.epochs, newest.step) == (25, 25, 150)
    elapsed = [value for _, value in series(events, "elapsed")]
    assert elapsed == sorted(elapsed)


def test_settings_and_checkpoints_of_a_kohya_run() -> None:
    _, events = read(log("kohya/healthy").read_bytes())
    facts = {e.option: e.value for e in events if isinstance(e, Config)}
    assert facts["steps_per_epoch"] == 12
    assert facts["epochs"] == 6
    assert facts["max_steps"] == 72
    assert facts["trainer"] == "kohya"
    saved = [e.path for e in events if isinstance(e, Checkpoint)]
    assert saved[0] == "output/zqxbot-000001.safetensors"
    assert saved[-1] == "output/zqxbot.safetensors"


def test_settings_of_ai_toolkits_dump() -> None:
    _, events = read(log("ai_toolkit/healthy").read_bytes())
    keys = {e.key: e.value for e in events if isinstance(e, Config) and e.key}
    assert keys["train.lr"] == 0.0005
    assert keys["datasets[].folder_path"].startswith("/workspace")


def test_progress_never_shows_as_a_line() -> None:
    for run in ("kohya/healthy", "onetrainer/healthy", "ai_toolkit/healthy"):
        _, events = read(log(run).read_bytes())
        assert not [text for text in lines(events) if "it/s" in text or "s/it" in text]


def test_phases_of_a_run() -> None:
    _, events = read(log("ai_toolkit/healthy").read_bytes())
    names = [e.name for e in events if isinstance(e, Phase)]
    assert names[:3] == ["loading", "sampling", "training"]
    assert names.count("saving") == 4


def test_the_shells_last_word_behind_the_bar() -> None:
    _, events = read(log("diffusers/t2i-killed").read_bytes())
    assert [e.how for e in events if isinstance(e, Ended)] == ["killed"]


@pytest.mark.parametrize(
    "text",
    [
        "Killed",
        "./train.sh: line 3: 4242 Killed                  python train.py",
        "Job process terminated with signal SIGKILL.",
        "subprocess.CalledProcessError: Command '['python']' died with <Signals.SIGKILL: 9>.",
        "exited with exit code -9",
    ],
)
def test_killed(text: str) -> None:
    _, events = read(
        f"steps:  1%|▌ | 10/744 [00:30<36:53, 3.02s/it, avr_loss=0.1]\n{text}\n".encode()
    )
    assert "killed" in [e.how for e in events if isinstance(e, Ended)]


@pytest.mark.parametrize(
    "text",
    [
        "skilled workers", "INFO killed zombie worker politely",
        "caption: a knight Killed by a dragon",
        "finished with exit code 0", "step 137/900 done",
    ],
)  # fmt: skip
def test_not_killed(text: str) -> None:
    _, events = read(f"{text}\n".encode())
    assert not [e for e in events if isinstance(e, Ended)]


# two runs in one log, unknown trainers


def bar(step: int, total: int, clock: str, loss: str) -> str:
    return f"\rsteps:  1%|▌ | {step}/{total} [{clock}<36:53,  3.02s/it, avr_loss={loss}]"


def test_a_second_run_in_one_log_begins_at_its_first_line() -> None:
    start = "2026-11-21 06:18:31 INFO     Using v1 tokenizer                strategy_sd.py:26\n"
    head = "".join(bar(n, 100, f"00:{n:02d}", "0.1") for n in range(1, 40)) + "\n"
    data = head + start + "".join(bar(n, 200, f"00:{n:02d}", "0.2") for n in range(1, 9))
    _, events = read(data.encode())
    began = [e for e in events if isinstance(e, RunBegan)]
    assert [e.offset for e in began] == [len(head.encode())]


def test_a_bar_that_restarts_without_a_word_is_a_new_run() -> None:
    data = "".join(bar(n, 100, f"00:{n:02d}", "0.1") for n in range(1, 40))
    data += "".join(bar(n, 100, f"00:{n:02d}", "0.2") for n in range(9))
    _, events = read(data.encode())
    assert len([e for e in events if isinstance(e, RunBegan)]) == 1


def test_header_that_buffering_delays_is_no_new_run() -> None:
    data = "".join(bar(n, 100, f"00:{n:02d}", "0.1") for n in range(1, 20))
    data += "\nrunning training / 学習開始\n"
    data += "".join(bar(n, 100, f"00:{n:02d}", "0.1") for n in range(20, 40))
    _, events = read(data.encode())
    assert not [e for e in events if isinstance(e, RunBegan)]


@pytest.mark.parametrize(
    ("text", "step", "total", "loss", "lr"),
    [
        ("2026-01-05 15:22:48,641 - INFO - Step 10/50 - Loss: 1.9934", 10, 50, 1.9934, None),
        ("steps: 1 loss: 0.0614 iter time (s): 531.283 samples/sec: 0.008", 1, None, 0.0614, None),
        ("epoch 3 step 40 train loss=nan lr=1e-5", 40, None, math.nan, 1e-5),
        ("[Epoch 1/2] iteration [7/9] loss 2.5e-1 lr: 0.001", 7, 9, 0.25, 0.001),
    ],
)
def test_plain_step_lines(
    text: str, step: int, total: int | None, loss: float, lr: float | None
) -> None:
    _, events = read(f"{text}\n".encode())
    newest = progress(events)
    assert (newest.step, newest.total, newest.lr) == (step, total, lr)
    assert newest.loss == pytest.approx(loss, nan_ok=True)
    assert lines(events) == []


@pytest.mark.parametrize("text", ["stepping into loss of quality", "loss: 0.1", "step 3 saved"])
def test_lines_that_are_no_steps(text: str) -> None:
    _, events = read(f"{text}\n".encode())
    assert lines(events) == [text]


def test_any_bar_with_a_loss_is_read_by_the_fallback() -> None:
    data = "\rTraining:  5%|▌ | 5/100 [00:05<01:35,  1.00it/s, train_loss=0.25, lr=2e-5]"
    reader, events = read(data.encode())
    assert reader.trainer.id == "unknown"
    assert series(events, "loss") == [(5, 0.25)]
    assert series(events, "lr") == [(5, 2e-5)]


def test_windows_paths_and_line_ends() -> None:
    data = (
        b"\rsteps:  1%|# | 10/744 [00:30<36:53,  3.02s/it, avr_loss=0.1]\r\n"
        b"saving checkpoint: F:\\out\\my lora\\x-000002.safetensors\r\n"
    )
    _, events = read(data)
    saved = [e.path for e in events if isinstance(e, Checkpoint)]
    assert saved == ["F:\\out\\my lora\\x-000002.safetensors"]


def test_every_trainer_names_itself_and_has_words_for_its_bar() -> None:
    ids = [trainer.id for trainer in trainers()]
    assert len(set(ids)) == len(ids)
    assert ids[-1] == "unknown"
    assert all(trainer.title and "loss" in trainer.metrics for trainer in trainers())
