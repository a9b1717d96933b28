// The official programs, for machines without Go. Each file is checked against the SHA-256 that its publisher states
// over TLS: dl.k8s.io and get.helm.sh in a file beside each program, GitHub as the digest of a release's asset.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isJsonArray, isJsonObject } from '../../src/json/index.ts';
import type { Report } from './go-build.ts';
import { type Platform, type ProgramName, VERSIONS } from './versions.ts';

const run = promisify(execFile);

interface Download {
  readonly url: string;
  readonly sha256: string;
}

/** Fetches, checks and unpacks the programs into `directory`. Only Linux has official ones for all of them. */
export async function downloadBinaries(
  names: readonly ProgramName[],
  platform: Platform,
  directory: string,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  if (platform.os !== 'linux') {
    throw new Error(`there are no official programs for ${platform.os}: install Go to build them`);
  }
  for (const name of names) {
    const download = await locate(name, platform, signal);
    report(`downloading ${download.url}`);
    const bytes = await fetchBytes(download.url, signal);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== download.sha256) {
      throw new Error(`${download.url} has SHA-256 ${sha256}, its publisher states ${download.sha256}`);
    }
    const path = join(directory, name);
    const isArchive = name === 'etcd' || name === 'helm';
    await (isArchive ? unpack(name, bytes, path) : writeFile(path, bytes));
    await chmod(path, 0o755);
  }
}

async function locate(name: ProgramName, { os, arch }: Platform, signal: AbortSignal): Promise<Download> {
  switch (name) {
    case 'etcd': {
      const asset = `etcd-v${VERSIONS.etcd}-${os}-${arch}.tar.gz`;
      return await locateAsset('etcd-io/etcd', `v${VERSIONS.etcd}`, asset, signal);
    }
    case 'kwok':
      return await locateAsset('kubernetes-sigs/kwok', `v${VERSIONS.kwok}`, `kwok-${os}-${arch}`, signal);
    case 'helm': {
      const url = `https://get.helm.sh/helm-v${VERSIONS.helm}-${os}-${arch}.tar.gz`;
      return { url, sha256: await stated(`${url}.sha256sum`, signal) };
    }
    default: {
      const url = `https://dl.k8s.io/release/v${VERSIONS.kubernetes}/bin/${os}/${arch}/${name}`;
      return { url, sha256: await stated(`${url}.sha256`, signal) };
    }
  }
}

/** The sum in a file beside a program: the first word. */
async function stated(url: string, signal: AbortSignal): Promise<string> {
  return (await fetchBytes(url, signal)).toString('utf8').trim().split(/\s/)[0] ?? '';
}

async function locateAsset(
  repository: string,
  tag: string,
  name: string,
  signal: AbortSignal,
): Promise<Download> {
  const api = `https://api.github.com/repos/${repository}/releases/tags/${tag}`;
  const release: unknown = JSON.parse((await fetchBytes(api, signal)).toString('utf8'));
  const assets = isJsonObject(release) ? release['assets'] : undefined;
  const asset = isJsonArray(assets)
    ? assets.find((one) => isJsonObject(one) && one['name'] === name)
    : undefined;
  const digest = isJsonObject(asset) ? asset['digest'] : undefined;
  if (typeof digest !== 'string' || !digest.startsWith('sha256:')) {
    throw new Error(`${repository} ${tag} states no SHA-256 for ${name}`);
  }
  return {
    url: `https://github.com/${repository}/releases/download/${tag}/${name}`,
    sha256: digest.slice('sha256:'.length),
  };
}

async function fetchBytes(url: string, signal: AbortSignal): Promise<Buffer> {
  const response = await fetch(url, { signal }).catch((error: unknown) => {
    throw new Error(`${url} cannot be reached, and there is no Go to build with`, { cause: error });
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return Buffer.from(await response.arrayBuffer());
}

/** Takes the one program that is needed out of its archive. */
async function unpack(name: 'etcd' | 'helm', archive: Buffer, path: string): Promise<void> {
  const folder = `${path}.unpacked`;
  await mkdir(folder);
  try {
    await writeFile(join(folder, 'archive.tar.gz'), archive);
    await run('tar', ['-xzf', 'archive.tar.gz', '--strip-components=1'], { cwd: folder });
    await rename(join(folder, name), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
