import { access, rm } from 'node:fs/promises';

import type { BenchmarkDeps } from './benchmark.ts';
import { type Contender, interleave } from './interleave.ts';
import { listGroup, waitForEnd } from './process-facts.ts';
import { launchRawBrowser } from './raw-browser.ts';
import type { Section } from './report.ts';
import { findSessionBrowser } from './session-browser.ts';
import { timed } from './stopwatch.ts';

const PLAN = { rounds: 20, warmUpRounds: 1, budgetMs: 50_000 };

type Series = 'session' | 'raw';

/** @throws when a process or the folder of a deleted session is still there */
async function checkGone(pid: number, folder: string): Promise<void> {
  const left = await listGroup(pid);
  if (left.length > 0) throw new Error(`Deleted, yet processes ${left.join(', ')} still run`);
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (isThere) throw new Error(`Deleted, yet ${folder} is still there`);
}

/** Deletion of a session, beside killing a raw Chromium and removing its folder; in each round both are as old. */
export async function measureDelete({ service, raw }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  const { client } = service;
  const deletePair: Contender<Series> = async (samples, round) => {
    await using browser = await launchRawBrowser(raw, signal);
    await using session = await client.openSession({}, signal);
    const { pid, folder } = await findSessionBrowser(session.cdpUrl, signal);
    const deleteSession = async (): Promise<void> => {
      await client.waitForCalm(signal);
      samples.add('session', await client.endSession(session.id, signal));
      await checkGone(pid, folder);
    };
    const killRaw = async (): Promise<void> => {
      await client.waitForCalm(signal);
      const members = await listGroup(browser.pid);
      const { durationMs } = await timed(async () => {
        browser.kill();
        await waitForEnd(members, signal);
        await rm(browser.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      });
      samples.add('raw', durationMs);
    };
    for (const step of round % 2 === 0 ? [deleteSession, killRaw] : [killRaw, deleteSession]) await step();
  };
  const samples = await interleave([deletePair], PLAN, signal);
  return {
    title: 'Delete a session',
    measurements: [
      {
        what: 'floor: raw Chromium, SIGKILL to group gone and folder removed',
        unit: 'ms',
        samples: samples.get('raw'),
      },
      { what: 'DELETE to the answer', unit: 'ms', samples: samples.get('session'), floor: samples.get('raw') },
    ],
    notes: ['After every answer it is checked that no process of the session runs and its folder is gone.'],
  };
}
