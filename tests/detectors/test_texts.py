"""The scanner over all patterns, and what it makes of several texts of one run."""

from __future__ import annotations

import re
import time

import pytest

from loratui.core.events import Ended, Failure, LogLine
from loratui.core.findings import Severity
from loratui.detectors.base import View
from loratui.detectors.texts import LONGEST, TextScanner, cut, tolerant
from loratui.kb import load

KB = load()
_TYPED = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: ?(.*))?$", re.DOTALL)


def scan(*texts, level="", frames=(), scanner=None, step=None):
    """What each text shows when it comes as a line, or as an exception where it is a Failure."""
    scanner = scanner or TextScanner(KB.messages)
    lines = [LogLine("log", 7 * i, t, level) for i, t in enumerate(texts) if isinstance(t, str)]
    failures = [t for t in texts if not isinstance(t, str)]
    return dict(scanner.update(View(lines=lines, failures=failures, step=step)))


def failure(text, frames=(), rank=None):
    found = _TYPED.match(text)
    assert found is not None
    return Failure("log", 5, found.group(1), found.group(2) or "", tuple(frames), rank)


ENTRIES = [pytest.param(m, id=f"{m.finding}/{m.id}") for m in KB.messages]


@pytest.mark.parametrize("message", ENTRIES)
def test_an_example_shows_its_own_finding_and_a_near_miss_does_not(message):
    wrapper = message.finding == "crashed" and message.where == "exception"
    if not message.frame and not wrapper:
        assert set(scan(message.example)) == {message.finding}
    assert message.finding not in scan(message.near_miss)
    pattern = re.compile(tolerant(message.pattern), re.IGNORECASE)
    assert pattern.search(message.example)


@pytest.mark.parametrize("message", ENTRIES)
def test_an_example_survives_the_loss_of_a_blank(message):
    pattern = re.compile(tolerant(message.pattern), re.IGNORECASE)
    found = pattern.search(message.example)
    blanks = [m.start() for m in re.finditer(r"(?<=[a-z,.:]) (?=[a-z])", found.group())]
    if r"\s" in message.pattern:
        return  # says itself where blanks matter
    for at in blanks:
        at += found.start()
        broken = message.example[:at] + message.example[at + 1 :]
        assert pattern.search(broken), broken


def test_a_line_rejoined_without_the_blank_is_recognised():
    assert set(scan("No caption file found for 15images. Training will continue")) == {
        "missing-captions"
    }
    assert set(scan("CUDA outof memory. Tried toallocate 1.95 GiB. GPU 0 has a total")) == {
        "cuda-oom"
    }


@pytest.mark.parametrize("noise", [pytest.param(n, id=n.id) for n in KB.noise])
def test_noise_never_matches(noise):
    assert scan(noise.example) == {}


@pytest.mark.parametrize(
    "line",
    [
        "epoch 1/10",
        "killed 3 stale cache files",
        "Killed processes are restarted by the queue",
        "WARNING: could not import xformers: ModuleNotFoundError: No module named 'xformers'",
        "Optional extension skipped (ImportError: No module named 'deepspeed')",
        "set PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid CUDA out of memory",
        "found directory /data/10_cat contains 0 image files",
        "no regularization images / 正則化画像が見つかりませんでした",
        "Failed to get git commit hash, using fallback",
        "text encoder is not trained: No such file or directory is needed",
        "prompt: a man killed by signal, out of memory, no images found [/bold]",
        "DecompressionBombWarning: Image size (100000000 pixels) exceeds limit of 89478485 pixels",
        "A matching Triton is not available, some optimizations will not be enabled.",
        "The installed version of bitsandbytes was compiled without GPU support.",
        "loss is nan-safe now",
        "text_encoder\\model.safetensors not found",
        "UserWarning: `log_with=tensorboard` was passed but no supported trackers are installed",
        "`loss_type=None` was set in the config but it is unrecognised. Using the default loss",
        "use_checkpoint: None of PyTorch, TensorFlow have been found",
    ],
)
def test_harmless_lines_are_not_taken_for_errors(line):
    assert scan(line) == {}


