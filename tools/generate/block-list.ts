/**
 * `node tools/generate/block-list.ts FOLDER SOURCE`: writes the hosts in server/features/egress/blocking/data/ anew, from easylist.txt and
 * easyprivacy.txt in FOLDER; SOURCE says where these come from. See the README there.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const FOLDER = path.resolve(import.meta.dirname, '../../server/features/egress/blocking/data');

/** A rule that begins at a host: whether it is an exception, the host, what of the address follows, and the options. */
const HOST_RULE = /^(@@)?\|\|([a-z0-9-]+(?:\.[a-z0-9-]+)+)([/^:?][^$]*)?(?:\$(.+))?$/;

/** Options that leave a rule one about everything that pages load of a host, or about what a host of that kind is loaded for. */
const WHOLE_HOST = new Set([
  'third-party',
  'script',
  'xmlhttprequest',
  'subdocument',
  'image',
  'ping',
  'all',
  'important',
]);
const LOADS_CODE = ['third-party', 'script', 'xmlhttprequest', 'all'];

/** Served from addresses below hosts that the lists name by path only; nothing but advertising is on them. */
const OWN_ADS = [
  'ad.doubleclick.net',
  'amazon-adsystem.com',
  'googleads.g.doubleclick.net',
  'pagead2.googlesyndication.com',
  'securepubads.g.doubleclick.net',
  'tpc.googlesyndication.com',
  'www.googleadservices.com',
];

/** Hosts of a list in the syntax of Adblock Plus: those it blocks as a whole, and those it says some site cannot do without. Pure. */
export function readHosts(list: string): { readonly blocked: Set<string>; readonly spared: Set<string> } {
  const [blocked, spared] = [new Set<string>(), new Set<string>()];
  for (const line of list.split('\n')) {
    const [, exception, host, rest = '', optionText = ''] = HOST_RULE.exec(line.trim()) ?? [];
    if (host === undefined) continue;
    const options = optionText.split(',').filter((each) => each !== '');
    if (exception !== undefined) {
      if (isForAll(options)) spared.add(host);
    } else if (rest === '^' && isWhole(options)) blocked.add(host);
  }
  return { blocked, spared };
}

/** Whether an exception is about loading, and for every site: one for some sites only would make the rule void for all. */
function isForAll(options: readonly string[]): boolean {
  return !options.some((each) => each.endsWith('hide') || each.startsWith('domain='));
}

function isWhole(options: readonly string[]): boolean {
  if (options.length === 0) return true;
  return options.every((each) => WHOLE_HOST.has(each)) && LOADS_CODE.some((each) => options.includes(each));
}

/** Whether one of the domains that a host is below is in a set. */
function isBelow(host: string, hosts: ReadonlySet<string>): boolean {
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    if (hosts.has(host.slice(dot + 1))) return true;
  }
  return false;
}

/** What the tables hold: sorted by byte, without what a parent already says. Pure. */
export function planTables(ads: string, trackers: string): Record<'ads' | 'trackers' | 'spared', readonly string[]> {
  const [one, other] = [readHosts(ads), readHosts(trackers)];
  const allBlocked = new Set([...one.blocked, ...other.blocked, ...OWN_ADS]);
  // An exception for a host that is blocked itself is one for some of its addresses, or for its own pages: the rule stands.
  const spared = [...one.spared, ...other.spared].filter((host) => !allBlocked.has(host) && isBelow(host, allBlocked));
  const adHosts = new Set([...one.blocked, ...OWN_ADS]);
  const reduce = (hosts: Iterable<string>, own: ReadonlySet<string>): string[] =>
    [...new Set(hosts)].filter((host) => !isBelow(host, own)).sort();
  return {
    ads: reduce(adHosts, adHosts),
    trackers: reduce(
      [...other.blocked].filter((host) => !adHosts.has(host)),
      other.blocked,
    ),
    spared: [...new Set(spared)].sort(),
  };
}

if (import.meta.main) {
  const [folder, source] = parseArgs({ allowPositionals: true }).positionals;
  if (folder === undefined || source === undefined)
    throw new Error('Usage: node tools/generate/block-list.ts FOLDER SOURCE');
  const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
  const tables = planTables(read('easylist.txt'), read('easyprivacy.txt'));
  for (const [name, hosts] of Object.entries(tables)) {
    writeFileSync(path.join(FOLDER, `${name}.txt`), `${hosts.join('\n')}\n`);
  }
  writeFileSync(path.join(FOLDER, 'source.txt'), `${source}\n`);
}
