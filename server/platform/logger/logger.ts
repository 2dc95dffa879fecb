/** What a log line carries beside its message. */
type LogFields = Readonly<Record<string, unknown>>;

/** The part of a logger that Guise uses: a fixed lower-case phrase, with the data in fields. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

const nothing = (): void => undefined;

/** Drops everything. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
