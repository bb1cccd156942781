"""The form of every file in `knowledge/`. Values are frozen; an unknown key is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
OptionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Reference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*(#.+)?$")]
"""A source id, optionally with a section of the document or a file of the repository."""

SeverityWord = Literal["info", "warning", "error", "critical"]
Trainer = Literal[
    "kohya",
    "ai-toolkit",
    "onetrainer",
    "simpletuner",
    "diffusion-pipe",
    "musubi-tuner",
    "diffusers",
]
Family = Literal["sd15", "sdxl", "flux", "qwen-image"]
Value = bool | int | float | str


class Entry(BaseModel):
    """What all entries share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


# sources.yaml


class Source(Entry):
    """A document or repository that facts were taken from."""

    title: Text
    kind: Literal["document", "code", "reports"]
    date: str = ""
    place: str = ""
    sections: Mapping[str, Text] = Field(default_factory=dict)


# findings.yaml


class Variant(Entry):
    """Another summary for when the numbers hold these values."""

    when: Mapping[str, Value]
    summary: Text


class FindingInfo(Entry):
    """What the catalogue says of a finding.

    `summary` is a `str.format` template over the detector's numbers; a part in square brackets is
    left out when one of its numbers is missing. `reasons` explain "too early" and "cannot tell".
    """

    id: Id
    family: Literal[
        "text", "curve", "pace", "machine", "weights", "samples", "dataset", "config",
        "environment", "evaluation",
    ]  # fmt: skip
    severity: SeverityWord
    built: bool
    title: Text
    symptom: Id | None = None
    summary: Text | None = None
    variants: tuple[Variant, ...] = ()
    question: str = ""
    reasons: Mapping[str, Text] = Field(default_factory=dict)


# messages/


class Message(Entry):
    """A text by which a finding is recognised.

    `needle` is a literal part of every match in lower case: lines without it are not looked at.
    `where` says whether the text stands in a line of its own or as an exception's message.
    A `fallback` counts only when nothing more specific matches. `frame` must match a frame of the
    traceback. `numbers` are added to the named groups of the pattern.
    """

    finding: Id
    id: Id
    pattern: Text
    needle: Text
    trainers: Literal["any"] | tuple[Trainer, ...] = "any"
    where: Literal["line", "exception", "any"] = "any"
    severity: SeverityWord | None = None
    fallback: bool = False
    frame: str = ""
    numbers: Mapping[str, Value] = Field(default_factory=dict)
    example: Text
    near_miss: Text
    versions: str = ""
    source: Reference


class Noise(Entry):
    """A harmless line that looks like an error."""

    id: Id
    pattern: Text
    needle: Text
    example: Text
    source: Reference


# symptoms/


class Check(Entry):
    """How to find out; `auto` names the finding that the program looks for by itself."""

    text: Text
    auto: Id | None = None


class PatchRule(Entry):
    """How a fix changes an option."""

    option: OptionName
    op: Literal["set", "multiply", "at-most", "at-least"]
    value: Value


class When(Entry):
    """When a fix applies; what is not known does not exclude it, except `has_option`.

    `numbers` must equal the finding's own; settings must be above, below or one of the `values`.
    """

    trainers: tuple[Trainer, ...] = ()
    families: tuple[Family, ...] = ()
    has_option: tuple[OptionName, ...] = ()
    optimizer: Literal["plain", "adaptive"] | None = None
    numbers: Mapping[str, Value] = Field(default_factory=dict)
    above: Mapping[OptionName, float] = Field(default_factory=dict)
    below: Mapping[OptionName, float] = Field(default_factory=dict)
    values: Mapping[OptionName, tuple[Value, ...]] = Field(default_factory=dict)


class Caveat(Entry):
    """What speaks against a fix in practice."""

    text: Text
    source: Reference


class FixRule(Entry):
    """One fix as a rule, before it is made concrete for a run."""

    id: Id
    do: Text
    effort: Literal["minutes", "config", "data", "retrain"]
    priority: Literal["high", "medium", "low"] = "medium"
    diagnosis: str = ""
    cost: str = ""
    verify: str = ""
    patch: tuple[PatchRule, ...] = ()
    when: When = When()
    source: Reference
    caveat: Caveat | None = None


class Symptom(Entry):
    """A page: what one sees, what it means, why, how to check, what to change, how to verify."""

    id: Id
    title: Text
    see: tuple[Text, ...]
    meaning: Text
    causes: tuple[Text, ...] = ()
    check: tuple[Check, ...] = ()
    fixes: tuple[FixRule, ...]
    verify: Text
    related: tuple[Id, ...] = ()
    sources: tuple[Reference, ...]


# tree.yaml


class Answer(Entry):
    """An answer leads to another question or to a symptom."""

    id: Id
    text: Text
    question: Id | None = None
    symptom: Id | None = None


class Question(Entry):
    """One question of the tree."""

    id: Id
    text: Text
    answers: tuple[Answer, ...]


class Tree(Entry):
    """The decision tree."""

    root: Id
    questions: tuple[Question, ...]


# checklists/


class Item(Entry):
    """One thing to check. `auto` is a finding that must be clear, or ``event:…``/``metric:…``."""

    id: Id
    text: Text
    requirement: str = ""
    auto: str | None = None


class ChecklistInfo(Entry):
    """Things to check, in order; `phase` says when the program shows the list by itself."""

    id: Id
    title: Text
    phase: Literal["first-steps", "first-epoch", "mid-training"] | None = None
    intro: str = ""
    items: tuple[Item, ...]
    recipe: Id | None = None
    related: tuple[Id, ...] = ()
    sources: tuple[Reference, ...]


# options.yaml


class Option(Entry):
    """A setting under our own name, and the key that each trainer has for it.

    The first key of a trainer is the one to write; further ones are read as well. `also` are
    options that override this one where they are set. `values` translate a value for a trainer.
    """

    title: Text
    meaning: Text
    kind: Literal["number", "integer", "boolean", "text"]
    keys: Mapping[Trainer, tuple[Text, ...]]
    also: tuple[OptionName, ...] = ()
    values: Mapping[Trainer, Mapping[str, Value]] = Field(default_factory=dict)
    notes: Mapping[Trainer, Text] = Field(default_factory=dict)
    source: Reference


class Options(Entry):
    """All options and how each trainer writes a key (`{key}` is replaced)."""

    styles: Mapping[Trainer, Text]
    options: Mapping[OptionName, Option]


# profiles/


class Level(Entry):
    """An expected loss between two steps."""

    steps: tuple[int, int | None]
    loss: tuple[float, float]
    text: Text


class LossPattern(Entry):
    """A pattern of the loss as a recipe describes it."""

    name: Text
    sign: Text
    cause: Text
    fix: Text
    symptom: Id


class Profile(Entry):
    """Numbers for a model family, or a recipe: a document's own complete set-up and levels."""

    id: Id
    title: Text
    kind: Literal["family", "recipe"]
    family: Family
    applies: Text
    facts: Mapping[str, Value] = Field(default_factory=dict)
    settings: Mapping[OptionName, Value] = Field(default_factory=dict)
    levels: tuple[Level, ...] = ()
    patterns: tuple[LossPattern, ...] = ()
    sources: tuple[Reference, ...]


class State(Entry):
    """How long a state of a run usually takes."""

    usual: Text
