// Values of flags. What can't be read ends the program with 2 and a message that names the flag.
import { InvalidArgumentError } from 'commander';
import { EgressProxy, EgressRules } from '../egress/index.ts';
import { messageOf } from '../errors.ts';
import { registryHost, type TrustedRealm } from '../registry/index.ts';
import { parseDuration } from '../runtime/index.ts';
import type { ListenAddress } from '../server/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';

const BYTES: Readonly<Record<string, number>> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** Reads a whole number within limits. */
export function integerFlag(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}`);
  };
}

/** Reads a Go duration as milliseconds. */
export function durationFlag(minMs: number, maxMs: number): (text: string) => number {
  return (text) => {
    try {
      return parseDuration(text, { minMs, maxMs });
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  };
}

/** Reads a number of bytes such as `256Mi`. */
export function bytesFlag(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const [, digits = '', unit = ''] = /^(\d{1,9})(Ki|Mi|Gi|)$/.exec(text) ?? [];
    const value = digits === '' ? Number.NaN : Number(digits) * (BYTES[unit] ?? Number.NaN);
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(
      `expected bytes from ${minimum / 2 ** 20}Mi to ${maximum / 2 ** 20}Mi, e.g. 256Mi`,
    );
  };
}

/** Reads the name of a ServiceAccount. */
export function nameFlag(text: string): string {
  if (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('expected the name of an object');
}

/** Reads a host, domain or CIDR range, and adds it to those before. */
export function egressFlag(text: string, before: readonly string[]): readonly string[] {
  try {
    new EgressRules([text]);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return [...before, text];
}

/** Reads where a server listens: `host:port`, or `:port` for all addresses; an IPv6 address in brackets. */
export function addressFlag(text: string): ListenAddress {
  const [, bracketed, plain = '', digits = ''] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = digits === '' ? Number.NaN : Number(digits);
  if (!(port <= 65_535)) throw new InvalidArgumentError('expected host:port, e.g. :8080 or [::1]:8080');
  const host = bracketed ?? plain;
  return host === '' ? { port } : { host, port };
}

/** Reads the URL of a proxy. What can't be read is not repeated, as commander would: it may hold a password. */
export function proxyFlag(text: string): EgressProxy {
  try {
    return EgressProxy.parse(text);
  } catch (error) {
    throw new CliError(`error: option '--source-proxy': ${messageOf(error)}`, EXIT_CODES.usage);
  }
}

/** Reads a registry's host, with a port where it has one, and adds it to those before. */
export function registryHostFlag(text: string, before: readonly string[]): readonly string[] {
  return [...before, readRegistryHost(text)];
}

/** Reads `registry=realm`, hosts both, and adds it to those before. */
export function registryRealmFlag(text: string, before: readonly TrustedRealm[]): readonly TrustedRealm[] {
  const [registry = '', realm = '', ...rest] = text.split('=');
  if (rest.length > 0) throw new InvalidArgumentError('expected <registry>=<host of its token server>');
  return [...before, { registry: readRegistryHost(registry), realm: readRegistryHost(realm) }];
}

function readRegistryHost(text: string): string {
  const host = text.includes('/') ? undefined : registryHost(text);
  if (host !== undefined) return host;
  throw new InvalidArgumentError(
    `expected a host, with a port where it has one, not ${JSON.stringify(text)}`,
  );
}
