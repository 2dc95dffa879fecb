/** `node tools/generate/dashboards.ts`: writes Grafana's dashboards anew, from dashboards/. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { format, resolveConfig } from 'prettier';

import { fleetDashboard } from './dashboards/fleet-dashboard.ts';
import { nodeDashboard } from './dashboards/node-dashboard.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../cloud/config/grafana/dashboards');

for (const dashboard of [fleetDashboard(), nodeDashboard()]) {
  const file = path.join(FOLDER, `${dashboard.uid ?? ''}.json`);
  const options = await resolveConfig(file);
  writeFileSync(file, await format(JSON.stringify(dashboard), { ...options, parser: 'json' }));
}
