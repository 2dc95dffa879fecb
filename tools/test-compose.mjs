/**
 * `npm run test:compose [-- image|stack]`: builds the image and looks whether containers of it are what they should be, brings the
 * whole stack up, uses it, scales it, kills and drains nodes of it, and removes it. Needs a container engine with compose; with
 * `--if-there` it is no failure that there is none. `npm run test:compose -- run PROGRAM ARG…` brings three nodes up and runs a program
 * that is told by GUISE_URL, GUISE_KEY and GUISE_PAGES_HOST where they are.
 */
import { whyNoEngine } from './compose/docker.mjs';
import { runTool } from './launch/run-tool.mjs';
import { runMain, setUp } from './setup.mjs';

await runMain(async () => {
  const args = process.argv.slice(2);
  const why = await whyNoEngine();
  if (why !== undefined) {
    console.log(`No container engine with compose answers here, so nothing was checked:\n  ${why}`);
    return args.includes('--if-there') ? 0 : 1;
  }
  const { node, environment } = await setUp('check');
  return runTool(node, ['tools/compose/index.mjs', ...args], environment);
});
