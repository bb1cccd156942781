"""Reads the files of `knowledge/` into a KnowledgeBase; what is broken is named and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loratui import paths
from loratui.kb import schema
from loratui.kb.base import KnowledgeBase, Messages, Problem
from loratui.kb.marked import Document, YamlError, dotted, nearest, read
from loratui.kb.schema import Entry

_SINGLE = ("sources", "findings", "options", "states", "noise", "tree")
_FOLDERS = ("symptoms", "checklists", "profiles", "messages")
_LATER = ("trainers", "guides")  # folders of later additions are no mistake
_LATER_FILES = ("joins", "gpus")


def folder() -> Path:
    """The packaged knowledge: in the wheel beside the code, in a checkout beside the package."""
    packaged = paths.PACKAGE / "_knowledge"
    return packaged if packaged.is_dir() else paths.PACKAGE.parent / "knowledge"


def load(overlay: Path | None = None, between: Callable[[], None] | None = None) -> KnowledgeBase:
    """The packaged knowledge with `overlay` over it: an entry of the same id replaces ours."""
    reader = _Reader(between)
    reader.take(folder(), "")
    if overlay is not None:
        reader.take(overlay, f"{overlay}/")
    return reader.result()


class _Reader:
    """Collects entries of all files; later folders replace entries of the same id."""

    def __init__(self, between: Callable[[], None] | None = None) -> None:
        self._between = between or (lambda: None)
        self.found: dict[str, dict[str, Any]] = {name: {} for name in (*_SINGLE, *_FOLDERS)}
        self.styles: dict[str, str] = {}
        self.problems: list[Problem] = []

    def take(self, root: Path, prefix: str) -> None:
        if not root.is_dir():
            self.problems.append(Problem(str(root), 0, "", "is no folder"))
            return
        for name in _SINGLE:
            path = root / f"{name}.yaml"
            if path.is_file():
                self._file(path, f"{prefix}{path.name}", getattr(self, f"_{name}"))
        for name in _FOLDERS:
            for path in sorted((root / name).glob("*.yaml")):
                self._file(path, f"{prefix}{name}/{path.name}", getattr(self, f"_{name}"))
        for path in sorted(root.glob("*.y*ml")):
            if path.stem not in (*_SINGLE, *_LATER_FILES) or path.suffix != ".yaml":
                near = nearest(path.stem, _SINGLE)
                hint = f"; nearest: {near}.yaml" if near else ""
                self.problems.append(
                    Problem(f"{prefix}{path.name}", 0, "", f"a file of no known kind{hint}")
                )

    def _file(self, path: Path, shown: str, use: Callable[[Document, str, str], None]) -> None:
        self._between()
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or str(error)
            self.problems.append(Problem(shown, 0, "", f"not readable: {said}"))
            return
        try:
            document = read(text)
            use(document, shown, path.stem.replace("_", "-"))
        except YamlError as error:
            self.problems.append(Problem(shown, error.line, error.key, error.text))

    # one method for each kind of file

    def _sources(self, document: Document, shown: str, stem: str) -> None:
        self._mapping("sources", schema.Source, document, shown)

    def _states(self, document: Document, shown: str, stem: str) -> None:
        self._mapping("states", schema.State, document, shown)

    def _findings(self, document: Document, shown: str, stem: str) -> None:
        self._list("findings", schema.FindingInfo, document, shown)

    def _noise(self, document: Document, shown: str, stem: str) -> None:
        self._list("noise", schema.Noise, document, shown)

    def _options(self, document: Document, shown: str, stem: str) -> None:
        found = self._one(schema.Options, document.value, document, shown, ())
        if found is not None:
            self.styles.update(found.styles)
            self.found["options"].update(found.options)

    def _tree(self, document: Document, shown: str, stem: str) -> None:
        found = self._one(schema.Tree, document.value, document, shown, ())
        if found is not None:
            self.found["tree"]["tree"] = found

    def _symptoms(self, document: Document, shown: str, stem: str) -> None:
        self._named("symptoms", schema.Symptom, document, shown, stem)

    def _checklists(self, document: Document, shown: str, stem: str) -> None:
        self._named("checklists", schema.ChecklistInfo, document, shown, stem)

    def _profiles(self, document: Document, shown: str, stem: str) -> None:
        self._named("profiles", schema.Profile, document, shown, stem)

    def _messages(self, document: Document, shown: str, stem: str) -> None:
        for at, value in self._rows(document, shown):
            entry = {**value, "finding": stem} if isinstance(value, dict) else value
            found = self._one(schema.Message, entry, document, shown, (at,))
            if found is not None:
                self.found["messages"][f"{stem}/{found.id}"] = found

    # shared

    def _mapping(self, kind: str, model: type[Entry], document: Document, shown: str) -> None:
        if not isinstance(document.value, dict):
            raise YamlError(1, "", "a mapping of ids is expected")
        for name, value in document.value.items():
            found = self._one(model, value, document, shown, (name,))
            if found is not None:
                self.found[kind][name] = found

    def _list(self, kind: str, model: type[Entry], document: Document, shown: str) -> None:
        for at, value in self._rows(document, shown):
            found = self._one(model, value, document, shown, (at,))
            if found is not None:
                self.found[kind][found.id] = found

    def _named(
        self, kind: str, model: type[Entry], document: Document, shown: str, stem: str
    ) -> None:
        found = self._one(model, document.value, document, shown, ())
        if found is None:
            return
        name = found.id
        if name != stem:
            line = document.line(("id",))
            text = f"the id {name!r} is not the file's name {stem!r}"
            self.problems.append(Problem(shown, line, "id", text))
        self.found[kind][name] = found

    def _rows(self, document: Document, shown: str) -> Iterable[tuple[int, Any]]:
        if not isinstance(document.value, tuple):
            raise YamlError(1, "", "a list is expected")
        return enumerate(document.value)

    def _one(
        self, model: type[Any], value: Any, document: Document, shown: str, path: tuple[Any, ...]
    ) -> Any:
        """The entry, or None with every reason why it is none."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=True):
                self.problems.append(_problem(fault, model, document, shown, path))
            return None

    def result(self) -> KnowledgeBase:
        found = self.found
        messages = Messages(found["messages"].values())
        messages.noise = tuple(found["noise"].values())
        return KnowledgeBase(
            findings=found["findings"],
            symptoms=found["symptoms"],
            messages=messages,
            tree=found["tree"].get("tree"),
            checklists=found["checklists"],
            options=found["options"],
            styles=self.styles,
            sources=found["sources"],
            profiles=found["profiles"],
            states={name: state.usual for name, state in found["states"].items()},
            problems=tuple(self.problems),
        )


