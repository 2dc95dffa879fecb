import { randomUUID } from 'node:crypto';

import type { Params } from '../command-checks.ts';
import type { OnAnswer } from './hidden-channel.ts';

/** World of the gateway in frames of which the client has none: a way into them that the page does not see. */
const OWN_WORLD = 'w';
/** What is asked of a context to learn its id. It reads nothing of the page, so the page cannot notice. */
const NOTHING = '({})';

/** Most worlds that each new document is asked for. */
const MOST_WORLDS = 50;

/** A context as the client knows it. */
interface Context {
  readonly id: number;
  readonly uniqueId: string;
  /** Name of its isolated world; undefined for the main one. */
  readonly world: string | undefined;
  readonly frame: Frame;
}

interface Frame {
  /** '' for a worker, which has no frames. */
  readonly id: string;
  readonly isRoot: boolean;
  url: string;
  origin: string;
  readonly contexts: Map<number, Context>;
}

interface SessionContextsDeps {
  readonly ask: (method: string, params: Params, onAnswer?: OnAnswer) => void;
  /** Sends an event to the client. */
  readonly tell: (method: string, params: Params) => void;
  /** A context is known; where the client is to be told of it, it has been. */
  readonly onContext: (context: { readonly id: number; readonly world: string | undefined }) => void;
}

