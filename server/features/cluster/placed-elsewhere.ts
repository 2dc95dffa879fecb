/** A create has its place on another node: it is to be sent there, under the id it has been given. Never seen by a client. */
export class PlacedElsewhere extends Error {
  override readonly name = 'PlacedElsewhere';
  readonly nodeId: string;
  readonly sessionId: string;

  constructor({ nodeId, sessionId }: { readonly nodeId: string; readonly sessionId: string }) {
    super(`The session has its place on another node: ${nodeId}`);
    this.nodeId = nodeId;
    this.sessionId = sessionId;
  }
}