@pytest.mark.parametrize(
    ("text", "frames", "finding"),
    [
        ("FileNotFoundError: [Errno 2] No such file or directory: '/data/cats'",
         ["/ai-toolkit/toolkit/data_loader.py:444 __init__"], "no-data"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/m/flux1-dev.safetensors'",
         ["/x/library/flux_utils.py:10 load"], "model-not-found"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'config/a.yaml'",
         ["/ai-toolkit/run.py:10 main"], "bad-argument"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/data/a.txt'",
         ["/x/dataset.py:10 caption"], "missing-captions"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'nvcc'",
         ["/x/setup.py:10 build"], "crashed"),
        ("TypeError: AdamW.__init__() got an unexpected keyword argument 'decouple'",
         ["/x/train_util.py:10 get_optimizer"], "bad-argument"),
        ("TypeError: foo() got an unexpected keyword argument 'x'", ["/x/a.py:1 f"], "crashed"),
        ("ImportError: libcudart.so.12: cannot open shared object file", [], "cuda-mismatch"),
        ("ImportError: libGL.so.1: cannot open shared object file", [], "missing-dependency"),
        ("PermissionError: [Errno 13] Permission denied: '/out'", [], "save-failed"),
    ],
)  # fmt: skip
def test_context_decides_what_a_general_exception_means(text, frames, finding):
    assert set(scan(failure(text, frames))) == {finding}


def test_numbers_come_from_the_named_groups():
    text = next(m.example for m in KB.messages if m.finding == "cuda-oom" and m.id == "torch-2")
    verdict = scan(failure(text), step=40)["cuda-oom"]
    assert verdict.numbers == {
        "tried": "1.95 GiB", "total": "14.57 GiB", "free": "1.58 GiB", "count": 1,
    }  # fmt: skip
    assert verdict.since == 40
    assert verdict.evidence[0].kind == "log"
    assert verdict.evidence[0].text.startswith("torch.OutOfMemoryError: CUDA out")
    assert verdict.evidence[0].data["source"] == "log"
    assert verdict.evidence[0].data["offset"] == 5


def test_a_caught_oom_is_a_warning_until_it_ends_the_run():
    scanner = TextScanner(KB.messages)
    caught = scan("# OOM during training step, skipping batch 1/3 #", scanner=scanner, step=5)
    assert caught["cuda-oom"].severity == Severity.WARNING
    again = scan("# OOM during training step, skipping batch 2/3 #", scanner=scanner, step=6)
    assert again["cuda-oom"].numbers["skipped"] == 2
    assert again["cuda-oom"].numbers["count"] == 2
    assert again["cuda-oom"].since == 5
    end = failure("RuntimeError: OOM during training step 3 times in a row, aborting training")
    over = scan(end, scanner=scanner, step=8)
    assert over["cuda-oom"].severity is None
    assert "caught" not in over["cuda-oom"].numbers


def test_an_unknown_exception_is_a_crash_with_its_last_frame():
    verdict = scan(failure("KeyError: 'sks'", ["/a.py:1 main", "/b.py:9 load"]))["crashed"]
    assert verdict.numbers["type"] == "KeyError"
    assert verdict.numbers["message"] == "'sks'"
    assert verdict.numbers["last"] == "/b.py:9 load"


WRAPPER = (
    "subprocess.CalledProcessError: Command '['python', 'a.py']' returned non-zero exit status 1."
)


def test_a_wrapper_is_never_the_cause():
    oom = failure("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.")
    assert set(scan(oom, failure(WRAPPER))) == {"cuda-oom"}
    found = scan(failure("KeyError: 'a'"), failure(WRAPPER))
    assert found["crashed"].numbers["type"] == "KeyError"
    assert set(scan(failure(WRAPPER))) == {"crashed"}
    refused = "a.py: error: unrecognized arguments: --foo"
    assert set(scan(refused, failure(WRAPPER))) == {"bad-argument"}


def test_a_wrapper_gives_way_to_what_comes_later():
    scanner = TextScanner(KB.messages)
    scan(failure(WRAPPER), scanner=scanner)
    found = scan(failure("KeyError: 'a'"), scanner=scanner)
    assert found["crashed"].numbers["type"] == "KeyError"


def test_the_specific_exception_of_a_chain_wins():
    found = scan(
        failure("KeyError: 'latents'"),
        failure("ModuleNotFoundError: No module named 'bitsandbytes'"),
    )
    firing = {name for name, verdict in found.items() if verdict.state == "firing"}
    assert firing == {"missing-dependency"}


def test_the_first_rank_that_fails_wins():
    found = scan(
        failure("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.", rank=1),
        failure("torch.distributed.DistBackendError: NCCL error in: x.cpp:1", rank=0),
    )
    assert set(found) == {"cuda-oom"}


