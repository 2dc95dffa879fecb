import type { DetectorReport } from './probe-site.ts';

/** Components of FingerprintJS that are not the same in all reports, as lines to read; also when there is no id at all. */
export function describeComponents(reports: readonly DetectorReport[]): string[] {
  const prints = reports.map(({ fingerprintjs }) => fingerprintjs);
  const [first] = prints;
  const failed = prints.flatMap((each) => ('error' in each ? [`FingerprintJS failed: ${each.error}`] : []));
  if (failed.length > 0 || first === undefined || 'error' in first) return failed;
  const valueOf = (print: (typeof prints)[number], name: string): string =>
    'error' in print ? '' : JSON.stringify(print.components[name]?.value ?? null);
  const names = Object.keys(first.components);
  const lines = names.flatMap((name) => {
    const values = new Set(prints.map((print) => valueOf(print, name)));
    return values.size > 1 ? [`${name}: ${[...values].map((each) => each.slice(0, 120)).join(' | ')}`] : [];
  });
  const ids = new Set(prints.map((print) => ('error' in print ? '' : print.visitorId)));
  return ids.size > 1 ? [`${ids.size} visitors`, ...lines] : [];
}
