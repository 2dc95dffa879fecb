/**
 * Makes deploy/helm/kubernetes-schema.generated.json from a cluster's own description (`kubectl get --raw /openapi/v2`, or
 * api/openapi-spec/swagger.json of Kubernetes): a JSON Schema of what the chart makes, in which unknown fields are errors.
 *
 *     node tools/generate/kubernetes-schema.ts FILE
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

/** What the chart may make, as `APIVERSION KIND`. */
const KINDS: Readonly<Record<string, string>> = {
  'apps/v1 DaemonSet': 'io.k8s.api.apps.v1.DaemonSet',
  'apps/v1 Deployment': 'io.k8s.api.apps.v1.Deployment',
  'autoscaling/v2 HorizontalPodAutoscaler': 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  'networking.k8s.io/v1 Ingress': 'io.k8s.api.networking.v1.Ingress',
  'networking.k8s.io/v1 NetworkPolicy': 'io.k8s.api.networking.v1.NetworkPolicy',
  'policy/v1 PodDisruptionBudget': 'io.k8s.api.policy.v1.PodDisruptionBudget',
  'v1 ConfigMap': 'io.k8s.api.core.v1.ConfigMap',
  'v1 Service': 'io.k8s.api.core.v1.Service',
};

/** What is of another shape on the wire than its description says. */
const LOOSE = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: ['integer', 'string'] },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: ['number', 'string'] },
};

type Schema = Readonly<Record<string, unknown>>;

/** The part of a schema that decides: no prose, no formats, no extensions. Unknown fields of what has fields are errors. */
function reduce(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reduce);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, each]) => !(typeof each === 'string' && ['description', 'format'].includes(key)) && !key.startsWith('x-'),
  );
  const reduced = Object.fromEntries(kept.map(([key, each]) => [key, reduce(each)]));
  return 'properties' in value && 'type' in value ? { ...reduced, additionalProperties: false } : reduced;
}

function listReferences(schema: unknown): string[] {
  return [...JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)].map(([, name = '']) => name);
}

/** The definitions that names lead to, reduced. */
function collect(definitions: Readonly<Record<string, Schema>>, names: readonly string[]): Record<string, unknown> {
  const collected: Record<string, unknown> = {};
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name in collected) continue;
    const schema = LOOSE[name as keyof typeof LOOSE] ?? reduce(definitions[name]);
    collected[name] = schema;
    waiting.push(...listReferences(schema));
  }
  return Object.fromEntries(Object.entries(collected).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

const [file = ''] = parseArgs({ allowPositionals: true }).positionals;
const { info, definitions } = JSON.parse(readFileSync(file, 'utf8')) as {
  info: { version: string };
  definitions: Record<string, Schema>;
};
const output = { version: info.version, kinds: KINDS, definitions: collect(definitions, Object.values(KINDS)) };
const target = path.join(import.meta.dirname, '../../deploy/helm/kubernetes-schema.generated.json');
writeFileSync(target, `${JSON.stringify(output)}\n`);
