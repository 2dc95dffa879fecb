/** `npm run soak`: sets up what is missing, then runs the soak on the pinned Node. Arguments go to it. */
import { runTool } from './launch/run-tool.mjs';
import { runMain, setUp } from './setup.mjs';

await runMain(async () => {
  const { node, environment } = await setUp('start');
  return runTool(node, ['test/soak/index.ts', ...process.argv.slice(2)], environment);
});
