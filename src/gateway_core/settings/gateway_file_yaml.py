"""The text of a gateway.yaml as plain values, with the line and column of each.

Words mean what YAML 1.2 says: `true` and `false`, `null`, decimal numbers, and all else is
text. So `no`, `on`, `012` and `12:30` are no traps here. Anchors and `<<` are fine.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway_core.settings.gateway_file_findings import TOP, Finding, Mark, Marks, Where

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

LARGEST_TEXT = 1024 * 1024
"""Bytes of a file that is read at all."""

_MOST_EVENTS = 100_000
_MOST_VALUES = 100_000
_DEEPEST = 32
_MERGE = "<<"
_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_LONGEST_INTEGER = 18
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
# As all readers read it: 1e3 and 1.5e3 are text to some, and so they stay text, and where a number belongs they are refused.
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a file. With findings the tree holds what could be read all the same."""

    tree: dict[str, Plain]
    marks: Marks
    findings: tuple[Finding, ...] = ()


def read_document(text: str) -> Document:
    """Read a text; an empty one is an empty mapping."""
    try:
        trouble = _too_much(text)
        node = None if trouble else yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        trouble = _syntax(error, text)
        node = None
    if trouble:
        return Document({}, Marks(), (trouble,))
    reader = _Reader()
    tree = reader.read(node, ()) if node is not None else None
    if tree is None and not reader.findings:
        return Document({}, reader.marks)
    if not isinstance(tree, dict):
        what = "the file is no mapping; begin it with a line such as 'providers:'"
        return Document({}, reader.marks, (*reader.findings, Finding(reader.marks.at(()), (), what)))
    return Document(tree, reader.marks, tuple(reader.findings))


def _too_much(text: str) -> Finding | None:
    """Find what would take long to read, before anything is built of it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            return Finding(
                _mark(event), (), f"values stand inside each other more than {_DEEPEST} deep; nothing here needs that"
            )
        if count > _MOST_EVENTS:
            return Finding(_mark(event), (), f"the file holds more than {_MOST_EVENTS} values; split your installation")
    return None


def _syntax(error: yaml.YAMLError, text: str) -> Finding:
    """Say what the parser could not read, without a piece of the text: it may be a secret."""
    position = getattr(error, "position", None)
    if isinstance(position, int):
        before = text[:position]
        mark = Mark(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
        return Finding(mark, (), "a control character stands here, which YAML does not allow; remove it")
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Finding(TOP, (), "the file is not YAML; compare it with gateway.example.yaml")
    mark = Mark(error.problem_mark.line + 1, error.problem_mark.column + 1)
    return Finding(mark, (), _say_problem(error.problem or ""))


def _say_problem(problem: str) -> str:
    if "'\\t'" in problem:
        return "a tab stands here, and YAML is indented with spaces; replace it"
    if "expected a single document" in f"{problem}" or "but found another document" in problem:
        return "a second document begins here ('---'); keep one in the file"
    if "undefined alias" in problem:
        return "an alias (*name) stands here before its anchor (&name); write the anchor first"
    if "could not find expected ':'" in problem:
        return "the line before this has no ':' after its name, or its quotation mark is not closed"
    if "mapping values are not allowed here" in problem:
        return "a ':' stands where none may; check the indentation, and put text with ': ' in quotation marks"
    return "the file is not YAML from here on; check indentation, brackets and quotation marks"


def _mark(place: yaml.Event | Node) -> Mark:
    begins = place.start_mark
    return Mark(begins.line + 1, begins.column + 1) if begins is not None else TOP


@dataclass(slots=True)
class _Reader:
    """Make plain values of nodes, and count them: an alias is as much as what it stands for."""

    marks: Marks = field(default_factory=Marks)
    findings: list[Finding] = field(default_factory=list)
    _values: int = 0
    _open: set[int] = field(default_factory=set)

    def read(self, node: Node, where: Where) -> Plain:
        """Give the value of a node."""
        self.marks.put(where, _mark(node))
        self._values += 1
        if self._values > _MOST_VALUES:
            if self._values == _MOST_VALUES + 1:
                self._report(
                    node, where, f"aliases blow the file up to more than {_MOST_VALUES} values; write less of them"
                )
            return None
        if id(node) in self._open:
            self._report(node, where, "this alias stands inside its own anchor; write the value out")
            return None
        if node.tag not in _TAGS:
            self._report(node, where, "a tag (!…) stands here, and this file has none; write a plain value")
            return None
        self._open.add(id(node))
        try:
            return self._value(node, where)
        finally:
            self._open.discard(id(node))

    def _value(self, node: Node, where: Where) -> Plain:
        match node:
            case MappingNode():
                return self._mapping(node, where)
            case SequenceNode():
                return [self.read(item, (*where, index)) for index, item in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node, where)
            case _:
                return None

    def _mapping(self, node: MappingNode, where: Where) -> dict[str, Plain]:
        values: dict[str, Plain] = {}
        seen: dict[str, Mark] = {}
        merged: list[Node] = []
        for key, value in node.value:
            name = self._name(key, where)
            if name is None:
                continue
            if name in seen:
                first = seen[name].line
                self._report(key, (*where, name), f"it stands here twice, first in line {first}; keep one")
                continue
            seen[name] = _mark(key)
            if name == _MERGE:
                merged = value.value if isinstance(value, SequenceNode) else [value]
                continue
            values[name] = self.read(value, (*where, name))
            # A member is looked for at its name.
            self.marks.put((*where, name), _mark(key))
        for source in merged:
            self._merge(source, values, where=where)
        return values

    def _merge(self, source: Node, values: dict[str, Plain], *, where: Where) -> None:
        """Add what `<<` brings; what is written here wins, and of several sources the first."""
        if not isinstance(source, MappingNode):
            self._report(
                source,
                where,
                "'<<' stands before something else than a mapping; give the alias of one, or a list of them",
            )
            return
        if id(source) in self._open:
            self._report(source, where, "'<<' stands inside its own anchor; write the members out")
            return
        self._open.add(id(source))
        for name, value in self._without_known(source, values, where=where).items():
            values.setdefault(name, value)
        self._open.discard(id(source))

    def _without_known(self, source: MappingNode, known: dict[str, Plain], *, where: Where) -> dict[str, Plain]:
        # Members that are overruled must not move the marks of those that overrule them.
        kept = [(key, value) for key, value in source.value if not (isinstance(key, ScalarNode) and key.value in known)]
        return self._mapping(MappingNode(source.tag, kept, source.start_mark, source.end_mark), where)

    def _name(self, key: Node, where: Where) -> str | None:
        if not isinstance(key, ScalarNode) or key.tag not in _TAGS:
            self._report(key, where, "a name must be plain text; put it in quotation marks")
            return None
        if not key.value:
            self._report(key, where, "a name is missing before this ':'; add it")
            return None
        return str(key.value)

    def _scalar(self, node: ScalarNode, where: Where) -> Plain:
        text = str(node.value)
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._report(node, where, "half of a character (a lone surrogate) stands here; write the whole one")
            return None
        # What has quotation marks is text.
        if node.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            # Longer ones are ids, if anything: as numbers they would lose their end.
            return int(text) if len(text) <= _LONGEST_INTEGER else text
        # 012 is eight or twelve, depending on whom one asks: it stays text, and where a number belongs it is refused.
        if _FLOAT.fullmatch(text) and not _LEADING_ZERO.match(text) and math.isfinite(float(text)):
            return float(text)
        return text

    def _report(self, node: Node, where: Where, what: str) -> None:
        self.findings.append(Finding(_mark(node), where, what))
