"""The files a policy names, each read once at load, so that nobody waits for a disk while a request is answered."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from router.policy import examples, formats, templates
from router.policy.faults import Complaint, did_you_mean
from router.policy.prompting import is_file
from router.policy.source import FieldPath
from router.policy.tree import matches, texts
from router.policy.values import Expanded

_PROMPTS = ("tiers.*.prompt", "deployments.*.tune.prompt")
TEXTS = (
    "routes.*.rules.*.when.system",
    "routes.*.shadow.judge.prompt",
    *(f"{each}.replaces" for each in _PROMPTS),
)  # fields that name a text file
TEMPLATES = tuple(f"{each}.system" for each in _PROMPTS)  # the like, with variables
SNIPPETS = tuple(f"{each}.{name}" for each in _PROMPTS for name in ("prepend", "append"))  # or the text itself
EXAMPLES = tuple(f"{each}.examples" for each in _PROMPTS)
FORMATS = ("tiers.*.params.response_format",)  # an object, or the file that holds it
JUDGES = ("tiers.*.checks.*.judge.prompt",)  # a template of what a judge is asked
CONTEXTS = ("tiers.*.context.template",)  # a template of what stands around chunks
HANDOFFS = ("tiers.*.handoff", "routes.*.handoff")
MODELS = ("routes.*.difficulty",)  # fields that name a file of any kind
CALIBRATIONS = ("routes.*.calibration",)  # the like, made for a model
CERTIFICATES = ("prometheus.ca", "grafana.ca")
SECRETS = ("auth.keys",)  # fields that name a file which has no part in the policy's version
NAMING = (
    *(
        *TEXTS,
        *TEMPLATES,
        *SNIPPETS,
        *EXAMPLES,
        *FORMATS,
        *JUDGES,
        *CONTEXTS,
        *MODELS,
        *CALIBRATIONS,
        *CERTIFICATES,
        *SECRETS,
    ),
    *(f"{each}.template" for each in HANDOFFS),
)
HANDED = {"draft": ("draft", "verdict"), "verdict": ("verdict",), "none": ()}
"""The variables that a handoff's template may use, by what is given."""
JUDGED = ("request", "answer")
"""The variables that a judge's words may use."""
RETRIEVED = ("sources",)
"""The variable that a template of sources must use."""
_LARGEST = 256 * 2**20


def content_of(path: Path) -> bytes | None:
    """Return a regular file's bytes, or None: a pipe or a device could keep us waiting for ever."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= _LARGEST else None
    except (OSError, ValueError):
        return None


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


@dataclass(slots=True)
class Files:
    """The files a policy names, each read once."""

    folder: Path
    seen: set[Path]
    contents: dict[str, bytes] = field(default_factory=dict)
    secret: set[str] = field(default_factory=set)

    def text(self, name: str) -> str | None:
        """Return a small file's text for `${file:…}`, or None when there is none."""
        path = self.folder / name
        self.seen.add(path)
        content = content_of(path)
        return None if content is None else _decoded(content)

    def take(self, tree: object) -> Iterator[Complaint]:
        """Read every file the fields name; complain about those that cannot be used."""
        yield from self._take_prompts(tree)
        for path, name in _named(tree, MODELS):
            if name != "builtin" and not _is_constant(name) and self._take(name) is None:
                hint = did_you_mean(name, ["builtin"]) or "write builtin, a number, or a file relative to the policy"
                yield Complaint(path, f"no file '{name}' beside the policy", hint)
        for path, name in _named(tree, CALIBRATIONS):
            if self._take(name) is None:
                yield Complaint(path, f"no file '{name}' beside the policy", "'smallfirst calibrate --out' writes one")
        for path, name in _named(tree, CERTIFICATES):
            if self._take(name) is None:
                yield Complaint(path, f"no file '{name}' beside the policy", "files are relative to the policy")
        for path, name in _named(tree, SECRETS):
            self.secret.add(name)
            if self._take(name) is None:
                hint = f"'smallfirst keys add --name NAME --file {self.folder / name}' makes one"
                yield Complaint(path, f"no file '{name}' beside the policy", hint)

    def _take_prompts(self, tree: object) -> Iterator[Complaint]:
        for patterns, read in _READ_AS:
            for path, name in _named(tree, patterns):
                yield from self._check(path, name, partial(read, name))
        for path, text in _named(tree, SNIPPETS):
            if is_file(text):
                yield from self._check(path, text, partial(_prompt, text))
            elif text.strip():
                yield from _complaints(path, "", text.encode(errors="surrogatepass"), partial(_prompt, text))
        for path, name, known in _handoffs(tree):
            yield from self._check(path, name, partial(_handoff, known))

    def versioned(self) -> dict[str, bytes]:
        """Return the contents that are part of the policy's version."""
        return {name: content for name, content in self.contents.items() if name not in self.secret}

    def _check(self, path: FieldPath, name: str, read: Callable[[bytes], object]) -> Iterator[Complaint]:
        """Read a file as what it should be; complain when it is not there, or is something else."""
        content = self._take(name)
        if content is None:
            yield Complaint(path, f"no file '{name}' beside the policy", "files are relative to the policy")
        else:
            yield from _complaints(path, f"'{name}' ", content, read)

    def _take(self, name: str) -> bytes | None:
        if name not in self.contents:
            self.seen.add(self.folder / name)
            content = content_of(self.folder / name)
            if content is None:
                return None
            self.contents[name] = content
        return self.contents[name]


