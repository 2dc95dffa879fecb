const wishes = new Set();
const interruptions = new Set();
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

process.on('exit', () => {
  for (const wish of wishes) wish();
});

/**
 * Has a synchronous function run should this process end, by itself or by a signal that it may catch.
 * @returns a function that takes the wish back
 */
export function atExit(wish) {
  wishes.add(wish);
  return () => wishes.delete(wish);
}

/**
 * Has an asynchronous function run, and waited for, when this process is asked to end; before the last wishes.
 * @returns a function that takes it back
 */
export function onInterruption(stop) {
  interruptions.add(stop);
  return () => interruptions.delete(stop);
}

/** While `work` runs, a signal that asks this process to end stops what it has running, and then ends it; a second one at once. */
export async function withExitOnSignals(work) {
  let isInterrupted = false;
  const exit = async (signal) => {
    const exitCode = 128 + SIGNALS[signal];
    if (isInterrupted) process.exit(exitCode);
    isInterrupted = true;
    await Promise.allSettled([...interruptions].map((stop) => stop()));
    process.exit(exitCode);
  };
  for (const signal of Object.keys(SIGNALS)) process.on(signal, exit);
  try {
    const result = await work();
    if (isInterrupted) await new Promise(() => {}); // Ends with the process: nothing may go on after an interruption.
    return result;
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, exit);
  }
}
