import { readdir } from 'node:fs/promises';
import path from 'node:path';

import {
  listBrowsers,
  countClients,
  listDescriptors,
  listDisplays,
  listListeningPorts,
  listProcessesOf,
  type ProcessInfo,
} from './processes.ts';
import type { Service } from './service.ts';

/** All a service holds of the machine, counted from outside; the displays of warm browsers, which follow demand, left out. */
export interface Holdings {
  readonly browsers: number;
  readonly displays: number;
  /** Processes whose browser is gone. How many a living browser has is Chromium's affair, and changes by itself. */
  readonly strays: number;
  readonly folders: number;
  readonly ports: number;
  /**
   * Of the service's process, without its connections to the database, which come and go by the minute, and those of clients that are still
   * there, as those of a test are between two requests.
   */
  readonly descriptors: number;
}

/** Whether a process is a part of that browser: in its group, or with its folder in arguments or environment. */
function belongsTo(each: ProcessInfo, browser: ProcessInfo, root: string): boolean {
  if (each.groupId === browser.groupId) return true;
  const folder = /\/browsers\/\w+/.exec(browser.command)?.[0] ?? root;
  return each.command.includes(folder) || each.environment.includes(folder);
}

/** Connections a service has to the database below `dataDir` now: they come and go by the minute. */
export function countDatabaseConnections(dataDir: string): number {
  return listProcessesOf(dataDir).filter(({ command }) => /^postgres: \S+ \S+ \S+ \[local\]/.test(command)).length;
}

/** Counts what a service holds now. */
export async function countHoldings({
  pid,
  dataDir,
  address,
  api,
}: Pick<Service, 'pid' | 'dataDir' | 'address' | 'api'>): Promise<Holdings> {
  const root = path.join(dataDir, 'browsers');
  const folders = await readdir(root);
  const browsers = listBrowsers(dataDir);
  const strays = listProcessesOf(root).filter((each) => !browsers.some((browser) => belongsTo(each, browser, root)));
  const descriptors = listDescriptors(pid);
  const connections = countDatabaseConnections(dataDir) + countClients(pid, Number(new URL(address).port));
  const { classes } = (await api.status()).warmPool;
  const warmDisplays = classes.reduce((sum, each) => sum + (each.class.startsWith('headful') ? each.ready : 0), 0);
  return {
    browsers: browsers.length,
    displays: listDisplays(dataDir).length - warmDisplays,
    strays: strays.length,
    folders: folders.length,
    ports: listListeningPorts(pid).length,
    descriptors: descriptors.length - connections,
  };
}
