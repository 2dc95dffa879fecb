/** `npm run bench`: sets up what is missing, then runs the benchmarks on the pinned Node. Arguments go to them. */
import { runTool } from './launch/run-tool.mjs';
import { runMain, setUp } from './setup.mjs';

await runMain(async () => {
  const { node, environment } = await setUp('start');
  return runTool(node, ['bench/index.ts', ...process.argv.slice(2)], environment);
});
