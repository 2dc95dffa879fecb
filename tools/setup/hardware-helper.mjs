import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { findProgram } from './executable.mjs';
import { runCommand } from './run-command.mjs';

const COMPILERS = ['cc', 'gcc', 'clang', 'tcc'];
const COMPILE_TIMEOUT_MS = 60_000;

function places(root) {
  const build = path.join(root, 'server/native/build');
  return {
    source: path.join(root, 'server/native/hardware-helper.c'),
    library: path.join(build, 'hardware-helper.so'),
    // What the library was made from: git gives files new times, so these say nothing.
    record: path.join(build, 'hardware-helper.sha256'),
  };
}

function hashSource(source) {
  return createHash('sha256').update(readFileSync(source)).update(`${process.platform}-${process.arch}`).digest('hex');
}

/** A C compiler, or undefined. */
export function findCompiler(machine) {
  return COMPILERS.map((name) => findProgram(name, machine)).find(Boolean);
}

/** Whether the helper was made from the source as it is; that this failed is no reason to try again. */
export function isHelperCurrent(root) {
  const { source, record } = places(root);
  return existsSync(record) && readFileSync(record, 'utf8') === hashSource(source);
}

/**
 * Compiles the helper that lets a browser have other processors and memory than the machine.
 * @returns what was done; that it failed is no failure of the set-up, since the service does without
 */
export async function compileHelper(root, compiler) {
  const { source, library, record } = places(root);
  mkdirSync(path.dirname(library), { recursive: true });
  rmSync(library, { force: true });
  const aside = `${library}.${process.pid}`;
  // Needs no library of its own: it is loaded into processes that have the C library.
  const args = ['-shared', '-fPIC', '-O2', '-nostdlib', '-o', aside, source];
  const { exitCode, lines } = await runCommand(compiler, args, { timeoutMs: COMPILE_TIMEOUT_MS });
  writeFileSync(record, hashSource(source));
  if (exitCode !== 0) {
    rmSync(aside, { force: true });
    return ['failed; identities keep the memory of this machine:', ...lines.map((line) => `      ${line}`)].join('\n');
  }
  renameSync(aside, library);
  return `compiled by ${path.basename(compiler)}`;
}
