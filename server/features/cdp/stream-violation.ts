/** Close codes of RFC 6455 section 7.4.1 and its registry for a client that breaks the rules; 1013: that asks too much now. */
export type ViolationCode = 1002 | 1003 | 1007 | 1008 | 1009 | 1013;

/**
 * A client's stream breaks the WebSocket protocol, or what the gateway demands of a message: the connection has to end.
 *
 * `message` is for the client, as the reason of the Close frame: ASCII, and shorter than 120 characters.
 */
export class StreamViolation extends Error {
  override readonly name = 'StreamViolation';
  readonly code: ViolationCode;

  constructor(code: ViolationCode, message: string) {
    super(message);
    this.code = code;
  }
}
