/** A message of the Console domain, as far as it is used. */
export interface ConsoleMessage {
  readonly level: string;
  readonly text: string;
  readonly url: string | undefined;
  readonly line: number;
  readonly column: number;
}

/** Reads the parameters of `Console.messageAdded`; undefined for messages that the page did not write itself. */
export function readConsoleMessage(params: Readonly<Record<string, unknown>>): ConsoleMessage | undefined {
  const message = params['message'];
  if (typeof message !== 'object' || message === null) return undefined;
  const { source, level, text, url, line, column } = message as Readonly<Record<string, unknown>>;
  if (source !== 'console-api' || typeof level !== 'string' || typeof text !== 'string') return undefined;
  return {
    level,
    text,
    url: typeof url === 'string' ? url : undefined,
    line: typeof line === 'number' ? line : 1,
    column: typeof column === 'number' ? column : 1,
  };
}

/**
 * What `Runtime.consoleAPICalled` says of a message, as far as the Console domain knows it: its arguments as one text, the
 * script that wrote it, no function names.
 */
export function toConsoleCall(
  { level, text, url, line, column }: ConsoleMessage,
  executionContextId: number,
  timestamp: number,
): Record<string, unknown> {
  const frame = { functionName: '', scriptId: '0', url: url ?? '', lineNumber: line - 1, columnNumber: column - 1 };
  return {
    type: level,
    args: [{ type: 'string', value: text }],
    executionContextId,
    timestamp,
    stackTrace: { callFrames: url === undefined ? [] : [frame] },
  };
}
