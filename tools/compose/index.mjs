import { withExitOnSignals } from '../setup/last-wishes.mjs';
import { Checks } from './checks.mjs';
import { buildImage, checkImage } from './image-checks.mjs';
import { checkStack, runOnStack } from './stack-checks.mjs';

async function main(args) {
  const program = args[0] === 'run' ? args.slice(1) : [];
  if (program.length > 0) {
    await buildImage();
    return runOnStack(program);
  }
  const parts = args.filter((arg) => !arg.startsWith('--'));
  const isWanted = (part) => parts.length === 0 || parts.includes(part);
  const checks = new Checks();
  try {
    await buildImage();
    if (isWanted('image')) await checkImage(checks);
    if (isWanted('stack')) await checkStack(checks);
  } catch (error) {
    checks.check('nothing unforeseen happened', false);
    console.error(error.stack ?? error);
  }
  console.log(`${checks.passed} passed, ${checks.failed} failed`);
  return checks.failed === 0 && checks.passed > 0 ? 0 : 1;
}

process.exitCode = await withExitOnSignals(() => main(process.argv.slice(2)));
