/** Writes one line for people to standard output: the only place of the benchmarks that does. */
export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}