def _problem(
    fault: Any, model: type[Any], document: Document, shown: str, path: tuple[Any, ...]
) -> Problem:
    """A fault in words: file, line, key, and the name that was probably meant."""
    way = tuple(step for step in fault["loc"] if step != "[key]")
    key = dotted((*path, *way))
    line = document.line((*path, *way))
    kind = fault["type"]
    if kind == "extra_forbidden":
        near = nearest(str(way[-1]), _fields(model, way[:-1]))
        text = f"unknown key {way[-1]!r}" + (f"; nearest: {near!r}" if near else "")
    elif kind == "missing":
        text = f"the key {way[-1]!r} is missing"
    elif kind == "literal_error":
        expected = fault["ctx"]["expected"]
        near = nearest(
            str(fault["input"]), expected.replace("'", "").replace(" or ", ", ").split(", ")
        )
        text = f"{fault['input']!r} is none of {expected}" + (
            f"; nearest: {near!r}" if near else ""
        )
    else:
        text = f"{fault['msg'][0].lower()}{fault['msg'][1:]}, got {str(fault['input'])[:60]!r}"
    return Problem(shown, line, key, text)


def _fields(model: Any, way: Iterable[str | int]) -> list[str]:
    """The names of the fields of the model that stands at `way` inside `model`."""
    for step in way:
        info = getattr(model, "model_fields", {}).get(str(step))
        if info is None:
            continue
        inner = _entry_in(info.annotation)
        if inner is not None:
            model = inner
    return list(getattr(model, "model_fields", ()))


def _entry_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _entry_in(part)
        if found is not None:
            return found
    return None
