"""What must happen at once on the server, as Lua: compare-and-set, leases, flights, and accounts.

A script is sent by its hash; a server that does not know it (it was restarted, or another one took over) says so, and
gets the text.
"""

from dataclasses import dataclass, field
from hashlib import sha1

__all__ = ["ALL", "CHARGE", "CLAIM", "EXTEND", "KEEP", "RELEASE", "RENEW", "SETTLE", "SWAP", "Script"]


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

CHARGE = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local want, own, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local requests, tokens, parallel = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local per_day, per_month = tonumber(ARGV[7]), tonumber(ARGV[8])

local fine, a = pcall(cjson.decode, redis.pcall('GET', KEYS[1]))
if not fine or type(a) ~= 'table' or type(a.t) ~= 'number' or type(a.who) ~= 'table' then
  a = {t=now, r=0, k=0, day=0, d=0, month=0, m=0, who={}}
end
local passed = math.max(0, now - a.t)
a.t = now
a.r = requests and math.max(0, a.r - passed * requests / 60) or 0
a.k = tokens and math.max(0, a.k - passed * tokens / 60) or 0

local day = math.floor(now / 86400)
local z = day + 719468
local era = math.floor(z / 146097)
local doe = z - era * 146097
local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
local mp = math.floor((5 * doy + 2) / 153)
local month = (yoe + era * 400) * 12 + mp + 2
if a.day ~= day then a.day, a.d = day, 0 end
if a.month ~= month then a.month, a.m = month, 0 end

local spent, known = tonumber(ARGV[9]), tonumber(ARGV[10])
local me = a.who[own] or {0, 0, known, 0, now}
local news = math.max(0, spent - me[3])
a.d, a.m, me[3] = a.d + news, a.m + news, spent
a.r = math.max(0, a.r + (requests and tonumber(ARGV[11]) or 0))
a.k = math.max(0, a.k + (tokens and tonumber(ARGV[12]) or 0))
local places = ARGV[13]
if string.sub(places, 1, 1) == '=' then me[1] = tonumber(string.sub(places, 2))
else me[1] = math.max(0, me[1] + tonumber(places)) end
me[4] = me[4] * math.exp(math.min(0, me[5] - now) / 60)
me[2], me[5] = now + lease, now
a.who[own] = me

local held, shares = 0, 0
for who, it in pairs(a.who) do
  if it[2] > now then held = held + it[1] end
  if it[5] < now - 60 and it[2] <= now then a.who[who] = nil
  else shares = shares + it[4] * math.exp(math.min(0, it[5] - now) / 60) end
end
local may = 0
if want >= 0
  and not (per_month and a.m >= per_month) and not (per_day and a.d >= per_day)
  and not (requests and a.r + 1 > requests * 1.000002) and not (tokens and a.k + want > tokens * 1.000002)
  and not (parallel and held + 1 > parallel) then
  may = 1
  if requests then a.r = a.r + 1 end
  if tokens then a.k = a.k + want end
  me[4], shares = me[4] + 1, shares + 1
  if parallel then me[1], held = me[1] + 1, held + 1 end
end
redis.call('SET', KEYS[1], cjson.encode(a), 'PX', ARGV[14])
return cjson.encode({may, now, a.r, a.k, a.d, a.m, held, shares > 0 and me[4] / shares or 0})
""")
"""KEYS: account. ARGV: tokens wanted, or -1 to take nothing; who asks, seconds for which its places are its own;
requests and tokens in a minute, in parallel, US dollars in a day and in a month, each '' for no limit; what it has
spent in all, and what of it is known to be here; requests and tokens to add; its places, `=2` or `-1`; milliseconds to
stay.

Gives whether it may, the time, the levels of requests and tokens, dollars of the day and the month, places that are
taken, and which share of the account's requests its own are. Levels are those of leaky buckets, which is the GCRA in
its form as a continuous-state leaky bucket (ITU-T Recommendation I.371, annex A): what is over the limit when it is
settled drains at the limit's rate. The month is found as in H. Hinnant's `civil_from_days`. What a process has spent is
told as a sum that only grows, so a message that comes twice or late counts once.
"""

ALL = (SWAP, RENEW, RELEASE, CLAIM, EXTEND, SETTLE, KEEP, CHARGE)
