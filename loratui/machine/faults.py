"""Why NVML gives nothing, in one line each."""

from __future__ import annotations

from dataclasses import dataclass

UNINITIALISED = 1
NOT_SUPPORTED = 3
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
TIMEOUT = 10
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
RESET_REQUIRED = 16
VERSION_MISMATCH = 18
ARGUMENT_VERSION_MISMATCH = 25
DEPRECATED = 26
UNKNOWN = 999

# Another function may give the same reading where one answers so.
NEXT_WAY = frozenset({NOT_SUPPORTED, FUNCTION_NOT_FOUND, ARGUMENT_VERSION_MISMATCH, DEPRECATED})
LOST = frozenset({GPU_IS_LOST, RESET_REQUIRED})
# The driver is there and says no: that is an answer.
ANSWERS = frozenset({NOT_SUPPORTED, NO_PERMISSION})


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there are no readings at all: a `kind` to look advice up by, and a sentence."""

    kind: str
    note: str


class RefusedError(Exception):
    """A call that gave no value: NVML's error code, or None when the bindings themselves failed."""

    def __init__(self, code: int | None, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class UnusableError(Exception):
    """There are no bindings to call NVML through."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.note)
        self.fault = fault


NO_PACKAGE = Fault("no-package", "GPU readings need the package nvidia-ml-py: not installed.")
NO_GPU = Fault("no-gpu", "The NVIDIA driver is loaded but shows no GPU.")

_AT_START = {
    LIBRARY_NOT_FOUND: Fault(
        "no-library", "No NVIDIA driver library here (NVML Shared Library Not Found)."
    ),
    DRIVER_NOT_LOADED: Fault("no-driver", "The NVIDIA driver is not loaded."),
    VERSION_MISMATCH: Fault(
        "mismatch", "The loaded NVIDIA driver and its library differ in version."
    ),
    NO_PERMISSION: Fault("no-permission", "No permission to talk to the NVIDIA driver."),
    FUNCTION_NOT_FOUND: Fault(
        "old-library", "The NVIDIA driver library is too old: it lacks functions that are needed."
    ),
    GPU_IS_LOST: Fault("lost", "A GPU is lost: it has stopped answering the NVIDIA driver."),
    RESET_REQUIRED: Fault("lost", "A GPU has to be reset before the NVIDIA driver can use it."),
    UNKNOWN: Fault("unknown", "The NVIDIA driver answers with an unknown error."),
    TIMEOUT: Fault("timeout", "The NVIDIA driver did not answer in time."),
}


def at_start(refusal: RefusedError) -> Fault:
    """What a refusal means when the library is opened or the GPUs are counted."""
    known = None if refusal.code is None else _AT_START.get(refusal.code)
    return known or Fault("other", f"NVML cannot be used: {one_line(refusal.text)}.")


def shadowed(where: str) -> Fault:
    """A module `pynvml` at `where` that is not NVIDIA's."""
    return Fault(
        "shadowed", f"The module pynvml is not NVIDIA's: {one_line(where)} hides nvidia-ml-py."
    )


def unreadable(missing: dict[str, list[str]]) -> str:
    """The readings that one GPU does not give, by reason, in one line."""
    return "; ".join(f"{reason}: {', '.join(words)}" for reason, words in missing.items())


def reason(refusal: RefusedError) -> str:
    """The reason for one missing reading, to stand before a colon and the reading's name."""
    if refusal.code is None:
        return f"unreadable ({one_line(refusal.text)})"
    return _REASONS.get(refusal.code) or f"driver error {refusal.code} ({one_line(refusal.text)})"


_REASONS = {
    NOT_SUPPORTED: "not supported by this GPU",
    NO_PERMISSION: "no permission to read",
    FUNCTION_NOT_FOUND: "unknown to this driver",
    ARGUMENT_VERSION_MISMATCH: "unknown to this driver",
    DEPRECATED: "unknown to this driver",
    UNKNOWN: "unknown driver error",
    TIMEOUT: "no answer in time",
    UNINITIALISED: "the driver was restarted",
    DRIVER_NOT_LOADED: "the driver was unloaded",
    VERSION_MISMATCH: "the driver was replaced",
}


def one_line(text: str) -> str:
    """`text` on one line, without its full stop, at most 120 characters."""
    return " ".join(text.split())[:120].rstrip(". ")