function contextIdOf(remoteObject: unknown): number | undefined {
  const { objectId } = (remoteObject ?? {}) as { readonly objectId?: unknown };
  // "isolate.context.number"; an isolate may be negative.
  const id = typeof objectId === 'string' ? Number(objectId.split('.')[1]) : NaN;
  return Number.isSafeInteger(id) ? id : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * The execution contexts of one CDP session, found and announced without `Runtime.enable`.
 *
 * Once followed, the contexts of each frame are looked for when it is attached and when it gets another document, and belong to
 * it until the next one. A frame record is replaced when its document is: an answer that comes later belongs to none, and is
 * dropped. Whether the client is told is another matter: `isTelling`, which follows its `Runtime.enable`.
 */
export class SessionContexts {
  readonly #deps: SessionContextsDeps;
  readonly #targetId: string | undefined;
  readonly #frames = new Map<string, Frame>();
  /** Names of the worlds that every new document gets. */
  readonly #worlds = new Set<string>();
  /** Makes unique ids, which Chromium's are over all processes. */
  readonly #key = randomUUID();
  #lastUnique = 0;
  #lastGroup = 0;
  #isFollowing = false;
  #isTelling = false;

  /** `targetId` is that of the session's target where it is known: the id of its root frame. */
  constructor(deps: SessionContextsDeps, targetId: string | undefined) {
    this.#deps = deps;
    this.#targetId = targetId;
  }

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** Begins to follow the frames of a page, or the one context of a worker. */
  follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    this.#deps.ask('Page.getFrameTree', {}, (result) => {
      if (result === undefined) this.#look(this.#frame('', true));
      else this.#addTree(result['frameTree']);
    });
  }

  /** A worker has been started anew in the same session. */
  restart(): void {
    if (!this.#isFollowing) return;
    this.#clear();
    this.#look(this.#frame('', true));
  }

  /** Announces all contexts there are, and from now on those that come. */
  startTelling(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (const context of this.#all()) this.#announce(context);
  }

  stopTelling(): void {
    this.#isTelling = false;
  }

  /** Every new document gets this world. */
  addWorld(name: string): void {
    if (this.#worlds.size < MOST_WORLDS) this.#worlds.add(name);
  }

  /** A world was made in a frame. */
  addContext(frameId: string, id: number, world: string): void {
    this.#add(this.#frames.get(frameId) ?? this.#frame(frameId, frameId === this.#targetId), id, world);
  }

  /** The id of the context a unique id of ours stands for. */
  findByUniqueId(uniqueId: string): number | undefined {
    return this.#all().find((context) => context.uniqueId === uniqueId)?.id;
  }

  isMainWorld(id: unknown): boolean {
    return this.#all().some((context) => context.id === id && context.world === undefined);
  }

  /** The main world of the document at `url`, or of the root frame. */
  findMainWorld(url: string | undefined): number | undefined {
    const mains = this.#all().filter(({ world }) => world === undefined);
    const match = mains.find(({ frame }) => url !== undefined && frame.url === url);
    return (match ?? mains.find(({ frame }) => frame.isRoot))?.id;
  }

  /** To be called before the client sees `Page.frameNavigated`. Returns what has to be done after it. */
  frameNavigated(frame: Params, type: unknown): () => void {
    const { id, parentId } = frame;
    if (typeof id !== 'string') return () => undefined;
    const isRoot = typeof parentId !== 'string' || id === this.#targetId;
    if (isRoot) this.#clear();
    else this.#drop(id);
    if (!this.#isFollowing) return () => undefined;
    if (type === 'BackForwardCacheRestore') {
      return () => this.#deps.ask('Page.getFrameTree', {}, (result) => result && this.#addTree(result['frameTree']));
    }
    return () => this.#look(this.#describe(this.#frame(id, isRoot), frame));
  }

  /** To be called after the client has seen `Page.frameAttached`. */
  frameAttached(frameId: unknown): void {
    if (this.#isFollowing && typeof frameId === 'string') this.#look(this.#frame(frameId, false));
  }

  /** To be called before the client sees `Page.frameDetached`. */
  frameDetached(frameId: unknown): void {
    if (typeof frameId === 'string') this.#drop(frameId);
  }

  #all(): Context[] {
    return [...this.#frames.values()].flatMap(({ contexts }) => [...contexts.values()]);
  }

  #frame(id: string, isRoot: boolean): Frame {
    const frame: Frame = { id, isRoot, url: '', origin: '', contexts: new Map() };
    this.#drop(id);
    this.#frames.set(id, frame);
    return frame;
  }

  #describe(frame: Frame, { url, urlFragment, securityOrigin }: Params): Frame {
    frame.url = `${textOf(url)}${textOf(urlFragment)}`;
    frame.origin = textOf(securityOrigin);
    return frame;
  }

  #addTree(tree: unknown): void {
    const { frame, childFrames } = (tree ?? {}) as { readonly frame?: Params; readonly childFrames?: unknown };
    const id = frame?.['id'];
    if (frame === undefined || typeof id !== 'string') return;
    const isRoot = typeof frame['parentId'] !== 'string' || id === this.#targetId;
    this.#look(this.#describe(this.#frames.get(id) ?? this.#frame(id, isRoot), frame));
    for (const child of Array.isArray(childFrames) ? childFrames : []) this.#addTree(child);
  }

  /** Finds the contexts of a frame's document. */
  #look(frame: Frame): void {
    this.#lastGroup += 1;
    const objectGroup = `contexts-${this.#lastGroup}`;
    if (frame.isRoot) {
      this.#deps.ask('Runtime.evaluate', { expression: NOTHING, objectGroup }, (answer) =>
        this.#addMainWorld(frame, contextIdOf(answer?.['result']), objectGroup),
      );
    } else {
      this.#lookThrough(frame, objectGroup);
    }
    if (frame.id === '') return;
    for (const world of this.#worlds) this.#makeWorld(frame, world, (id) => this.#add(frame, id, world));
  }

  #makeWorld(frame: Frame, worldName: string, onMade: (contextId: number) => void): void {
    // The browser makes no second world of a name in the same document.
    const params = { frameId: frame.id, worldName, grantUniveralAccess: true };
    this.#deps.ask('Page.createIsolatedWorld', params, (answer) => {
      const id = answer?.['executionContextId'];
      if (typeof id === 'number') onMade(id);
    });
  }

  /** Finds the main world of a frame that is not the root: by its document, seen from an isolated world of it. */
  #lookThrough(frame: Frame, objectGroup: string): void {
    const { ask } = this.#deps;
    const [worldName = OWN_WORLD] = this.#worlds;
    this.#makeWorld(frame, worldName, (contextId) =>
      ask('Runtime.evaluate', { expression: 'document', contextId, objectGroup }, (evaluated) => {
        const { objectId } = (evaluated?.['result'] ?? {}) as { readonly objectId?: string };
        if (objectId === undefined) return;
        ask('DOM.describeNode', { objectId, depth: 0 }, (described) => {
          const { backendNodeId } = (described?.['node'] ?? {}) as { readonly backendNodeId?: number };
          if (backendNodeId === undefined) return;
          ask('DOM.resolveNode', { backendNodeId, objectGroup }, (resolved) =>
            this.#addMainWorld(frame, contextIdOf(resolved?.['object']), objectGroup),
          );
        });
      }),
    );
  }

  #addMainWorld(frame: Frame, id: number | undefined, objectGroup: string): void {
    this.#deps.ask('Runtime.releaseObjectGroup', { objectGroup });
    if (id !== undefined) this.#add(frame, id, undefined);
  }

  #add(frame: Frame, id: number, world: string | undefined): void {
    if (this.#frames.get(frame.id) !== frame || frame.contexts.has(id)) return;
    this.#lastUnique += 1;
    const context: Context = { id, uniqueId: `${this.#key}.${this.#lastUnique}`, world, frame };
    frame.contexts.set(id, context);
    if (this.#isTelling) this.#announce(context);
    this.#deps.onContext(context);
  }

  #announce({ id, uniqueId, world, frame }: Context): void {
    const isDefault = world === undefined;
    const auxData =
      frame.id === '' ? { isDefault } : { isDefault, type: isDefault ? 'default' : 'isolated', frameId: frame.id };
    this.#deps.tell('Runtime.executionContextCreated', {
      context: { id, origin: frame.origin, name: world ?? '', uniqueId, auxData },
    });
  }

  #drop(frameId: string): void {
    const frame = this.#frames.get(frameId);
    this.#frames.delete(frameId);
    if (frame === undefined || !this.#isTelling) return;
    for (const { id, uniqueId } of frame.contexts.values()) {
      this.#deps.tell('Runtime.executionContextDestroyed', {
        executionContextId: id,
        executionContextUniqueId: uniqueId,
      });
    }
  }

  #clear(): void {
    const had = this.#all().length > 0;
    this.#frames.clear();
    if (had && this.#isTelling) this.#deps.tell('Runtime.executionContextsCleared', {});
  }
}
