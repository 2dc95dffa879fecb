import { readFile, stat } from 'node:fs/promises';

import { ifPresent } from '../file-error.ts';

const PREFERRED_NAMES = ['postgres', 'nobody'];

/** The user PostgreSQL runs as, where that is not the service's own. */
export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root; for a service that is root, finds a user to drop to: the owner of the cluster, if there is one
 * already, else an unprivileged user that every system has. Undefined: run it as the service itself.
 */
export async function chooseServerAccount(clusterDir: string): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8'));
  const owner = (await ifPresent(stat(clusterDir)))?.uid;
  const ownerAccount = accounts.find(({ uid }) => uid === owner);
  if (ownerAccount !== undefined) return ownerAccount;
  for (const name of PREFERRED_NAMES) {
    const account = accounts.find((candidate) => candidate.name === name);
    if (account !== undefined) return account;
  }
  throw new Error(
    `PostgreSQL does not run as root and there is none of the users ${PREFERRED_NAMES.join(', ')} to run it as: create one, ` +
      'run Guise as an unprivileged user, or set DATABASE_URL to a PostgreSQL server of your own',
  );
}

/** Accounts of a passwd file, root and its aliases excepted. */
function parseAccounts(passwd: string): ServerAccount[] {
  return passwd
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ name, uid, gid }) => name !== '' && uid > 0 && Number.isInteger(gid) && gid >= 0);
}
