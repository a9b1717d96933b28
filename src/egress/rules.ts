// Which hosts may be called. Public addresses by default; addresses inside of the cluster, the private network or the
// operator's own Pod only where an administrator lists them; addresses that give out credentials or mean no single host
// never.
import { isIP } from 'node:net';
import { PequodError } from '../errors.ts';
import { type AddressKind, AddressSet, kindOfAddress } from './addresses.ts';

/** Kinds that a rule can let through. */
const LISTABLE: ReadonlySet<AddressKind> = new Set(['private', 'loopback']);
const HOST_NAME = /^(\*\.)?[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?)*\.?$/;
const MAX_HOST_LENGTH = 253;

/** What an administrator lists: CIDR ranges, addresses, host names, and `*.` before a domain for all hosts in it. */
export class EgressRules {
  readonly #ranges: AddressSet;
  readonly #hosts: ReadonlySet<string>;
  readonly #domains: readonly string[];

  /** @throws Error where a rule can't be read. */
  constructor(rules: readonly string[] = []) {
    const isRange = (rule: string): boolean => rule.includes('/') || isIP(rule) !== 0;
    this.#ranges = new AddressSet(rules.filter(isRange));
    const hosts = rules.filter((rule) => !isRange(rule)).map(hostRule);
    this.#hosts = new Set(hosts.filter((host) => !host.startsWith('*.')));
    this.#domains = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
  }

  /** @throws EgressError (`EGRESS_REFUSED`) where `address`, which `host` stands for, may not be called. */
  check(host: string, address: string): void {
    const kind = kindOfAddress(address);
    if (kind === 'public') return;
    const target = host === address ? address : `${host} (${address})`;
    if (!LISTABLE.has(kind)) throw refused(`${target} is a ${kind} address, which is never called`);
    if (this.#ranges.has(address) || this.#hasHost(host)) return;
    throw refused(
      `${target} is a ${kind} address; an administrator can allow it with --egress-allow ${host}`,
    );
  }

  #hasHost(host: string): boolean {
    const name = withoutDot(host.toLowerCase());
    return this.#hosts.has(name) || this.#domains.some((domain) => name.endsWith(domain));
  }
}

/** A call that is not made, or can't be. */
export class EgressError extends PequodError {}

function refused(message: string): EgressError {
  return new EgressError(`not called: ${message}`, {
    code: 'EGRESS_REFUSED',
    reason: 'EgressRefused',
    retry: 'never',
  });
}

function hostRule(rule: string): string {
  const host = rule.toLowerCase();
  if (host.length > MAX_HOST_LENGTH || !HOST_NAME.test(host))
    throw new Error(`${rule} is neither a host name nor a CIDR range`);
  return withoutDot(host);
}

function withoutDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
