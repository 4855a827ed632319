"""What runs on the server."""

import pytest

from router.store import scripts
from tests.redis_server import RedisServer


@pytest.mark.redis
def test_redis_knows_every_script_by_the_hash_we_use(redis_server: RedisServer) -> None:
    for script in scripts.ALL:
        assert redis_server.ask("SCRIPT", "LOAD", script.text) == b"$40\r\n%b\r\n" % script.sha.encode()
