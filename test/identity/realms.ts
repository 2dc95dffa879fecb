/** How a realm is made by the one above it; page/realm.js knows how. */
type Maker =
  | 'page'
  | 'frame'
  | 'blank frame'
  | 'srcdoc frame'
  | 'blob frame'
  | 'written frame'
  | 'javascript frame'
  | 'sandboxed frame'
  | 'cross-site frame'
  | 'popup'
  | 'noopener popup'
  | 'worker'
  | 'module worker'
  | 'blob worker'
  | 'data worker'
  | 'shared worker'
  | 'service worker'
  | 'worklet';

/** One realm of the probe with those it makes. */
export interface Realm {
  /** Unique in the tree; what failures call it. */
  readonly realm: string;
  readonly how: Maker;
  /** Which of the probe's sites a cross-site frame comes from. */
  readonly site?: number;
  /** Made only when somebody has clicked, as a window may be opened only then. */
  readonly gesture?: true;
  readonly children: readonly Realm[];
}

type More = Pick<Realm, 'site' | 'gesture'> & { readonly children?: readonly Realm[] };

const one = (realm: string, how: Maker, more: More = {}): Realm => ({ children: [], ...more, realm, how });

/** Every kind of place a script can run in. All of them must say the same about the browser. */
export const REALM_TREE: Realm = one('main', 'page', {
  children: [
    one('same-origin frame', 'frame', { children: [one('worker of a frame', 'worker')] }),
    one('blank frame', 'blank frame'),
    one('srcdoc frame', 'srcdoc frame'),
    one('blob frame', 'blob frame'),
    one('written frame', 'written frame'),
    one('javascript frame', 'javascript frame'),
    one('sandboxed frame', 'sandboxed frame', { children: [one('worker of a sandboxed frame', 'data worker')] }),
    one('cross-site frame', 'cross-site frame', {
      site: 1,
      children: [
        one('worker of a cross-site frame', 'worker'),
        one('nested cross-site frame', 'cross-site frame', {
          site: 2,
          children: [one('worker of a nested cross-site frame', 'worker')],
        }),
      ],
    }),
    one('worker', 'worker', { children: [one('nested worker', 'worker')] }),
    one('module worker', 'module worker'),
    one('blob worker', 'blob worker'),
    one('data worker', 'data worker'),
    one('shared worker', 'shared worker'),
    one('service worker', 'service worker'),
    one('audio worklet', 'worklet'),
    one('popup', 'popup', { gesture: true }),
    one('noopener popup', 'noopener popup', { gesture: true }),
  ],
});

/** A realm and all below it, from the top down. */
export function listRealms(tree: Realm): Realm[] {
  return [tree, ...tree.children.flatMap(listRealms)];
}

/** Whether a realm runs in a window, and not in a worker or a worklet. */
export function isWindowRealm({ how }: Realm): boolean {
  return !/worker|worklet/.test(how);
}

/** Whether a realm is a tab or a window of its own. */
export function isTopLevel({ how }: Realm): boolean {
  return how === 'page' || how === 'popup' || how === 'noopener popup';
}
