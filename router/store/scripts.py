"""What must happen at once on the server, as Lua: compare-and-set, leases, and flights.

A script is sent by its hash; a server that does not know it (it was restarted, or another one took over) says so, and
gets the text.
"""

from dataclasses import dataclass, field
from hashlib import sha1

__all__ = ["ALL", "CLAIM", "EXTEND", "KEEP", "RELEASE", "RENEW", "SETTLE", "SWAP", "Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the hash that Redis knows it by."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        made = sha1(self.text.encode(), usedforsecurity=False)  # Redis's own choice
        object.__setattr__(self, "sha", made.hexdigest())


SWAP = Script("""
local now = redis.call('GET', KEYS[1])
if ARGV[1] == '0' then
  if now then return 0 end
elseif now ~= ARGV[2] then return 0 end
if ARGV[4] == '' then redis.call('SET', KEYS[1], ARGV[3]) else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
return 1
""")
"""KEYS: key. ARGV: whether there has to be a value (1) or not (0), that value, the new one, its milliseconds or ''."""

RENEW = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")
"""KEYS: key. ARGV: what it has to hold, milliseconds."""

RELEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")
"""KEYS: key. ARGV: what it has to hold."""

CLAIM = Script("""
local answer = redis.call('GET', KEYS[1])
if answer then return answer end
if ARGV[3] ~= '' then
  local result = redis.call('GET', KEYS[3])
  if result and string.sub(result, 1, 16) == ARGV[3] then return string.sub(result, 17) end
end
local holder = redis.call('GET', KEYS[2])
if not holder then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  return 1
end
if #holder == 16 then redis.call('APPEND', KEYS[2], '+') end
return {string.sub(holder, 1, 16)}
""")
"""KEYS: answer, lock, result. ARGV: owner, lease in milliseconds, the holder that was waited for or ''.

Gives the answer as it is, 1 when the lease is the caller's, and who has it in a list.
"""

EXTEND = Script("""
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, 16) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
""")
"""KEYS: lock. ARGV: owner, milliseconds."""

SETTLE = Script("""
if ARGV[3] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
local holder = redis.call('GET', KEYS[2])
if not holder or string.sub(holder, 1, 16) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if #holder > 16 then
  if ARGV[3] == '' then redis.call('SET', KEYS[3], ARGV[1] .. ARGV[2], 'PX', 5000) end
  redis.call('PUBLISH', KEYS[2], ARGV[1])
end
return 1
""")
"""KEYS: answer, lock, result. ARGV: owner, the value, its milliseconds or '' when only those who joined may have it."""

KEEP = Script("""
for place, name in ipairs(KEYS) do
  if ARGV[1] == '' then redis.call('SET', name, ARGV[place + 1])
  else redis.call('SET', name, ARGV[place + 1], 'PX', ARGV[1]) end
end
return #KEYS
""")
"""KEYS: any. ARGV: milliseconds or '', then a value for each key. Not for a cluster: the keys are no family."""

ALL = (SWAP, RENEW, RELEASE, CLAIM, EXTEND, SETTLE, KEEP)
