import type { Api } from './api.ts';

/** The value of a series, such as `guise_sessions_live` or `name{label="value"}`, in a text of Prometheus metrics; 0 where it is not. */
export function metricValue(text: string, series: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

/** The value of a series now. */
export async function readMetric(api: Api, series: string): Promise<number> {
  return metricValue((await api.call('GET', '/metrics')).text, series);
}
