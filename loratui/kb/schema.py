"""The form of every file in `knowledge/`.

Plain frozen data classes: loading them from a cache needs neither pydantic nor YAML. The marks in
`Annotated` are read by pydantic when a file is checked. An unknown key is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal


@dataclass(frozen=True)
class Exactly:
    """A value of just this type, not one that could be turned into it; text has no blank ends."""

    pattern: str = ""
    least: int = 0

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        form = handler(source)
        form["strict"] = True
        if form["type"] == "str":
            form["strip_whitespace"] = True
            form["min_length"] = self.least
            if self.pattern:
                form["pattern"] = self.pattern
        return form


@dataclass(frozen=True)
class OrText:
    """A mapping, for which a plain text may stand: the text is then its field `name`."""

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def spread(value: Any) -> Any:
            return {self.name: value} if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(spread, handler(source))

    def __get_pydantic_json_schema__(self, form: Any, handler: Any) -> Any:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(form)]}


Id = Annotated[str, Exactly(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
OptionName = Annotated[str, Exactly(r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Exactly(least=1)]
Words = Annotated[str, Exactly()]
"""A text that may be empty."""

Reference = Annotated[str, Exactly(r"^[a-z0-9][a-z0-9-]*(#.+)?$")]
"""A source id, optionally with a section of the document or a file of the repository."""

Flag = Annotated[bool, Exactly()]
Whole = Annotated[int, Exactly()]
Number = Annotated[float, Exactly()]
Value = Flag | Whole | Number | Words

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
ActionName = Literal["stop", "stop-at-save", "go-on", "wait", "look"]
"""Stop at once, stop after the next checkpoint, let it run, wait for the phase to end, look first
and then decide."""

Platform = Literal["linux", "windows", "wsl", "mac"]
Subject = Literal["style", "character", "object", "likeness"]
"""What a LoRA is to learn. A likeness is a real person or animal."""


class Entry:
    """What all entries share."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


# sources.yaml, terms.yaml, states.yaml


@dataclass(frozen=True)
class Source(Entry):
    """A document or repository that facts were taken from; `short` names it beside a fact."""

    title: Text
    kind: Literal["document", "code", "reports"]
    date: Words = ""
    place: Words = ""
    short: Words = ""
    sections: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Term(Entry):
    """A word of the trade in plain words. `also` are other forms by which a text uses it."""

    title: Text
    meaning: Text
    also: tuple[Text, ...] = ()
    source: Reference | None = None


@dataclass(frozen=True)
class State(Entry):
    """How long a state of a run usually takes."""

    usual: Text
    source: Reference | None = None


# findings.yaml


@dataclass(frozen=True)
class Variant(Entry):
    """Another summary for when the numbers hold these values."""

    when: Mapping[Words, Value]
    summary: Text


@dataclass(frozen=True)
class FindingInfo(Entry):
    """What the catalogue says of a finding.

    `summary` is a `str.format` template over the detector's numbers; a part in square brackets is
    left out when one of its numbers is missing. `reasons` explain "too early" and "cannot tell".
    `rule` says in words when it fires, `wrong` when that is a mistake, `now` what to do with the
    run at that moment. `hold` is for how many steps it must last before it is said. `fixes` are
    those of its page that are meant, in this order; all of them where none are named.
    """

    id: Id
    family: Literal[
        "text", "curve", "pace", "machine", "weights", "samples", "dataset", "config",
        "environment", "evaluation",
    ]  # fmt: skip
    severity: SeverityWord
    built: Flag
    title: Text
    symptom: Id | None = None
    summary: Text | None = None
    variants: tuple[Variant, ...] = ()
    question: Words = ""
    reasons: Mapping[Words, Text] = field(default_factory=dict)
    source: Reference | None = None
    rule: Words = ""
    wrong: Words = ""
    now: ActionName = "look"
    hold: Whole = 0
    fixes: tuple[Id, ...] = ()


# joins.yaml, actions.yaml