@pytest.mark.parametrize("text", ["KeyboardInterrupt", "Exception: Job stopped"])
def test_an_interruption_is_no_crash(text):
    assert scan(failure(text)) == {}


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("Checkpoint 'latest' does not exist. Starting a new training run.", Severity.INFO),
        ("Checkpoint 'checkpoint-500' does not exist. Starting a new training run.",
         Severity.WARNING),
        ("No backup found, continuing without backup...", Severity.INFO),
    ],
)  # fmt: skip
def test_a_new_run_instead_of_an_old_one(line, severity):
    assert scan(line)["resume-failed"].severity is severity


def test_of_several_causes_the_one_that_came_first_stands_first():
    """A line and an exception in one batch stand in the order of the log."""
    early = LogLine("log", 100, "No space left on device: '/out'")
    late = LogLine("log", 900, "No space left on device: '/out'")
    oom = Failure("log", 500, "torch.OutOfMemoryError", "CUDA out of memory.", (), None)
    for line, wanted in ((early, "save-failed"), (late, "cuda-oom")):
        found = TextScanner(KB.messages).update(View(lines=[line], failures=[oom]))
        assert next(iter(found)) == wanted


def test_a_place_says_more_than_the_longest_match():
    """The same exception is another finding where an earlier run is being read."""
    text = "RuntimeError: Error(s) in loading state_dict for LoRANetwork:"
    assert set(scan(failure(text, ["/x/train.py:10 main"]))) == {"model-mismatch"}
    where = ["/x/accelerate/checkpointing.py:200 load_accelerator_state"]
    assert set(scan(failure(text, where))) == {"resume-failed"}


ENDED = "[ERROR] Command exited with code 1"


def test_that_it_ended_is_said_only_where_nothing_says_why():
    assert set(scan(ENDED)) == {"exited-early"}
    assert set(scan("CUDA error: out of memory", ENDED)) == {"cuda-oom"}
    scanner = TextScanner(KB.messages)
    scan(failure("KeyError: 'a'"), scanner=scanner)
    assert scan(ENDED, scanner=scanner) == {}
    scanner = TextScanner(KB.messages)
    scan(ENDED, scanner=scanner)
    found = scan(failure("KeyError: 'a'"), scanner=scanner)
    assert {name: verdict.state for name, verdict in found.items()} == {
        "exited-early": "clear",
        "crashed": "firing",
    }


def test_a_message_that_a_console_broke_is_put_together():
    broken = failure(
        "ValueError: gradient_accumulation and gradient_accumulation_steps are mutually"
    )
    rest = LogLine("log", 90, "exclusive")
    found = TextScanner(KB.messages).update(View(lines=[rest], failures=[broken]))
    assert set(found) == {"bad-argument"}
    short = failure("ValueError: gradient_accumulation and")
    found = TextScanner(KB.messages).update(View(lines=[rest], failures=[short]))
    assert set(found) == {"crashed"}


def test_what_a_trainer_logs_as_a_warning_is_no_error():
    line = "Could not load image path / x: /a.png, error: bad"
    assert scan(line, level="warning")["bad-image"].severity == Severity.WARNING
    assert scan(line, level="error")["bad-image"].severity is None


def test_killed_is_also_known_from_the_end_of_the_run():
    scanner = TextScanner(KB.messages)
    ended = Ended("log", 9, "killed", 137, "SIGKILL")
    assert scanner.update(View(ended=ended))["killed"].numbers["code"] == 137
    assert scanner.update(View(ended=ended)) == {}
    assert TextScanner(KB.messages).update(View(ended=Ended("log", 9, "finished"))) == {}


def test_nothing_new_says_nothing():
    scanner = TextScanner(KB.messages)
    scan("CUDA error: out of memory", scanner=scanner)
    assert scanner.update(View()) == {}


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00" * 50, "[" * 5000, "x" * 2_000_000, "é" * 9000, "\udcff error: argument"],
)
def test_hostile_text_is_survived(text):
    assert scan(text) == {}
    assert set(scan(Failure("log", 0, text or "E", text))) <= {"crashed"}


@pytest.mark.parametrize("filler", [" ", "a", "a ", "model a_b/", "1', "])
def test_no_pattern_takes_long_over_a_hostile_line(filler):
    """The slowest takes a thirtieth of a second; one that doubles with each letter never ends."""
    for message in KB.messages:
        pattern = re.compile(tolerant(message.pattern), re.IGNORECASE)
        line = cut(message.needle + filler * LONGEST + message.needle)
        began = time.process_time()
        pattern.search(line)
        assert time.process_time() - began < 0.5, message.id


def test_a_long_line_keeps_both_ends_and_no_long_gap():
    line = cut("begin" + "x" * 9000 + " " * 900 + "end")
    assert line.startswith("begin")
    assert line.endswith("x" + " " * 8 + "end")
    assert len(line) <= LONGEST + 1
