import { rmSync, writeFileSync } from 'node:fs';

import { atExit } from './last-wishes.mjs';

/** Debian asks this program before a package starts its service; 101 means no. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

/** Says no only while this process lives: should it be killed, the file left behind does no harm. */
function policy(pid) {
  return `#!/bin/sh\n# Guise is installing packages whose services it does not want started.\nkill -0 ${pid} 2>/dev/null && exit 101\nexit 0\n`;
}

/**
 * Installs packages while their services may not start. A machine that has such a policy keeps its own
 * (containers usually do, and it says no).
 */
export async function withoutServices(install) {
  try {
    writeFileSync(POLICY_FILE, policy(process.pid), { flag: 'wx', mode: 0o755 });
  } catch (error) {
    if (error.code === 'EEXIST') return install();
    throw error;
  }
  const remove = () => rmSync(POLICY_FILE, { force: true });
  const takeBack = atExit(remove);
  try {
    return await install();
  } finally {
    takeBack();
    remove();
  }
}