@dataclass(frozen=True)
class Join(Entry):
    """Findings that have one cause together.

    When `finding` and all of `all_of` fire, and their onsets lie within `within` steps (0: wherever
    they lie), and what `when` asks is known and so, then `cause` (a template over the numbers of
    `finding`, of the others, and settings) is what lies behind it. `silences` are then only its
    consequences; `fixes` come first on the page, which is `symptom` instead of the finding's own.
    """

    id: Id
    finding: Id
    cause: Text
    source: Reference
    all_of: tuple[Id, ...] = ()
    within: Whole = 0
    when: When = field(default_factory=lambda: When())
    silences: tuple[Id, ...] = ()
    fixes: tuple[Id, ...] = ()
    symptom: Id | None = None


@dataclass(frozen=True)
class Action(Entry):
    """What to do with the run at this moment: a template like a summary."""

    text: Text
    source: Reference | None = None


# messages/, noise.yaml


@dataclass(frozen=True)
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
    example: Text
    near_miss: Text
    source: Reference
    trainers: Literal["any"] | tuple[Trainer, ...] = "any"
    where: Literal["line", "exception", "any"] = "any"
    severity: SeverityWord | None = None
    fallback: Flag = False
    frame: Words = ""
    numbers: Mapping[Words, Value] = field(default_factory=dict)
    versions: Words = ""


@dataclass(frozen=True)
class Noise(Entry):
    """A harmless line that looks like an error."""

    id: Id
    pattern: Text
    needle: Text
    example: Text
    source: Reference


# symptoms/


@dataclass(frozen=True)
class Check(Entry):
    """How to find out; `auto` names the finding that the program looks for by itself."""

    text: Text
    auto: Id | None = None


@dataclass(frozen=True)
class PatchRule(Entry):
    """How a fix changes an option.

    With `keep-product` the value names another option that the same fix changes; this one is
    raised by as much, so that the product of both stays (the effective batch).
    """

    option: OptionName
    op: Literal["set", "multiply", "at-most", "at-least", "keep-product"]
    value: Value


@dataclass(frozen=True)
class When(Entry):
    """When a fix applies; what is not known does not exclude it, except `has_option`.

    `numbers` must equal the finding's own (or one of several); settings must be above, below or one
    of the `values`. `capability` is the least compute capability of the card (8.0: RTX 30),
    `capability_below` the one that is too much; `images_below` a number of training images.
    """

    trainers: tuple[Trainer, ...] = ()
    families: tuple[Family, ...] = ()
    has_option: tuple[OptionName, ...] = ()
    optimizer: Literal["plain", "adaptive"] | None = None
    numbers: Mapping[Words, Value | tuple[Value, ...]] = field(default_factory=dict)
    above: Mapping[OptionName, Number] = field(default_factory=dict)
    below: Mapping[OptionName, Number] = field(default_factory=dict)
    values: Mapping[OptionName, tuple[Value, ...]] = field(default_factory=dict)
    platforms: tuple[Platform, ...] = ()
    capability: Number | None = None
    capability_below: Number | None = None
    images_below: Whole | None = None


@dataclass(frozen=True)
class Caveat(Entry):
    """What speaks against a claim in practice."""

    text: Text
    source: Reference


@dataclass(frozen=True)
class FixRule(Entry):
    """One fix as a rule, before it is made concrete for a run. `commands` are typed in a shell."""

    id: Id
    do: Text
    effort: Literal["minutes", "config", "data", "retrain"]
    source: Reference
    priority: Literal["high", "medium", "low"] = "medium"
    diagnosis: Words = ""
    cost: Words = ""
    verify: Words = ""
    patch: tuple[PatchRule, ...] = ()
    commands: tuple[Text, ...] = ()
    when: When = When()
    caveat: Caveat | None = None


@dataclass(frozen=True)
class Proof(Entry):
    """The test that shows a cure: what to generate, and what must be seen in it.

    `strength` is the LoRA's, as it is set in the prompt or the loader; `images` a number of them.
    """

    passes: Text
    images: Whole | None = None
    strength: Words = ""
    prompts: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Symptom(Entry):
    """A page: what one sees, what it means, why, how to check, what to change, how to verify.

    `related` are pages of any kind; `figures` the rules of thumb that belong here.
    """

    id: Id
    title: Text
    see: tuple[Text, ...]
    meaning: Text
    fixes: tuple[FixRule, ...]
    verify: Annotated[Proof, OrText("passes")]
    sources: tuple[Reference, ...]
    causes: tuple[Text, ...] = ()
    check: tuple[Check, ...] = ()
    figures: tuple[Id, ...] = ()
    related: tuple[Id, ...] = ()


