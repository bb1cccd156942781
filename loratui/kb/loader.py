"""Turns the files of `knowledge/` into a KnowledgeBase; what is broken is named and left out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from loratui.kb import files, schema
from loratui.kb.base import KnowledgeBase, Messages, Problem
from loratui.kb.files import KnowledgeFile
from loratui.kb.marked import Document, YamlError, dotted, nearest, read
from loratui.kb.schema import Entry

Way = tuple[str | int, ...]

_MAPPINGS: Mapping[str, type[Entry]] = {
    "sources": schema.Source,
    "terms": schema.Term,
    "states": schema.State,
    "gpus": schema.Card,
    "actions": schema.Action,
}
_LISTS: Mapping[str, type[Entry]] = {
    "findings": schema.FindingInfo,
    "noise": schema.Noise,
    "figures": schema.FigureInfo,
    "joins": schema.Join,
}
_NAMED: Mapping[str, type[Entry]] = {
    "symptoms": schema.Symptom,
    "checklists": schema.ChecklistInfo,
    "guides": schema.Guide,
    "profiles": schema.Profile,
    files.TRAINERS: schema.TrainerKeys,
}
_WORDS = {
    "string_type": "a text is expected",
    "int_type": "a whole number is expected",
    "float_type": "a number is expected",
    "bool_type": "true or false is expected",
    "tuple_type": "a list is expected",
    "mapping_type": "a mapping is expected",
    "dict_type": "a mapping is expected",
    "dataclass_type": "a mapping is expected",
    "string_too_short": "the text is empty",
    "string_pattern_mismatch": "small letters, digits and single hyphens or underscores only",
}


class Places:
    """Where each entry stands, for problems that are found once all of them are known."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], tuple[str, Document, Way]] = {}

    def put(self, kind: str, name: str, shown: str, document: Document, way: Way) -> None:
        self._of[kind, name] = (shown, document, way)

    def problem(self, kind: str, name: str, way: Way, text: str) -> Problem:
        """A problem at `way` inside the entry."""
        found = self._of.get((kind, name))
        if found is None:
            return Problem(kind, 0, dotted((name, *way)), text)
        shown, document, above = found
        key = dotted((*above, *way)) if above else dotted(way)
        return Problem(shown, document.line((*above, *way)), key, text)


def parse(
    found: Iterable[KnowledgeFile], between: Callable[[], None] | None = None
) -> tuple[KnowledgeBase, Places]:
    """The base that these files make; an entry of a later file replaces one of the same id."""
    reader = _Reader(between or (lambda: None))
    for file in found:
        reader.take(file)
    return reader.result(), reader.places


def trainer_keys(
    overlay: Path | None = None, only: str = ""
) -> tuple[Mapping[str, schema.TrainerKeys], list[Problem]]:
    """Every key of every trainer that is listed, or `only` of one, and what is wrong there."""
    found = files.read_trainers(files.packaged())
    if overlay is not None:
        found += files.read_trainers(overlay, f"{overlay}/")
    reader = _Reader(lambda: None)
    for file in found:
        if not only or file.stem.replace("_", "-") == only:
            reader.take(file)
    return reader.found[files.TRAINERS], reader.problems


@cache
def _form(model: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast("Any", model))


