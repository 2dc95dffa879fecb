/** `npm start`: sets up what is missing, then runs the service on the pinned Node. Arguments go to the service. */
import { runService } from './launch/run-service.mjs';
import { runMain, setUp } from './setup.mjs';

await runMain(async () => {
  const { node, environment } = await setUp('start');
  return runService(node, ['server/index.ts', ...process.argv.slice(2)], environment);
});
