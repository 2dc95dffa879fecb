import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { ServiceMetrics } from '../../server/platform/metrics/service-metrics.ts';
import { fleetDashboard } from '../../tools/generate/dashboards/fleet-dashboard.ts';
import { nodeDashboard } from '../../tools/generate/dashboards/node-dashboard.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DASHBOARDS = { 'guise-fleet': fleetDashboard(), 'guise-node': nodeDashboard() };

const promtool = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('promtool', args, { cwd: import.meta.dirname })).stdout;

/** The names of all metrics: those in the sources, those of prom-client, and `up`. */
async function listMetrics(): Promise<Set<string>> {
  const zero = (): number => 0;
  const { registry } = new ServiceMetrics({
    liveSessions: zero,
    sessionLimit: zero,
    queuedCreates: zero,
    cdpClients: zero,
    realtimeClients: zero,
  });
  const names = new Set(['up', ...registry.getMetricsAsArray().map(({ name }) => name)]);
  for (const file of globSync('server/**/*metrics*.ts', { cwd: ROOT })) {
    const source = await readFile(path.join(ROOT, file), 'utf8');
    for (const [, name = ''] of source.matchAll(/'(guise_[a-z_]+)'/g)) {
      for (const suffix of ['', '_bucket', '_count', '_sum']) names.add(name + suffix);
    }
  }
  return names;
}

/** The metrics a query asks for. @throws when it is no PromQL */
function findMetrics(query: string): string[] {
  const text = query.replaceAll('$instance', 'a');
  const names: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`Not PromQL at ${from}: ${query}`);
      if (type.name === 'VectorSelector') names.push(/^\w+/.exec(text.slice(from, to))?.[0] ?? '');
    },
  });
  return names;
}

interface Panel {
  readonly title?: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly panels?: readonly Panel[];
}

const listPanels = (panels: readonly Panel[]): Panel[] =>
  panels.flatMap((each) => [each, ...listPanels(each.panels ?? [])]);

describe('Prometheus', () => {
  it('finds its configuration and its rules correct', async () => {
    expect(await promtool('check', 'config', 'prometheus.yml')).toContain('rules found');
  });

  it('speaks when it should and is silent when it should, rule by rule', async () => {
    expect(await promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
  });

  it('has a test of each rule, a runbook that is there, and asks for metrics that are there', async () => {
    const metrics = await listMetrics();
    const tests = await readFile(path.join(import.meta.dirname, 'alerts.test.yml'), 'utf8');
    const readme = await readFile(path.join(ROOT, 'cloud/README.md'), 'utf8');
    const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    );
    const { groups } = parse(await readFile(path.join(import.meta.dirname, 'alerts.yml'), 'utf8')) as {
      groups: { rules: { alert: string; expr: string; annotations: { runbook: string } }[] }[];
    };
    for (const { alert, expr, annotations } of groups.flatMap(({ rules }) => rules)) {
      expect(tests.split(new RegExp(`alertname: ${alert}\\b`)).length - 1, alert).toBeGreaterThanOrEqual(2);
      expect(anchors, alert).toContain(annotations.runbook.replace('cloud/README.md#', ''));
      for (const name of findMetrics(expr)) expect(metrics, alert).toContain(name);
    }
  });
});

describe.each(Object.entries(DASHBOARDS))('the dashboard %s', (uid, dashboard) => {
  it('is what the generator makes', async () => {
    const file = path.join(import.meta.dirname, `grafana/dashboards/${uid}.json`);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(dashboard)));
  });

  it('asks for metrics that are there, in every panel, and says what it shows', async () => {
    const metrics = await listMetrics();
    const panels = listPanels((dashboard.panels ?? []) as unknown as Panel[]).filter(
      ({ targets }) => targets !== undefined,
    );
    expect(panels.length).toBeGreaterThan(10);
    for (const { title = '', description, targets = [] } of panels) {
      expect(description, title).toMatch(/\.$/);
      expect(targets.length, title).toBeGreaterThan(0);
      for (const { expr } of targets) {
        const asked = findMetrics(expr);
        expect(asked.length, expr).toBeGreaterThan(0);
        for (const name of asked) expect(metrics, title).toContain(name);
      }
    }
  });
});

describe('the check of queries', () => {
  it('notices what is no PromQL', () => {
    expect(() => findMetrics('sum(rate(guise_sessions_live[5m])')).toThrow('Not PromQL');
    expect(findMetrics('sum(rate(a_total{b="c"}[5m])) / d')).toEqual(['a_total', 'd']);
  });
});