def _named(tree: object, patterns: tuple[str, ...]) -> Iterator[tuple[FieldPath, str]]:
    for pattern in patterns:
        yield from texts(tree, pattern)


def _is_constant(text: str) -> bool:
    """Tell `${DIFFICULTY}` that holds a number from the name of a file."""
    try:
        return isinstance(text, Expanded) and float(text) is not None
    except ValueError:
        return False


def _complaints(path: FieldPath, what: str, content: bytes, read: Callable[[bytes], object]) -> Iterator[Complaint]:
    try:
        read(content)
    except ValueError as error:
        yield Complaint(path, f"{what}{error}")


def _text(_name: str, content: bytes) -> str:
    text = _decoded(content)
    if text is None or not text.strip():
        raise ValueError("is empty or not UTF-8 text")
    return text


def _prompt(name: str, content: bytes) -> object:
    return templates.parse(_text(name, content), templates.of_metadata)


def _handoff(known: tuple[str, ...], content: bytes) -> object:
    return templates.parse(_text("", content), known.__contains__, _told(known))


def _sources(content: bytes) -> object:
    template = templates.parse(_text("", content), RETRIEVED.__contains__, _told(RETRIEVED))
    if not any(isinstance(piece, templates.Variable) for piece in template):
        raise ValueError("has no {{sources}}, so that the model would never see them")
    return template


def _told(known: tuple[str, ...]) -> str:
    """Name variables for people."""
    return " and ".join(f"{{{{{name}}}}}" for name in known) or "nothing"


def _handoffs(tree: object) -> Iterator[tuple[FieldPath, str, tuple[str, ...]]]:
    """Yield every handoff's own template and the variables it may use."""
    for pattern in HANDOFFS:
        for path, handoff in matches(tree, pattern):
            if isinstance(handoff, Mapping) and isinstance(name := handoff.get("template"), str):
                yield (*path, "template"), name, HANDED.get(str(handoff.get("give")), ())


_READ_AS: tuple[tuple[tuple[str, ...], Callable[[str, bytes], object]], ...] = (
    (TEXTS, _text),
    (TEMPLATES, _prompt),
    (EXAMPLES, lambda _name, content: examples.read(content)),
    (FORMATS, formats.read),
    (CONTEXTS, lambda _name, content: _sources(content)),
    (JUDGES, lambda _name, content: _handoff(JUDGED, content)),
)
"""What each named file is read as, to see whether it can be."""
