"""How large the head of a request may be: nobody has shown a key by then, and uvicorn would take whatever comes."""

from typing_extensions import override

from router.errors import HeadTooLarge
from router.server.answering import Brisk

__all__ = ["BoundedHeads"]

_LARGEST = 64 * 1024
"""Bytes that may come without completing a head and without any of a body among them; the last read is on top."""

_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
)


class BoundedHeads(Brisk):
    """Uvicorn's protocol, which hangs up on a client whose headers find no end."""

    _quiet = 0

    @override
    def data_received(self, data: bytes) -> None:
        self._quiet += len(data)
        super().data_received(data)
        if self._quiet > _LARGEST and not self.transport.is_closing():
            told = HeadTooLarge(f"the head of a request has at most {_LARGEST} bytes").body()
            self.transport.write(_REFUSAL % (len(told), told))
            self.transport.close()

    @override
    def on_headers_complete(self) -> None:
        self._quiet = 0
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._quiet = 0
        super().on_body(body)