# tree.yaml


@dataclass(frozen=True)
class Answer(Entry):
    """An answer leads to one thing: another question or a page."""

    id: Id
    text: Text
    question: Id | None = None
    symptom: Id | None = None
    checklist: Id | None = None
    guide: Id | None = None
    profile: Id | None = None

    @property
    def page(self) -> str:
        """The page that it leads to, or nothing."""
        return self.symptom or self.checklist or self.guide or self.profile or ""


@dataclass(frozen=True)
class Question(Entry):
    """One question of the tree. `hint` says how to find the answer."""

    id: Id
    text: Text
    answers: tuple[Answer, ...]
    hint: Words = ""


@dataclass(frozen=True)
class Tree(Entry):
    """The decision tree. A user's own tree adds questions, and answers to ours of the same id."""

    questions: tuple[Question, ...]
    root: Id | None = None


# checklists/


@dataclass(frozen=True)
class Item(Entry):
    """One thing to check.

    `auto` is a finding that must be clear, or ``event:…``/``metric:…``; `how` tells a beginner
    how to look; `otherwise` is the page for when it does not hold. Items of one `group` belong
    together.
    """

    id: Id
    text: Text
    requirement: Words = ""
    auto: Words | None = None
    group: Words = ""
    how: Words = ""
    remedy: Words = ""
    otherwise: Id | None = None


@dataclass(frozen=True)
class ChecklistInfo(Entry):
    """Things to check; `phase` says when the program shows the list by itself.

    An `ordered` list is a protocol: it is walked step by step, and a step that does not hold
    comes before the next; when all hold, the question `then` of the tree follows.
    """

    id: Id
    title: Text
    items: tuple[Item, ...]
    sources: tuple[Reference, ...]
    phase: Literal["first-steps", "first-epoch", "mid-training"] | None = None
    intro: Words = ""
    ordered: Flag = False
    then: Id | None = None
    recipe: Id | None = None
    figures: tuple[Id, ...] = ()
    related: tuple[Id, ...] = ()


# guides/


@dataclass(frozen=True)
class Table(Entry):
    """Rows of cells; a cell may be empty."""

    columns: tuple[Text, ...]
    rows: tuple[tuple[Words, ...], ...]


@dataclass(frozen=True)
class Section(Entry):
    """A part of a guide. `context` says for which case a document wrote it."""

    title: Text
    source: Reference
    text: Words = ""
    points: tuple[Text, ...] = ()
    ordered: Flag = False
    table: Table | None = None
    example: Words = ""
    context: Words = ""
    caveat: Caveat | None = None


@dataclass(frozen=True)
class Guide(Entry):
    """Something to read: how a thing works, a table, advice."""

    id: Id
    title: Text
    intro: Text
    sections: tuple[Section, ...]
    figures: tuple[Id, ...] = ()
    related: tuple[Id, ...] = ()


# figures.yaml


@dataclass(frozen=True)
class Position(Entry):
    """What one document says about a figure, and for which case.

    `low` and `high` bound the recommended range, for each image of the data set where `per_image`
    says so; what is given of `families`, `recipe`, `subjects`, `images` (least and most in the
    data set), `card` (an id of `gpus.yaml`) and `optimizer` limits it to such runs.
    """

    says: Text
    source: Reference
    low: Number | None = None
    high: Number | None = None
    per_image: Flag = False
    context: Words = ""
    families: tuple[Family, ...] = ()
    recipe: Id | None = None
    subjects: tuple[Subject, ...] = ()
    images: tuple[Whole, Whole | None] | None = None
    card: Id | None = None
    optimizer: Literal["plain", "adaptive"] | None = None


