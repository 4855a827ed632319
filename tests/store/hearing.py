"""What a store tells its operator, for tests that wait until it has."""

import asyncio

__all__ = ["Told"]


class Told:
    """Sentences, in the order they came."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self._news.set()

    async def hears(self, words: str, within: float = 15) -> str:
        """Wait until a sentence has these words, take what came until then away, and give that sentence."""
        async with asyncio.timeout(within):
            while True:
                for number, sentence in enumerate(self.sentences):
                    if words in sentence:
                        del self.sentences[: number + 1]
                        return sentence
                self._news.clear()
                await self._news.wait()
