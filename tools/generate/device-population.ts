/** `node tools/generate/device-population.ts`: writes the tables of devices in server/features/identity/data/ anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Device } from '../../server/features/identity/index.ts';
import { androidDevices } from './population/android.ts';
import { linuxDevices } from './population/linux.ts';
import { macosDevices } from './population/macos.ts';
import { openNetwork, type Share } from './population/network.ts';
import { windowsDevices } from './population/windows.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../server/features/identity/data');

/** Numbers the different values of a property in the order in which they come. */
function indexOf<Value>(): { values: Value[]; of: (value: Value) => number } {
  const values: Value[] = [];
  const places = new Map<string, number>();
  const of = (value: Value): number => {
    const key = JSON.stringify(value);
    const place = places.get(key) ?? values.push(value) - 1;
    places.set(key, place);
    return place;
  };
  return { values, of };
}

/** A table as text: what devices share once, then a line for each device. `device-population.ts` of the feature reads it. */
function toTable(source: string, devices: readonly Share<Device>[]): string {
  const [oses, gpus, screens, media] = [
    indexOf<Device['os']>(),
    indexOf<Device['gpu']>(),
    indexOf<Device['screen']>(),
    indexOf<Device['media']>(),
  ];
  const rows = devices.map(({ value, weight }) => [
    weight,
    oses.of(value.os),
    gpus.of(value.gpu),
    screens.of(value.screen),
    media.of(value.media),
    value.cpuCores,
    value.memoryGb,
    value.maxTouchPoints,
    value.architecture,
    value.model,
  ]);
  const lines = (values: readonly unknown[]): string =>
    `[\n${values.map((each) => JSON.stringify(each)).join(',\n')}\n]`;
  const members = Object.entries({
    osVersions: oses.values,
    gpus: gpus.values,
    screens: screens.values,
    media: media.values,
    devices: rows,
  }).map(([name, values]) => `"${name}": ${lines(values)}`);
  return `{\n"source": ${JSON.stringify(source)},\n${members.join(',\n')}\n}\n`;
}

function write(name: string, source: string, devices: readonly Share<Device>[]): void {
  writeFileSync(path.join(FOLDER, `${name}.json`), toTable(source, devices));
}

if (import.meta.main) {
  // The package does not export its own description.
  const manifest = new URL('package.json', import.meta.resolve('fingerprint-generator'));
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const source = `shares of fingerprint-generator ${version} (Apache-2.0), tied together by tools/generate/population/`;
  const read = openNetwork();
  write('windows', source, windowsDevices(read));
  write('macos', source, macosDevices(read));
  write('linux', source, linuxDevices(read));
  write('android', 'usual models as we know them, see tools/generate/population/android.ts', androidDevices());
}
