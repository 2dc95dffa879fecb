import { redisScript } from '../../platform/redis/index.ts';
import { PRIORITY_STEP_MS, PROMISED_PRIORITY } from '../pool/index.ts';

/**
 * What the scripts share.
 *
 * KEYS are: the nodes (hash: node id to what it said last, in JSON, with the moment), the line (sorted set: ticket to rank), the tickets
 * (sorted set: ticket to when it was last asked for), and when the first beat was heard by a server that knew of none. ARGV[1] is the prefix of the places: each node's are a hash of its own, from the
 * id of a session to the moment it was given its place. All moments are the server's own, in milliseconds: clocks of nodes differ.
 */
const COMMON = `
local nodes, line, tickets, since = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix = ARGV[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function places_of(id) return prefix .. id end
local function all_nodes()
  local found = {}
  local flat = redis.call('HGETALL', nodes)
  for index = 1, #flat, 2 do
    local node = cjson.decode(flat[index + 1])
    node.taken = redis.call('HLEN', places_of(flat[index]))
    found[#found + 1] = node
  end
  return found
end
local function view()
  local found = all_nodes()
  for _, node in ipairs(found) do node.ageMs = now - node.at end
  local knownMs = now - tonumber(redis.call('GET', since) or now)
  return cjson.encode({ nodes = found, waiting = redis.call('ZCARD', line), knownMs = knownMs })
end
`;

/** ARGV: node id, what it says, age at which a place nobody took is given back, sessions it holds. Returns the view. */
export const BEAT = redisScript(`${COMMON}
local id, record, unclaimed_ms = ARGV[2], cjson.decode(ARGV[3]), tonumber(ARGV[4])
record.at = now
redis.call('HSET', nodes, id, cjson.encode(record))
redis.call('SET', since, now, 'NX')
local held = {}
for index = 5, #ARGV do
  held[ARGV[index]] = true
  redis.call('HSETNX', places_of(id), ARGV[index], now)
end
local flat = redis.call('HGETALL', places_of(id))
for index = 1, #flat, 2 do
  if not held[flat[index]] and now - tonumber(flat[index + 1]) > unclaimed_ms then
    redis.call('HDEL', places_of(id), flat[index])
  end
end
return view()
`);

/** Returns the view. */
export const LOOK = redisScript(`${COMMON}
return view()
`);

/**
 * Gives a session a place, or has it wait. ARGV: session id, priority in milliseconds of waiting, the node that asks, age at which a node
 * counts as gone, age at which a ticket does, nodes that are not to be chosen.
 *
 * A session that has a place keeps it. Otherwise it gets one when fewer are before it in line than places are free: who is before it
 * then still gets one. The node that asks is preferred, then the one with most room. What was promised to somebody already waits also where
 * the line is full.
 */
export const TAKE = redisScript(`${COMMON}
local session, priority, self = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local stale_ms, ticket_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local avoided = {}
for index = 7, #ARGV do avoided[ARGV[index]] = true end
local free, best, own, line_limit = 0, nil, nil, 0
for _, node in ipairs(all_nodes()) do
  if redis.call('HEXISTS', places_of(node.nodeId), session) == 1 then return { 'placed', node.nodeId } end
  if now - node.at <= stale_ms then
    line_limit = line_limit + node.queueLimit
    local room = node.limit - node.taken
    if node.isOpen and room > 0 and not avoided[node.nodeId] then
      free = free + room
      node.room = room
      if node.nodeId == self then own = node end
      if best == nil or room > best.room then best = node end
    end
  end
end
local gone = redis.call('ZRANGEBYSCORE', tickets, '-inf', '(' .. (now - ticket_ms))
for _, ticket in ipairs(gone) do
  redis.call('ZREM', tickets, ticket)
  redis.call('ZREM', line, ticket)
end
local rank = redis.call('ZSCORE', line, session)
local before
if rank then before = redis.call('ZRANK', line, session)
else
  -- To the microsecond: of equal ranks Redis would put the lesser id first.
  rank = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 - priority
  before = redis.call('ZCOUNT', line, '-inf', rank)
end
if before < free then
  local chosen = own or best
  redis.call('ZREM', line, session)
  redis.call('ZREM', tickets, session)
  redis.call('HSET', places_of(chosen.nodeId), session, now)
  return { 'placed', chosen.nodeId }
end
if redis.call('ZSCORE', line, session) == false then
  local length = redis.call('ZCARD', line)
  if length >= line_limit and priority < ${PROMISED_PRIORITY * PRIORITY_STEP_MS} then return { 'full', length } end
  redis.call('ZADD', line, rank, session)
end
redis.call('ZADD', tickets, now, session)
return { 'waiting', before + 1 }
`);

/** Gives a place back and gives up the ticket. ARGV: session id, node id or nothing. */
export const RELEASE = redisScript(`${COMMON}
redis.call('ZREM', line, ARGV[2])
redis.call('ZREM', tickets, ARGV[2])
if ARGV[3] ~= '' then redis.call('HDEL', places_of(ARGV[3]), ARGV[2]) end
return 1
`);

/** Forgets a node and its places, unless it has joined again since. ARGV: node id, epoch. */
export const FORGET = redisScript(`${COMMON}
local said = redis.call('HGET', nodes, ARGV[2])
if said and cjson.decode(said).epoch > tonumber(ARGV[3]) then return 0 end
redis.call('HDEL', nodes, ARGV[2])
redis.call('DEL', places_of(ARGV[2]))
return 1
`);

/** The node a session has its place on, or nothing. ARGV: session id. */
export const FIND_HOLDER = redisScript(`${COMMON}
for _, id in ipairs(redis.call('HKEYS', nodes)) do
  if redis.call('HEXISTS', places_of(id), ARGV[2]) == 1 then return id end
end
return ''
`);
