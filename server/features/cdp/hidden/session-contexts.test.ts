import { expect, it } from 'vitest';

import type { Params } from '../command-checks.ts';
import type { OnAnswer } from './hidden-channel.ts';
import { SessionContexts } from './session-contexts.ts';

interface Asked {
  readonly method: string;
  readonly params: Params;
  readonly answer: OnAnswer;
}

/** Contexts whose browser answers when the test says so. */
function openContexts(): {
  contexts: SessionContexts;
  asked: Asked[];
  told: [string, Params][];
  answer: typeof answer;
} {
  const asked: Asked[] = [];
  const told: [string, Params][] = [];
  const contexts = new SessionContexts(
    {
      ask: (method, params, answered) => void asked.push({ method, params, answer: answered ?? (() => undefined) }),
      tell: (method, params) => void told.push([method, params]),
      onContext: () => undefined,
    },
    'root',
  );
  const answer = (method: string, result: Params | undefined): void => {
    const index = asked.findIndex((each) => each.method === method);
    const [found] = asked.splice(index, 1);
    if (index < 0 || found === undefined) throw new Error(`${method} was not asked`);
    found.answer(result, undefined);
  };
  return { contexts, asked, told, answer };
}

const object = (context: number): Params => ({ result: { objectId: `-12.${context}.1` } });
const root = { id: 'root', url: 'https://a/', securityOrigin: 'https://a' };

it('announces the main world of a page and the worlds of its client', () => {
  const { contexts, told, answer } = openContexts();
  contexts.addWorld('utility');
  contexts.follow();
  contexts.startTelling();
  answer('Page.getFrameTree', { frameTree: { frame: root } });
  answer('Runtime.evaluate', object(3));
  answer('Page.createIsolatedWorld', { executionContextId: 4 });
  expect(told).toMatchObject([
    [
      'Runtime.executionContextCreated',
      {
        context: {
          id: 3,
          name: '',
          origin: 'https://a',
          auxData: { isDefault: true, type: 'default', frameId: 'root' },
        },
      },
    ],
    ['Runtime.executionContextCreated', { context: { id: 4, name: 'utility', auxData: { type: 'isolated' } } }],
  ]);
});

it('drops what is found of a document that is gone', () => {
  const { contexts, told, answer } = openContexts();
  contexts.follow();
  contexts.startTelling();
  answer('Page.getFrameTree', { frameTree: { frame: root } });
  contexts.frameNavigated({ ...root, url: 'https://a/next' }, 'Navigation')();
  answer('Runtime.evaluate', object(3));
  expect(told).toEqual([]);
  answer('Runtime.evaluate', object(5));
  expect(contexts.findMainWorld(undefined)).toBe(5);
  contexts.frameNavigated(root, 'Navigation');
  expect(told.at(-1)).toEqual(['Runtime.executionContextsCleared', {}]);
});

it('finds the main world of a child frame through an isolated one, and tells when it goes', () => {
  const { contexts, told, answer } = openContexts();
  contexts.follow();
  contexts.startTelling();
  answer('Page.getFrameTree', { frameTree: { frame: root } });
  answer('Runtime.evaluate', undefined);
  contexts.frameAttached('child');
  answer('Page.createIsolatedWorld', { executionContextId: 7 });
  answer('Runtime.evaluate', object(7));
  answer('DOM.describeNode', { node: { backendNodeId: 1 } });
  answer('DOM.resolveNode', { object: { objectId: '-12.6.1' } });
  expect(contexts.isMainWorld(6)).toBe(true);
  contexts.frameDetached('child');
  expect(told.at(-1)).toMatchObject(['Runtime.executionContextDestroyed', { executionContextId: 6 }]);
});

it('takes a session that has no frames for a worker', () => {
  const { contexts, told, answer } = openContexts();
  contexts.follow();
  contexts.startTelling();
  answer('Page.getFrameTree', undefined);
  answer('Runtime.evaluate', object(1));
  expect(told).toMatchObject([
    ['Runtime.executionContextCreated', { context: { id: 1, auxData: { isDefault: true } } }],
  ]);
});
