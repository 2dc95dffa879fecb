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

/** Makes the process's logger: JSON lines, or lines for people. `silent` writes nothing. */
export function createLogger(options: { readonly level: string; readonly isReadable: boolean }): PinoLogger {
  const { level, isReadable } = options;
  const base = { level, redact: { paths: SECRETS, censor: '[secret]' } };
  if (!isReadable) return pino(base);
  return pino(base, pretty({ translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname', sync: true }));
}
