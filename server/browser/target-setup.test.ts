import { describe, expect, it } from 'vitest';

import { until } from '../testing/until.ts';
import type { CdpSession } from './cdp-connection.ts';
import { applyTargetSetup, listRenewals, listSetupCommands, type TargetSetup } from './target-setup.ts';

const command = (method: string): TargetSetup['commands']['page'][number] => ({ method, params: {} });
const SETUP: TargetSetup = {
  commands: { page: [command('for.pages')], frame: [command('for.frames')], worker: [command('for.workers')] },
  script: 'script',
  userAgent: undefined,
};
const target = (type: string): Parameters<typeof applyTargetSetup>[1] => ({
  ...{ targetId: 'target', type, title: '', url: 'about:blank', attached: true, canAccessOpener: false },
});
const methodsFor = (type: string, setup = SETUP): string[] =>
  listSetupCommands(type, setup).map(({ method }) => method);

describe('what a target is given', () => {
  it('is that of its kind, the script last', () => {
    const script = ['Page.enable', 'Page.addScriptToEvaluateOnNewDocument'];
    expect(methodsFor('page')).toEqual(['for.pages', ...script]);
    expect(methodsFor('iframe')).toEqual(['for.frames', ...script]);
    for (const type of ['worker', 'shared_worker', 'service_worker', 'shared_storage_worklet']) {
      expect(methodsFor(type)).toEqual(['for.workers', 'Runtime.evaluate']);
    }
  });

  it('is nothing where there is no page and no worker', () => {
    expect(methodsFor('browser_ui')).toEqual([]);
  });

  it('is the locale, which is that of a process, only where it does not end with a worker', () => {
    const locale = command('Emulation.setLocaleOverride');
    const setup: TargetSetup = {
      commands: { page: [locale], frame: [locale], worker: [locale] },
      script: undefined,
      userAgent: undefined,
    };
    expect(methodsFor('page', setup)).toEqual([locale.method]);
    expect(methodsFor('shared_worker', setup)).toEqual([locale.method]);
    expect(methodsFor('worker', setup)).toEqual([]);
    expect(listRenewals('page', setup)).toEqual([locale]);
    expect(listRenewals('worker', setup)).toEqual([]);
  });

  it('leaves pages alone that need no script', () => {
    expect(methodsFor('page', { ...SETUP, script: undefined })).toEqual(['for.pages']);
  });
});

describe('a target', () => {
  /** The far side: takes everything, and answers only what `answers` says. */
  function openSession(answers: (method: string, count: number) => boolean): { session: CdpSession; sent: string[] } {
    const sent: string[] = [];
    const send = async (method: string, _params?: unknown, signal?: AbortSignal): Promise<unknown> => {
      sent.push(method);
      if (answers(method, sent.filter((each) => each === method).length)) return {};
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    };
    return { session: { id: 'session', send, on: () => () => undefined } as unknown as CdpSession, sent };
  }

  it('gets all of it and its release last, without an answer to anything', () => {
    const { session, sent } = openSession(() => false);
    void applyTargetSetup(session, target('worker'), SETUP);
    expect(sent).toEqual([
      'for.workers',
      'Runtime.evaluate',
      'Target.setAutoAttach',
      'Runtime.runIfWaitingForDebugger',
    ]);
  });

  it('that does not take its release is released again', async () => {
    const release = 'Runtime.runIfWaitingForDebugger';
    const { session, sent } = openSession((method, count) => method !== release || count > 1);
    const applied = applyTargetSetup(session, target('page'), SETUP);
    await until(() => sent.filter((method) => method === release).length === 2);
    await applied;
  });
});
