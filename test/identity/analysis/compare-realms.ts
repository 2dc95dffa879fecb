import type { Finding, ProbeResult, RealmValue } from '../probe-run.ts';
import { listRealms } from '../realms.ts';
import { mustAgree } from './realm-fields.ts';
import { isSame, show } from './values.ts';

/**
 * Values in which a realm differs from the main page, or which it does not have. A value that could not be read is a finding
 * in every realm, the main page included: what fails everywhere alike would otherwise pass.
 */
export function compareRealms(result: ProbeResult): Finding[] {
  const main = result.reports.get('main')?.values ?? {};
  const realms = listRealms(result.tree).filter(({ realm }) => result.reports.has(realm));
  return realms.flatMap((realm) => {
    const values = result.reports.get(realm.realm)?.values ?? {};
    const isUnread = (value: RealmValue): boolean => typeof value === 'string' && value.startsWith('error: ');
    const unread = Object.entries(values).filter(([field, value]) => isUnread(value) && mustAgree(field, realm));
    const differing = Object.keys(main).filter(
      (field) => mustAgree(field, realm) && !isSame(values[field], main[field]),
    );
    return [
      ...unread.map(([field, value]) => ({ realm: realm.realm, field, text: `cannot be read: ${show(value)}` })),
      ...differing.map((field) => ({
        realm: realm.realm,
        field,
        text: `says ${show(values[field])}, the main page ${show(main[field])}`,
      })),
    ];
  });
}

/** What the realms themselves have noticed: natives that were replaced. */
export function listTampering({ reports }: ProbeResult): Finding[] {
  return [...reports].flatMap(([realm, { tampered }]) => tampered.map((text) => ({ realm, field: 'native', text })));
}

/** What the realms themselves have noticed: somebody listens with a debugger. */
export function listTraces({ reports }: ProbeResult): Finding[] {
  return [...reports].flatMap(([realm, { traces }]) => traces.map((text) => ({ realm, field: 'debugger', text })));
}
