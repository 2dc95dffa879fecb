export { openRedis } from './open-redis.ts';
export { type Redis, type RedisScript, redisScript } from './redis.ts';
