import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { SetupFailure } from './failure.mjs';
import { atExit } from './last-wishes.mjs';
import { say } from './progress.mjs';

const POLL_MS = 200;
const GIVE_UP_MS = 30 * 60_000;

/** `PID STARTED`: where the system tells when a process started, a later one with the same id is not taken for it. */
function describeProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, startedAt] = /^(?:\S+ ){19}(\d+)/.exec(stat.slice(stat.lastIndexOf(')') + 2)) ?? [];
    return `${pid} ${startedAt}`;
  } catch {
    return `${pid}`; // No /proc, or no such process.
  }
}

function isAlive(holder) {
  const pid = Number.parseInt(holder, 10);
  if (!(pid > 0) || describeProcess(pid) !== holder) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // Another user's.
  }
}

function readHolder(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // Let go of in this moment.
  }
}

/** @returns whether the lock is ours now */
function tryTake(file, content) {
  const own = `${file}.${process.pid}`;
  // Written aside and linked into place: nobody can see a lock without its holder.
  writeFileSync(own, content);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    unlinkSync(own);
  }
}

/** Removes a lock whose holder is dead. Another waiter may do the same at this moment, or hold a new one already. */
function removeAbandoned(file, content) {
  const aside = `${file}.abandoned.${process.pid}`;
  try {
    renameSync(file, aside);
    // Caught a newer one than we judged: put it back.
    if (readFileSync(aside, 'utf8') !== content) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Takes the set-up lock of this checkout: a file that names its holder's process.
 * Waits while the holder lives; takes over from a dead one. The lock is given up when this process ends, too.
 * @returns a function that gives it up
 */
export async function acquireSetupLock(file) {
  const content = describeProcess(process.pid);
  const deadline = Date.now() + GIVE_UP_MS;
  let isAnnounced = false;
  while (!tryTake(file, content)) {
    const holder = readHolder(file);
    if (holder !== undefined && !isAlive(holder)) {
      removeAbandoned(file, holder);
      continue;
    }
    const who = `another set-up of this folder (process ${Number.parseInt(holder ?? '', 10)})`;
    if (Date.now() > deadline) throw new SetupFailure(`Waited half an hour for ${who}. End it and try again.`);
    if (!isAnnounced && holder !== undefined) say(`Waiting for ${who} …`);
    isAnnounced ||= holder !== undefined;
    await sleep(POLL_MS);
  }
  const release = () => rmSync(file, { force: true });
  const takeBack = atExit(release);
  return () => {
    takeBack();
    release();
  };
}
