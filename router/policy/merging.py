"""Several files, one policy: names add up, and everything else is said in one file only."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from router.policy.faults import MISSING, Complaint
from router.policy.source import FieldPath, Place, nearest
from router.policy.syntax import Document
from router.policy.values import shown

NAMED = ("deployments", "tiers", "routes", "limits")  # mappings that several files may add to


def merge(documents: list[Document], folder: Path) -> Document:
    """Put the files together: names add up, everything else is said in one file only."""
    if len(documents) == 1:
        whole = documents[0]
        whole.complaints += _wrong_version(whole)
        return whole
    whole = Document(str(folder), {}, places={(): (str(folder), 0)})
    for document in documents:
        whole.complaints += [_with_place(each, document.places) for each in document.complaints]
        whole.complaints += [_with_place(each, document.places) for each in _wrong_version(document)]
        if isinstance(document.tree, dict):
            _add(document, document.tree, whole)
    return whole


def _add(document: Document, tree: dict[str, object], whole: Document) -> None:
    """Add one file's names and settings to the whole, complaining about what is there already."""
    into = whole.tree
    assert isinstance(into, dict)  # noqa: S101  # `_merge` made it
    for name, value in tree.items():
        there = into.get(name)
        if name in NAMED and isinstance(value, dict) and isinstance(there, dict):
            for inner in value:
                if _is_new((name, inner), inner in there, document, whole):
                    there[inner] = value[inner]
        elif name == "version" or _is_new((name,), name in into, document, whole):
            into[name] = dict(value) if isinstance(value, dict) else value
    for path, place in document.places.items():
        whole.places.setdefault(path, place)


def _is_new(path: FieldPath, known: bool, document: Document, whole: Document) -> bool:  # noqa: FBT001
    if known:
        file, line = nearest(whole.places, path)
        complaint = Complaint(path, f"defined twice; first in {file}:{line}", place=nearest(document.places, path))
        whole.complaints.append(complaint)
    return not known


def _wrong_version(document: Document) -> Iterator[Complaint]:
    """Every file says which version of the format it is written in."""
    match document.tree:
        case dict(tree) if "version" not in tree:
            yield Complaint(("version",), MISSING, "begin the file with version: 1")
        case dict(tree) if tree["version"] != 1 or isinstance(tree["version"], bool):
            yield Complaint(("version",), f"must be 1, the only version there is; got {shown(tree['version'])}")
        case None if not document.complaints:
            yield Complaint((), "the file is empty", "begin it with version: 1")
        case list() | str() | int() | float():
            yield Complaint((), f"must be a mapping of fields; got {shown(document.tree)}", "begin it with version: 1")


def _with_place(complaint: Complaint, places: Mapping[FieldPath, Place]) -> Complaint:
    place = complaint.place or nearest(places, complaint.path)
    return replace(complaint, place=place)
