/** A session that was to be used has ended: whether it should have is told by its history, not here. */
export class SessionOverError extends Error {
  override readonly name = 'SessionOverError';
}
