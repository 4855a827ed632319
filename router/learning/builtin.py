"""Train the model that ships: `python -m router.learning.builtin FOLDER` with the outcome data in FOLDER."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson

import router.difficulty
from router.clock import SYSTEM
from router.difficulty.builtin import NAME
from router.learning.train import How, train

SOURCES = ("mmlu_train", "gsm8k_train", "mixed_train")


def main(folder: Path) -> None:
    """Train on the training parts in `folder` and write the model into the package."""
    out = Path(router.difficulty.__file__).with_name(NAME)
    today = datetime.fromtimestamp(SYSTEM.wall(), UTC).date()
    data = [folder / f"{source}.jsonl.gz" for source in SOURCES]
    facts = train(data, out, ("tuned", "frontier"), today=today, how=How(far=True))
    sys.stdout.buffer.write(orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
