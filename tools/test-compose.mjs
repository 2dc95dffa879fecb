/**
 * `npm run test:compose [-- image|stack]`: builds the image and looks whether containers of it are what they should be, brings the
 * whole stack up, scales it, kills a node of it, and removes it. Needs a container engine with compose; with `--if-there` it is no failure
 * that there is none.
 */
import { Checks } from './compose/checks.mjs';
import { whyNoEngine } from './compose/docker.mjs';
import { buildImage, checkImage } from './compose/image-checks.mjs';
import { checkStack } from './compose/stack-checks.mjs';

async function main(args) {
  const why = await whyNoEngine();
  if (why !== undefined) {
    console.log(`No container engine with compose answers here, so nothing was checked:\n  ${why}`);
    return args.includes('--if-there') ? 0 : 1;
  }
  const parts = args.filter((arg) => !arg.startsWith('--'));
  const isWanted = (part) => parts.length === 0 || parts.includes(part);
  const checks = new Checks();
  await buildImage();
  if (isWanted('image')) await checkImage(checks);
  if (isWanted('stack')) await checkStack(checks);
  console.log(`${checks.passed} passed, ${checks.failed} failed`);
  return checks.failed === 0 && checks.passed > 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
