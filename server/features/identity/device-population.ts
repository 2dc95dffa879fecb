import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { Fingerprint, GpuMaker, OsFamily } from '@guise/contract';

/** A graphics chip as WebGL names it, and who made it. */
export interface Gpu {
  readonly maker: GpuMaker;
  readonly vendor: string;
  readonly renderer: string;
}

/** A version of an operating system: as people name it, and as the client hint says it. */
export interface OsVersion {
  readonly osVersion: string;
  readonly platformVersion: string;
}

/** Numbers of microphones, cameras and speakers. */
export type MediaCounts = readonly [audioInputs: number, videoInputs: number, audioOutputs: number];

/** A device as it exists, with all that belongs together. */
export interface Device {
  readonly os: OsVersion;
  readonly gpu: Gpu;
  readonly screen: Readonly<Fingerprint['screen']>;
  readonly media: MediaCounts;
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly maxTouchPoints: number;
  /** The client hint. */
  readonly architecture: string;
  /** The client hint; empty for computers. */
  readonly model: string;
}

/** A device with how often it is met, among those of its system. */
export interface CountedDevice extends Device {
  readonly family: OsFamily;
  readonly weight: number;
}

type Row = readonly [
  weight: number,
  os: number,
  gpu: number,
  screen: number,
  media: number,
  cpuCores: number,
  memoryGb: number,
  maxTouchPoints: number,
  architecture: string,
  model: string,
];

/** A table as `tools/generate/device-population.ts` writes it. */
interface DeviceTable {
  readonly osVersions: readonly OsVersion[];
  readonly gpus: readonly Gpu[];
  readonly screens: readonly Device['screen'][];
  readonly media: readonly MediaCounts[];
  readonly devices: readonly Row[];
}

/** Reads one of the feature's own data files. */
export function readData(name: string): unknown {
  return JSON.parse(readFileSync(path.join(import.meta.dirname, 'data', `${name}.json`), 'utf8'));
}

function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new Error(`The table of devices has no entry ${index}`);
  return value;
}

function toDevice(row: Row, table: DeviceTable, family: OsFamily): CountedDevice {
  const [weight, os, gpu, screen, media, cpuCores, memoryGb, maxTouchPoints, architecture, model] = row;
  return {
    weight,
    family,
    os: at(table.osVersions, os),
    gpu: at(table.gpus, gpu),
    screen: at(table.screens, screen),
    media: at(table.media, media),
    cpuCores,
    memoryGb,
    maxTouchPoints,
    architecture,
    model,
  };
}

const tables = new Map<OsFamily, readonly CountedDevice[]>();

/** All devices known of a system. The file is read at the first call. */
export function listDevices(os: OsFamily): readonly CountedDevice[] {
  const known = tables.get(os);
  if (known !== undefined) return known;
  const table = readData(os) as DeviceTable;
  const devices = table.devices.map((row) => toDevice(row, table, os));
  tables.set(os, devices);
  return devices;
}
