import pino, { type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';

/** Members that must never be written, wherever they stand. */
const SECRETS = [
  '*.token',
  '*.authorization',
  '*.cookie',
  '*.password',
  'req.headers.authorization',
  'req.headers.cookie',
];

/** How a process logs. */
interface LoggerOptions {
  readonly level: string;
  /** Lines for people, not JSON. */
  readonly isReadable: boolean;
  /** Stands in each line of JSON: the lines of all nodes come together somewhere. */
  readonly nodeId?: string | undefined;
}

/** Makes the process's logger: JSON lines, or lines for people. `silent` writes nothing. */
export function createLogger({ level, isReadable, nodeId }: LoggerOptions): PinoLogger {
  const options = { level, redact: { paths: SECRETS, censor: '[secret]' } };
  if (!isReadable) return pino({ ...options, ...(nodeId !== undefined && { base: { nodeId } }) });
  return pino(options, pretty({ translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname', sync: true }));
}
