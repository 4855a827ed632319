"""What makes stored answers unreadable without the policy's `cache.key`: AES-256-GCM, bound to the place of a value."""

from collections.abc import Callable
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["AesSeal"]

_NONCE_BYTES = 12


class AesSeal:
    """Encrypts with a key that is made of a secret."""

    def __init__(self, secret: str, token: Callable[[int], bytes]) -> None:
        """`token` gives random bytes."""
        key = blake2b(secret.encode(), digest_size=32, person=b"smallfirst cache").digest()
        self._cipher = AESGCM(key)
        self._token = token

    def close(self, text: bytes, place: bytes) -> bytes:
        """Encrypt."""
        nonce = self._token(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Decrypt.

        Raises:
            ValueError: it was sealed with another key, for another place, or is not what it was.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except InvalidTag as error:
            message = "sealed with another key"
            raise ValueError(message) from error
