/** `npm run leak-check`: sets up what is missing, then looks for leaks on the pinned Node. Arguments go to the check. */
import { runTool } from './launch/run-tool.mjs';
import { runMain, setUp } from './setup.mjs';

await runMain(async () => {
  const { node, environment } = await setUp('start');
  return runTool(node, ['test/leak-check/index.ts', ...process.argv.slice(2)], environment);
});
