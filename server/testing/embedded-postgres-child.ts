import { parseArgs } from 'node:util';

import { silentLogger } from '../platform/logger/logger.ts';
import { startEmbeddedPostgres } from '../platform/postgres/embedded-postgres.ts';

/** A process that runs an embedded PostgreSQL until it is killed; says where it is in one line of JSON. */
const { values } = parseArgs({ options: { 'data-dir': { type: 'string' } } });
const server = await startEmbeddedPostgres(
  { dataDir: values['data-dir'] ?? '', logger: silentLogger },
  AbortSignal.timeout(30_000),
);
process.stdout.write(`${JSON.stringify({ pid: server.pid, socketDir: server.socketDir })}\n`);