class _Reader:
    """Collects the entries of all files."""

    def __init__(self, between: Callable[[], None]) -> None:
        self._between = between
        kinds = (*files.SINGLE, *files.FOLDERS, files.TRAINERS)
        self.found: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
        self.styles: dict[str, str] = {}
        self.root = ""
        self.problems: list[Problem] = []
        self.places = Places()

    def take(self, file: KnowledgeFile) -> None:
        self._between()
        if file.fault:
            self._say(file, 0, "", file.fault if not file.kind else f"not readable: {file.fault}")
            return
        if not file.kind:
            near = nearest(file.stem, files.SINGLE)
            hint = f"; nearest: {near}.yaml" if near else ""
            self._say(file, 0, "", f"a file of no known kind{hint}")
            return
        try:
            document = read(file.content.decode("utf-8"))
            self._entries(file, document)
        except UnicodeDecodeError as error:
            line = file.content.count(b"\n", 0, error.start) + 1
            self._say(file, line, "", "not readable: not UTF-8")
        except YamlError as error:
            self._say(file, error.line, error.key, error.text)

    def _say(self, file: KnowledgeFile, line: int, key: str, text: str) -> None:
        self.problems.append(Problem(file.shown, line, key, text))

    def _entries(self, file: KnowledgeFile, document: Document) -> None:
        kind = file.kind
        if kind in _MAPPINGS:
            for name, value in _rows(document, mapping=True):
                self._keep(file, document, _MAPPINGS[kind], value, (name,), str(name))
        elif kind in _LISTS:
            for at, value in _rows(document):
                self._keep(file, document, _LISTS[kind], value, (at,))
        elif kind == "messages":
            for at, value in _rows(document):
                entry = {**value, "finding": file.stem} if isinstance(value, dict) else value
                self._keep(file, document, schema.Message, entry, (at,))
        elif kind in _NAMED:
            self._named(file, document)
        elif kind == "options":
            self._options(file, document)
        else:
            self._tree(file, document)

    def _named(self, file: KnowledgeFile, document: Document) -> None:
        entry = self._keep(file, document, _NAMED[file.kind], document.value, ())
        if entry is not None and entry.id != file.stem:
            text = f"the id {entry.id!r} is not the file's name {file.stem!r}"
            self._say(file, document.line(("id",)), "id", text)

    def _options(self, file: KnowledgeFile, document: Document) -> None:
        entry = self._checked(file, document, schema.Options, document.value, ())
        if entry is not None:
            self.styles.update(entry.styles)
            for name, option in entry.options.items():
                self.found["options"][name] = option
                self.places.put("options", name, file.shown, document, ("options", name))

    def _tree(self, file: KnowledgeFile, document: Document) -> None:
        entry = self._checked(file, document, schema.Tree, document.value, ())
        if entry is None:
            return
        self.root = entry.root or self.root
        questions = self.found["tree"]
        for at, question in enumerate(entry.questions):
            known = questions.get(question.id)
            questions[question.id] = question if known is None else _extended(known, question)
            way: Way = ("questions", at)
            self.places.put("tree", question.id, file.shown, document, way)
            for number, answer in enumerate(question.answers):
                name = f"{question.id}/{answer.id}"
                self.places.put("answers", name, file.shown, document, (*way, "answers", number))

    def _keep(
        self,
        file: KnowledgeFile,
        document: Document,
        model: type[Entry],
        value: Any,
        way: Way,
        name: str = "",
    ) -> Any:
        entry = self._checked(file, document, model, value, way)
        if entry is not None:
            name = name or entry.id
            if file.kind == "messages":
                name = f"{file.stem}/{name}"
            self.found[file.kind][name] = entry
            self.places.put(file.kind, name, file.shown, document, way)
        return entry

    def _checked(
        self, file: KnowledgeFile, document: Document, model: Any, value: Any, way: Way
    ) -> Any:
        """The entry, or None with every reason why it is none."""
        try:
            return _form(model).validate_python(value)
        except ValidationError as error:
            for fault in _faults(error):
                self.problems.append(_problem(fault, model, document, file.shown, way))
            return None

    def result(self) -> KnowledgeBase:
        found = self.found
        messages = Messages(found["messages"].values())
        messages.noise = tuple(found["noise"].values())
        questions = tuple(found["tree"].values())
        return KnowledgeBase(
            findings=found["findings"],
            symptoms=found["symptoms"],
            messages=messages,
            tree=schema.Tree(questions, self.root) if questions else None,
            checklists=found["checklists"],
            guides=found["guides"],
            figures=found["figures"],
            options=found["options"],
            styles=self.styles,
            sources=found["sources"],
            profiles=found["profiles"],
            gpus=found["gpus"],
            terms=found["terms"],
            states={name: state.usual for name, state in found["states"].items()},
            joins=found["joins"],
            actions={name: action.text for name, action in found["actions"].items()},
            problems=tuple(self.problems),
        )


def _rows(document: Document, *, mapping: bool = False) -> Iterable[tuple[str | int, Any]]:
    value = document.value
    if mapping:
        if not isinstance(value, dict):
            raise YamlError(1, "", "a mapping of ids is expected")
        return value.items()
    if not isinstance(value, tuple):
        raise YamlError(1, "", "a list is expected")
    return enumerate(value)


def _extended(known: schema.Question, more: schema.Question) -> schema.Question:
    """A question with further answers; one of the same id is replaced where it stands."""
    answers = {answer.id: answer for answer in (*known.answers, *more.answers)}
    return schema.Question(more.id, more.text, tuple(answers.values()), more.hint or known.hint)


# what is wrong, in words


def _faults(error: ValidationError) -> Iterable[Any]:
    """The faults worth telling: of a value that may be of several types only the first."""
    told: set[Way] = set()
    for fault in error.errors(include_url=False):
        way = _way(fault)
        if way not in told:
            told.add(way)
            yield fault


_BRANCHES = frozenset(("[key]", "bool", "int", "float", "str"))


def _way(fault: Any) -> Way:
    """The way to a fault in the file: without the marks of the branches of a union."""
    return tuple(
        step
        for step in fault["loc"]
        if step not in _BRANCHES
        and not (isinstance(step, str) and ("[" in step or step.startswith("literal")))
    )


def _problem(fault: Any, model: type[Entry], document: Document, shown: str, above: Way) -> Problem:
    """A fault in words: file, line, key, and the name that was probably meant."""
    way = _way(fault)
    kind = fault["type"]
    if kind == "unexpected_keyword_argument":
        near = nearest(str(way[-1]), _fields(model, way[:-1]))
        text = f"unknown key {way[-1]!r}" + (f"; nearest: {near!r}" if near else "")
    elif kind == "missing":
        text = f"the key {way[-1]!r} is missing"
    elif kind == "literal_error":
        expected = fault["ctx"]["expected"]
        names = expected.replace("'", "").replace(" or ", ", ").split(", ")
        near = nearest(str(fault["input"]), names)
        hint = f"; nearest: {near!r}" if near else ""
        text = f"{fault['input']!r} is none of {expected}{hint}"
    else:
        said = _WORDS.get(kind, f"{fault['msg'][0].lower()}{fault['msg'][1:]}")
        text = f"{said}, got {str(fault['input'])[:60]!r}"
    return Problem(shown, document.line((*above, *way)), dotted((*above, *way)), text)


def _fields(model: Any, way: Way) -> list[str]:
    """The names of the fields of the entry that stands at `way` inside `model`."""
    import typing

    for step in way:
        hints = typing.get_type_hints(model) if isinstance(model, type) else {}
        inner = _entry_in(hints.get(str(step)))
        model = inner or model
    return list(getattr(model, "__dataclass_fields__", ()))


def _entry_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _entry_in(part)
        if found is not None:
            return found
    return None
