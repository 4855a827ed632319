"""From a file or a folder to one checked policy, or to every fault it has."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from router.policy.crosscheck import crosscheck
from router.policy.expansion import Expansion
from router.policy.faults import MISSING, Complaint, Fault, PolicyError
from router.policy.files import NAMING, Files, content_of
from router.policy.merging import merge
from router.policy.schema import Policy
from router.policy.source import FieldPath, Place, Source, nearest, spelled
from router.policy.syntax import Document, parse
from router.policy.tree import texts
from router.policy.validation import validate

_ENDINGS = {".yaml", ".yml"}


def load(path: str | Path, env: Mapping[str, str]) -> Policy:
    """Read a policy file, or a folder with all its `*.yaml` and `*.yml`; raise PolicyError with every fault at once."""
    path = Path(path)
    if not path.is_dir():
        content = content_of(path)
        if content is None:
            raise PolicyError([Fault(str(path), 0, "", "no such policy", "give a YAML file or a folder of them")])
        return _read([parse(content, str(path))], env, path.parent, [path])
    contents = [(each, content_of(each)) for each in files_in(path)]
    documents = [parse(content, str(each)) for each, content in contents if content is not None]
    if unreadable := [each for each, content in contents if content is None]:
        raise PolicyError(Fault(str(each), 0, "", "cannot be read") for each in unreadable)
    documents = _without_named_files(documents, path)
    if not documents:
        raise PolicyError([Fault(str(path), 0, "", "this folder has no policy", "put a *.yaml file into it")])
    return _read(documents, env, path, [Path(document.file) for document in documents])


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder that are read as its policy, but for those that another of them names."""
    try:
        found = sorted(each for each in folder.iterdir() if each.suffix in _ENDINGS and each.is_file())
    except OSError as error:
        raise PolicyError([Fault(str(folder), 0, "", "this folder cannot be read", f"{error.strerror}")]) from error
    return [each for each in found if not each.name.startswith(".")]


def loads(
    text: str, env: Mapping[str, str] | None = None, *, folder: Path | None = None, name: str = "policy"
) -> Policy:
    """Read a policy from text, for programs that write their own; files it names are relative to `folder`."""
    return _read([parse(text.encode(errors="surrogatepass"), name)], env or {}, folder or Path(), [])


def _read(documents: list[Document], env: Mapping[str, str], folder: Path, read: list[Path]) -> Policy:
    merged = merge(documents, folder)
    if any(document.tree is None and document.complaints for document in documents):
        raise PolicyError(_placed(merged.complaints, merged.places), read)  # what else is wrong cannot be known yet
    files = Files(folder, set(read))
    expansion = Expansion(env, files.text)
    tree = expansion.expand(merged.tree)
    settled = [complaint.path for complaint in (*merged.complaints, *expansion.complaints)]
    policy, invalid = validate(tree)
    later = [*invalid, *crosscheck(tree, merged.places), *files.take(tree)]
    complaints = [*merged.complaints, *expansion.complaints, *_unsettled(later, settled)]
    if complaints or policy is None:
        raise PolicyError(_placed(complaints, merged.places), files.seen)
    source = Source(
        folder=folder,
        files=frozenset(files.seen),
        contents=files.contents,
        places=merged.places,
        version_hash=_version(policy, files.versioned()),
    )
    policy._source = source  # noqa: SLF001  # where it came from is no field: YAML cannot say it
    return policy


def _without_named_files(documents: list[Document], folder: Path) -> list[Document]:
    """Leave out a folder's YAML that another file names, such as the keys: it is not part of the policy's own text."""
    named = {(folder / text) for document in documents for each in NAMING for _, text in texts(document.tree, each)}
    return [document for document in documents if Path(document.file) not in named]


def _unsettled(later: list[Complaint], settled: list[FieldPath]) -> list[Complaint]:
    """Drop what follows from an earlier fault at the same place or around it, and what is missing by its spelling."""
    done = set(settled)
    misspelt = {(*each.path[:-1], each.meant) for each in later if each.meant}
    return [
        each
        for each in later
        if not any(each.path[:length] in done for length in range(len(each.path) + 1))
        and not (each.message == MISSING and each.path in misspelt)
    ]


def _placed(complaints: Iterable[Complaint], places: Mapping[FieldPath, Place]) -> list[Fault]:
    faults = []
    for complaint in complaints:
        file, line = complaint.place or nearest(places, complaint.path)
        faults.append(Fault(file, line, spelled(complaint.path), complaint.message, complaint.suggestion))
    return faults


def _version(policy: Policy, contents: Mapping[str, bytes]) -> str:
    """Hash what the policy means, whatever its comments and order, and what its files hold; no secret, no limit."""
    digest = hashlib.sha256()
    for piece in _json(policy):
        digest.update(piece.encode())
    for name, content in sorted(contents.items()):
        digest.update(b"\0" + name.encode(errors="surrogatepass") + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:12]


def _json(policy: Policy) -> Iterator[str]:
    """What it says as JSON with sorted names, a route or deployment at a time: all at once would hold up everybody."""
    fields = type(policy).model_fields
    for number, name in enumerate(sorted(name for name in fields if not fields[name].exclude)):
        yield f"{', ' if number else '{'}{json.dumps(name)}: "
        said = getattr(policy, name)
        if not isinstance(said, Mapping):
            yield json.dumps(policy.model_dump(mode="json", include={name})[name], sort_keys=True)
            continue
        yield "{"
        for place, each in enumerate(sorted(said)):
            yield f"{', ' if place else ''}{json.dumps(each)}: "
            yield json.dumps(said[each].model_dump(mode="json"), sort_keys=True)
        yield "}"
    yield "}"
