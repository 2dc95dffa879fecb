import { listGroup, listMentioning, readMemory } from './process-facts.ts';

const MIB = 1024 ** 2;

/** A browser by its main process, which leads a process group, and its folder. */
export interface PlacedBrowser {
  readonly pid: number;
  readonly folder: string;
}

/** MiB (PSS) of a whole browser: its process group, and the crash handlers, which leave the group but know the folder. */
export async function measureBrowser({ pid, folder }: PlacedBrowser): Promise<number> {
  const pids = new Set([...(await listGroup(pid)), ...(await listMentioning(folder))]);
  return (await readMemory([...pids])).proportionalBytes / MIB;
}
