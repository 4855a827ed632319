"""YAML text in; plain values out, with the line of every field and a fault for everything that is not plain.

The YAML is that of its version 1.2, which says what it looks like: `no` and `on` are text, `1:30` and `2027-05-01` are
text, a key is always text. Anchors and merge keys (`<<`) work. Tags do not: nothing here can construct an object.
"""

import re
from dataclasses import dataclass, field

import yaml

from router.policy.faults import Complaint
from router.policy.source import FieldPath, Place

_TAG = "tag:yaml.org,2002:"
_TOO_MANY = 50_000  # far beyond any policy; an alias that doubles itself reaches it in a millisecond
_LONGEST_NUMBER = 60


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with the words and numbers of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own spelling


for _kind, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$|^0x[0-9a-fA-F]+$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("float", r"^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$", list("-+.")),
    ("merge", r"^<<$", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern, re.ASCII), _first)


@dataclass(slots=True)
class Document:
    """What one file says: its values, the place of each, and what is wrong with its YAML."""

    file: str
    tree: object = None
    places: dict[FieldPath, Place] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)


class _TooManyValuesError(Exception):
    """Aliases of aliases made more values than a policy can have."""


def parse(content: bytes, file: str) -> Document:
    """Read one file's YAML; never raises, whatever the bytes are."""
    document = Document(file, places={(): (file, 1)})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _broken(document, content.count(b"\n", 0, error.start) + 1, "not UTF-8 text")
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            document.places[()] = (file, node.start_mark.line + 1)
            document.tree = _Builder(document).build(node, ())
    except yaml.reader.ReaderError as error:
        return _broken(document, text.count("\n", 0, error.position) + 1, "not YAML: a character that cannot be shown")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "cannot be read"
        return _broken(document, mark.line + 1 if mark else 1, f"not YAML: {problem}", _hint(problem))
    except (ValueError, OverflowError):
        return _broken(document, loader.line + 1 if loader else 1, "not YAML: an escape that is no character")
    except (RecursionError, _TooManyValuesError):
        return _broken(document, 1, "too deeply nested, or aliases that repeat too much")
    return document


def _broken(document: Document, line: int, message: str, suggestion: str = "") -> Document:
    return Document(document.file, None, {(): (document.file, line)}, [Complaint((), message, suggestion)])


def _hint(problem: str) -> str:
    """Return what usually causes a parser's complaint."""
    if "'\\t'" in problem:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "is the line indented too far, or does a text with ': ' lack quotes?"
    if "expected ',' or '}'" in problem or "expected ',' or ']'" in problem:
        return "inside { } and [ ] put ${…} and text with , : { } [ ] in quotes"
    if "expected a single document" in problem or "but found another document" in problem:
        return "a policy file is one document: remove '---' or make two files"
    if "expected <block end>" in problem:
        return "is the line indented like those around it?"
    return ""


class _Builder:
    """Turns nodes into values, notes their places, and complains where a value is not plain."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: set[int] = set()
        self._built = 0

    def build(self, node: yaml.Node, path: FieldPath) -> object:
        """Return the value of a node, or None with a complaint."""
        self._count()
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self._complain(path, node, "an alias inside what it stands for")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
                return self._sequence(node, path)
        finally:
            self._open.discard(id(node))
        self._tagged(node, path)
        return None

    def _count(self) -> None:
        self._built += 1
        if self._built > _TOO_MANY:
            raise _TooManyValuesError

    def _complain(self, path: FieldPath, node: yaml.Node, message: str) -> None:
        self._document.complaints.append(Complaint(path, message, place=self._place(node)))

    def _place(self, node: yaml.Node) -> Place:
        return self._document.file, node.start_mark.line + 1

    def _tagged(self, node: yaml.Node, path: FieldPath) -> None:
        self._complain(path, node, f"a tag such as {node.tag.replace(_TAG, '!!')!r} has no meaning here; remove it")

    def _scalar(self, node: yaml.ScalarNode, path: FieldPath) -> object:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        try:
            match kind:
                case "str" | "merge":
                    text.encode()
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int" if len(text) <= _LONGEST_NUMBER:
                    return int(text, 16) if text.startswith("0x") else int(text)
                case "float" if len(text) <= _LONGEST_NUMBER:
                    return float(text.replace(".inf", "inf").replace(".nan", "nan").replace(".NaN", "nan"))
                case "int" | "float":
                    self._complain(path, node, "a number with too many digits")
                case _:
                    self._tagged(node, path)
        except UnicodeEncodeError:
            self._complain(path, node, "half of a surrogate pair is no character")
        except ValueError:
            self._complain(path, node, f"not what its tag says: {kind}")
        return None

    def _sequence(self, node: yaml.SequenceNode, path: FieldPath) -> list[object]:
        items = []
        for index, item in enumerate(node.value):
            self._document.places[(*path, index)] = self._place(item)
            items.append(self.build(item, (*path, index)))
        return items

    def _mapping(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, (key, value) in self._pairs(node, path).items():
            self._document.places[(*path, name)] = self._place(key)
            values[name] = self.build(value, (*path, name))
        return values

    def _pairs(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return a mapping's names and values: its own first, then what `<<` adds."""
        pairs: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merges: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merges += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif not isinstance(key, yaml.ScalarNode) or not key.value or not key.value.isprintable():
                self._complain(path, key, "a name before ':' must be plain text")
            elif key.value in pairs:
                first = pairs[key.value][0].start_mark.line + 1
                self._complain((*path, key.value), key, f"defined twice; first at line {first}")
            else:
                pairs[key.value] = (key, value)
        for merge in merges:
            for name, pair in self._merged(merge, path).items():
                pairs.setdefault(name, pair)
        return pairs

    def _merged(self, node: yaml.Node, path: FieldPath) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return what one `<<` brings; it may bring more of its kind."""
        self._count()
        if not isinstance(node, yaml.MappingNode) or id(node) in self._open:
            self._complain(path, node, "'<<' takes a mapping, or a list of mappings, from elsewhere")
            return {}
        self._open.add(id(node))
        try:
            return self._pairs(node, path)
        finally:
            self._open.discard(id(node))