@dataclass(frozen=True)
class FigureInfo(Entry):
    """A rule of thumb: what documents say, where they differ, and which of them applies when.

    `yours` names the quantity of the user's own run that is shown beside it: an option, or
    ``images``, ``total-steps``, ``steps-per-image``, ``views-per-image``, ``gpu-memory``,
    ``step-seconds``, ``host-memory``, ``disk-free``.
    """

    id: Id
    title: Text
    advice: Text
    source: Reference
    unit: Words = ""
    yours: Words = ""
    positions: tuple[Position, ...] = ()


# options.yaml


@dataclass(frozen=True)
class Option(Entry):
    """A setting under our own name, and the key that each trainer has for it.

    The first key of a trainer is the one to write; further ones are read as well. `also` are
    options that override this one where they are set. `values` translate a value for a trainer.
    `defaults` is what a trainer takes where the option is not set.
    """

    title: Text
    meaning: Text
    kind: Literal["number", "integer", "boolean", "text"]
    keys: Mapping[Trainer, tuple[Text, ...]]
    source: Reference
    also: tuple[OptionName, ...] = ()
    values: Mapping[Trainer, Mapping[Words, Value]] = field(default_factory=dict)
    notes: Mapping[Trainer, Text] = field(default_factory=dict)
    defaults: Mapping[Trainer, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Options(Entry):
    """All options and how each trainer writes a key (`{key}` is replaced)."""

    styles: Mapping[Trainer, Text] = field(default_factory=dict)
    options: Mapping[OptionName, Option] = field(default_factory=dict)


# trainers/


@dataclass(frozen=True)
class Key(Entry):
    """A key that a trainer knows: its type, default, bounds, allowed values, versions."""

    type: Literal["number", "integer", "boolean", "text", "list", "mapping"]
    default: Value | None = None
    least: Number | None = None
    most: Number | None = None
    choices: tuple[Value, ...] = ()
    since: Words = ""
    until: Words = ""
    note: Words = ""


@dataclass(frozen=True)
class TrainerKeys(Entry):
    """All keys of one trainer; `open` are beginnings under which any key may stand."""

    id: Trainer
    title: Text
    source: Reference
    keys: Mapping[Words, Key]
    open: tuple[Text, ...] = ()


# profiles/


@dataclass(frozen=True)
class Level(Entry):
    """An expected loss between two steps."""

    steps: tuple[Whole, Whole | None]
    loss: tuple[Number, Number]
    text: Text


@dataclass(frozen=True)
class LossPattern(Entry):
    """A pattern of the loss as a recipe describes it."""

    name: Text
    sign: Text
    cause: Text
    fix: Text
    symptom: Id


@dataclass(frozen=True)
class Profile(Entry):
    """Numbers for a model family, or a recipe: a document's own complete set-up and levels.

    `kin` are models to which a family's numbers apply as well. `figures` are positions on the
    figures of `figures.yaml`. A recipe's levels apply to runs of that recipe only.
    """

    id: Id
    title: Text
    kind: Literal["family", "recipe"]
    applies: Text
    sources: tuple[Reference, ...]
    family: Family | None = None
    kin: tuple[Text, ...] = ()
    subject: Subject | None = None
    figures: Mapping[Id, tuple[Position, ...]] = field(default_factory=dict)
    settings: Mapping[OptionName, Value] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    levels: tuple[Level, ...] = ()
    patterns: tuple[LossPattern, ...] = ()
    related: tuple[Id, ...] = ()


# gpus.yaml


@dataclass(frozen=True)
class StepTime(Entry):
    """Seconds that a step takes on a card, at a document's own setting."""

    low: Number
    high: Number
    setting: Text
    source: Reference
    families: tuple[Family, ...] = ()


@dataclass(frozen=True)
class Card(Entry):
    """A GPU. `match` are parts of the names that drivers report; memory in gigabytes.

    `capability` is CUDA's compute capability, which decides about bf16 and fp8.
    """

    title: Text
    match: tuple[Text, ...]
    memory_gb: tuple[Number, ...]
    source: Reference
    capability: Words = ""
    bf16: Flag | None = None
    fp8: Flag | None = None
    step_time: tuple[StepTime, ...] = ()
    note: Words = ""
