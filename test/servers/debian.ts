// Programs that come from the system and not from Go's module proxy. They are installed only where nobody has to be asked:
// by root, with apt-get. Elsewhere the tests that need them are skipped, by name.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runProgram } from './run-program.ts';

/** The programs, and the Debian packages that hold them. */
const PACKAGES = {
  faketime: 'faketime',
  git: 'git',
  'ssh-keygen': 'openssh-client',
  sshd: 'openssh-server',
  skopeo: 'skopeo',
} as const;

export type SystemProgram = keyof typeof PACKAGES;

const NAMES: readonly SystemProgram[] = ['faketime', 'git', 'ssh-keygen', 'sshd', 'skopeo'];
/** Where servers are put, which is not on everybody's path. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];
/** What the scripts of Debian's packages ask whether they may start a daemon. */
const START_POLICY = '/usr/sbin/policy-rc.d';
const INSTALL_TIMEOUT_MS = 15 * 60_000;
const NOTHING_STARTS = '#!/bin/sh\nexit 101\n';

/** The path of a program of the system, or undefined where it is not installed. */
export function findSystemProgram(name: SystemProgram): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The path of a program that must be there. */
export function systemProgram(name: SystemProgram): string {
  const path = findSystemProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed (Debian's package ${PACKAGES[name]})`);
  return path;
}

/** For `describe.skipIf(needed.isMissing)` and the name of what is skipped. */
export interface Needed {
  readonly isMissing: boolean;
  /** Empty, or why the tests of that name do not run. */
  readonly note: string;
}

/** Whether these programs are there. */
export function needs(...names: readonly SystemProgram[]): Needed {
  const missing = names.filter((name) => findSystemProgram(name) === undefined);
  return missing.length === 0
    ? { isMissing: false, note: '' }
    : { isMissing: true, note: ` (skipped: ${missing.join(' and ')} not installed)` };
}

/** Installs what is missing, where this user may; says what happens. */
export async function installSystemPrograms(report: (line: string) => void): Promise<void> {
  const missing = NAMES.filter((name) => findSystemProgram(name) === undefined);
  if (missing.length === 0) return;
  const packages = missing.map((name) => PACKAGES[name]);
  if (process.getuid?.() === 0 && hasAptGet()) {
    report(`installing ${packages.join(', ')}`);
    await install(packages, report);
  }
  const absent = NAMES.filter((name) => findSystemProgram(name) === undefined);
  if (absent.length === 0) return;
  report(
    `SKIPPED: the tests that need ${absent.join(', ')}, which root could install with ` +
      `apt-get install ${absent.map((name) => PACKAGES[name]).join(' ')}`,
  );
}

/** A second time with fresh lists: those of an image are missing, or name packages that have been replaced. */
async function install(packages: readonly string[], report: (line: string) => void): Promise<void> {
  const settings = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: INSTALL_TIMEOUT_MS };
  const waiting = ['-o', 'DPkg::Lock::Timeout=300', '--quiet=2'];
  const hasPolicy = existsSync(START_POLICY);
  if (!hasPolicy) {
    await writeFile(START_POLICY, NOTHING_STARTS);
    await chmod(START_POLICY, 0o755);
  }
  try {
    const args = [...waiting, 'install', '--yes', '--no-install-recommends', ...packages];
    if ((await runProgram('apt-get', args, settings)).exitCode === 0) return;
    await runProgram('apt-get', [...waiting, 'update'], settings);
    const { exitCode, stderr } = await runProgram('apt-get', args, settings);
    if (exitCode !== 0) report(`apt-get ended with ${exitCode}: ${stderr.trim()}`);
  } finally {
    if (!hasPolicy) await rm(START_POLICY, { force: true });
  }
}

function hasAptGet(): boolean {
  return spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
