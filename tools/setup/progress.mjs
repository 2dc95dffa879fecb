const PROGRESS_MS = 5_000;

/** Everything goes to stderr: stdout belongs to what is run after the set-up. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

export function formatSeconds(ms) {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/**
 * Announces a step, says every few seconds how far it is, and ends with what `work` returned (a short text) and the time.
 * `work` gets a function to say what it is at; it is shown with the next sign of life.
 */
export async function step(title, work) {
  say(`  ${title} …`);
  const startedAt = performance.now();
  const elapsed = () => formatSeconds(performance.now() - startedAt);
  let activity = '';
  const timer = setInterval(() => say(`    ${elapsed()}${activity ? `, ${activity}` : ''}`), PROGRESS_MS);
  try {
    const result = await work((text) => (activity = text));
    say(`    ${result} (${elapsed()})`);
  } finally {
    clearInterval(timer);
  }
}
