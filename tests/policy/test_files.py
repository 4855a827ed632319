"""The files a policy names."""

from pathlib import Path

import pytest

from router.policy.files import Files, content_of

RULE = {"when": {"system": "prompt.md"}}


def taken(folder: Path, tree: object) -> tuple[Files, list[str]]:
    files = Files(folder, set())
    return files, [complaint.message for complaint in files.take(tree)]


def test_each_file_is_read_once_however_often_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Sort.")
    tree = {"routes": {"a": {"rules": [RULE, RULE]}, "b": {"rules": [RULE], "difficulty": "prompt.md"}}}

    files, complaints = taken(tmp_path, tree)

    assert complaints == []
    assert files.contents == {"prompt.md": b"Sort."}
    assert files.seen == {tmp_path / "prompt.md"}


def test_the_keys_are_read_and_are_no_part_of_the_version(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text("keys: []")

    files, _ = taken(tmp_path, {"auth": {"keys": "keys.yaml"}})

    assert files.contents == {"keys.yaml": b"keys: []"}
    assert files.versioned() == {}


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_known_prompt_is_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "prompt.md").write_bytes(content)

    assert taken(tmp_path, {"routes": {"a": {"rules": [RULE]}}})[1] == ["'prompt.md' is empty or not UTF-8 text"]


def test_the_text_of_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1\n")
    (tmp_path / "bytes").write_bytes(b"\xff")
    files = Files(tmp_path, set())

    assert [files.text("key"), files.text("bytes"), files.text("none"), files.text("\0")] == [
        "sk-1\n",
        None,
        None,
        None,
    ]


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    assert content_of(tmp_path) is None
    assert content_of(Path("/dev/zero")) is None
    assert content_of(tmp_path / ("x" * 300)) is None
