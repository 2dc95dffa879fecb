import path from 'node:path';

import { whyNotOpen } from './allowed-url.ts';
import type { CheckName } from './restricted-commands.ts';

/** The parameters of a command, as JSON gave them. */
export type Params = Readonly<Record<string, unknown>>;

/** Folders of the browser whose client is checked. */
export interface OwnFolders {
  /** All files the browser may be told to read are in here. Absolute. */
  readonly path: string;
  /** Where its downloads go. Absolute. */
  readonly downloadsDir: string;
}

/** Outcome of a check: why the command is refused, or the parameters to send. */
export type Checked = { readonly refused: string } | { readonly params: Params };

type Check = (params: Params, folders: OwnFolders) => Checked;

function refuse(why: string): Checked {
  return { refused: why };
}

function checkUrl(params: Params, isOptional: boolean): Checked {
  const { url } = params;
  if (url === undefined && isOptional) return { params };
  if (typeof url !== 'string') return refuse('its url must be a string');
  const why = whyNotOpen(url);
  return why === undefined ? { params } : refuse(why);
}

/** Whether `file` is below `folder`, by its name alone: nothing in a browser's folder leads out of it. */
function isInside(file: unknown, folder: string): boolean {
  if (typeof file !== 'string' || file.includes('\0') || !path.isAbsolute(file)) return false;
  return path.normalize(file).startsWith(`${path.normalize(folder)}${path.sep}`);
}

function checkFiles(files: unknown, folder: string): string | undefined {
  if (files === undefined) return undefined;
  const isFine = Array.isArray(files) && files.every((file) => isInside(file, folder));
  return isFine ? undefined : 'only files in the folder of the session may be used';
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const CHECKS: Readonly<Record<Exclude<CheckName, 'innerMessage'>, Check>> = {
  url: (params) => checkUrl(params, false),
  optionalUrl: (params) => checkUrl(params, true),
  filePaths: (params, { path: folder }) => {
    const why = checkFiles(params['files'], folder);
    return why === undefined ? { params } : refuse(why);
  },
  dragData: (params, { path: folder }) => {
    const { data } = params;
    const why = isObject(data) ? checkFiles(data['files'], folder) : undefined;
    return why === undefined ? { params } : refuse(why);
  },
  downloads: (params, { downloadsDir }) => {
    const { behavior } = params;
    if (behavior === 'allow' || behavior === 'allowAndName')
      return { params: { ...params, downloadPath: downloadsDir } };
    return { params: { ...params, downloadPath: undefined } };
  },
  browserContext: (params) => {
    const { proxyServer, proxyBypassList } = params;
    if (proxyServer !== undefined || proxyBypassList !== undefined) {
      return refuse('a context cannot have a proxy of its own; the proxy belongs to the session');
    }
    if (params['originsWithUniversalNetworkAccess'] !== undefined) {
      return refuse('no page may read what other sites answer');
    }
    return { params };
  },
  tracing: (params) => {
    const { perfettoConfig, tracingBackend } = params;
    if (perfettoConfig !== undefined) return refuse('a perfettoConfig can name files of the host; use traceConfig');
    if (tracingBackend === 'system') return refuse('the tracing service of the host sees more than this browser');
    return { params };
  },
};

/** Holds the parameters of a command against a check. Pure. */
export function checkParams(name: Exclude<CheckName, 'innerMessage'>, params: Params, folders: OwnFolders): Checked {
  return CHECKS[name](params, folders);
}
