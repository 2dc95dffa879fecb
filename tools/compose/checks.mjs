/** Counts what is so and what is not, and says it while it goes. */
export class Checks {
  passed = 0;
  failed = 0;

  check(what, isSo, detail = '') {
    this[isSo ? 'passed' : 'failed'] += 1;
    console.log(`  ${isSo ? '✔' : '✖'} ${what}${detail === '' ? '' : ` (${detail})`}`);
  }
}
