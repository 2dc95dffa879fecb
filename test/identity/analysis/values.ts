import type { ProbeResult, RealmValue } from '../probe-run.ts';

/** Whether two values a realm may have read are the same. */
export function isSame(one: RealmValue | undefined, other: RealmValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A value for a message, cut where it gets long. */
export function show(value: RealmValue | undefined): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 240 ? `${text.slice(0, 240)}…` : text;
}

/** A value as it stands in a header: texts as they are, all else as JSON. */
export function plain(value: RealmValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Reads the main page's values; each accessor gives undefined for a value that is not there or of another kind. */
export interface MainValues {
  readonly all: Readonly<Record<string, RealmValue>>;
  readonly text: (field: string) => string | undefined;
  readonly number: (field: string) => number | undefined;
  readonly list: (field: string) => readonly RealmValue[];
  readonly member: (field: string, key: string) => RealmValue | undefined;
}

/** What the main page has told. Empty when it has told nothing, which is a finding elsewhere. */
export function mainValues({ reports }: ProbeResult): MainValues {
  const all = reports.get('main')?.values ?? {};
  return {
    all,
    text: (field) => (typeof all[field] === 'string' ? all[field] : undefined),
    number: (field) => (typeof all[field] === 'number' ? all[field] : undefined),
    list: (field) => (Array.isArray(all[field]) ? (all[field] as readonly RealmValue[]) : []),
    member: (field, key) => {
      const value = all[field];
      return value !== null && typeof value === 'object' && !Array.isArray(value)
        ? (value as Readonly<Record<string, RealmValue>>)[key]
        : undefined;
    },
  };
}
