/* eslint-disable n/no-unsupported-features/node-builtins, n/no-unsupported-features/es-syntax -- it runs on the pinned Node, unlike what starts it */
/** A plain CDP connection that is held, to see whether it is let alone. */
export class CdpConnection {
  #socket;
  #nextId = 1;
  #waiting = new Map();
  isOpen = true;

  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(data);
      this.#waiting.get(id)?.resolve(result);
      this.#waiting.delete(id);
    });
    socket.addEventListener('close', () => {
      this.isOpen = false;
      for (const { reject } of this.#waiting.values()) reject(new Error('The connection was closed'));
    });
  }

  /** @throws when it is refused */
  static async open(url) {
    const socket = new globalThis.WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error('The connection was refused')));
    });
    return new CdpConnection(socket);
  }

  /** Whether the browser answers. */
  async answers() {
    if (!this.isOpen) return false;
    const id = this.#nextId++;
    const answer = Promise.withResolvers();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method: 'Browser.getVersion' }));
    const late = setTimeout(() => answer.reject(new Error('No answer')), 10_000);
    try {
      return /Chrom/.test((await answer.promise).product);
    } catch {
      return false;
    } finally {
      clearTimeout(late);
    }
  }

  close() {
    this.#socket.close();
  }
}
