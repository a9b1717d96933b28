// Hosts as administrators list them.
import { isIP } from 'node:net';
import { AddressSet } from './addresses.ts';

const HOST_NAME = /^(\*\.)?[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?)*\.?$/;
const MAX_HOST_LENGTH = 253;

/** CIDR ranges, addresses, host names, and `*.` before a domain for all hosts in it. */
export class HostList {
  readonly #ranges: AddressSet;
  readonly #hasRanges: boolean;
  readonly #hosts: ReadonlySet<string>;
  readonly #domains: readonly string[];

  /** @throws Error where an entry can't be read. */
  constructor(entries: readonly string[] = []) {
    const isRange = (entry: string): boolean => entry.includes('/') || isIP(entry) !== 0;
    this.#ranges = new AddressSet(entries.filter(isRange));
    this.#hasRanges = entries.some(isRange);
    const hosts = entries.filter((entry) => !isRange(entry)).map(readHost);
    this.#hosts = new Set(hosts.filter((host) => !host.startsWith('*.')));
    this.#domains = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
  }

  /** Whether an address can be in it, whatever its name is. */
  get hasRanges(): boolean {
    return this.#hasRanges;
  }

  hasAddress(address: string): boolean {
    return this.#ranges.has(address);
  }

  /** By its name; an address that is written as a host is in the list by its range. */
  hasHost(host: string): boolean {
    if (isIP(host) !== 0) return this.hasAddress(host);
    const name = bareHost(host);
    return this.#hosts.has(name) || this.#domains.some((domain) => name.endsWith(domain));
  }
}

/** Small letters, and without the dot at the end. */
export function bareHost(host: string): string {
  const name = host.toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function readHost(entry: string): string {
  const host = entry.toLowerCase();
  if (host.length > MAX_HOST_LENGTH || !HOST_NAME.test(host))
    throw new Error(`${entry} is neither a host name nor a CIDR range`);
  return bareHost(host);
}
