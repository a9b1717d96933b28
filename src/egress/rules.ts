// Which hosts may be called. Public addresses by default; addresses inside of the cluster, the private network or the
// operator's own Pod only where an administrator lists them; addresses that give out credentials or mean no single host
// never. An administrator can also list all that may be called: then nothing else is, whatever its address.
import { PequodError } from '../errors.ts';
import { type AddressKind, kindOfAddress } from './addresses.ts';
import { bareHost, HostList } from './host-list.ts';

/** Kinds that a rule can let through. */
const LISTABLE: ReadonlySet<AddressKind> = new Set(['private', 'loopback']);

/** Names that mean the machine itself or what gives out credentials, wherever they are resolved. */
const NEVER_BY_NAME: HostList = new HostList([
  'localhost',
  '*.localhost',
  'metadata',
  'metadata.google.internal',
  'instance-data',
]);

/** What an administrator lists, in the form of a {@link HostList}. */
export class EgressRules {
  readonly #allow: HostList;
  readonly #only: HostList | undefined;

  /**
   * @param allow lets private and loopback addresses through
   * @param only where given, nothing else is called
   * @throws Error where a rule can't be read.
   */
  constructor(allow: readonly string[] = [], only?: readonly string[]) {
    this.#allow = new HostList(allow);
    this.#only = only === undefined ? undefined : new HostList(only);
  }

  /** @throws EgressError (`EGRESS_REFUSED`) where `address`, which `host` stands for, may not be called. */
  check(host: string, address: string): void {
    const target = host === address ? address : `${host} (${address})`;
    this.#checkListed(host, target, address);
    const kind = kindOfAddress(address);
    if (kind === 'public') return;
    if (!LISTABLE.has(kind)) throw refused(`${target} is a ${kind} address, which is never called`);
    if (this.#allow.hasAddress(address) || this.#allow.hasHost(host)) return;
    throw refused(
      `${target} is a ${kind} address; an administrator can allow it with --egress-allow ${host}`,
    );
  }

  /**
   * What can be said of a name before it is looked up: a tenant can tell the world something by a name that is asked for.
   * @throws EgressError (`EGRESS_REFUSED`) where no address could make it one that is listed.
   */
  checkLookup(host: string): void {
    if (this.#only?.hasRanges === false) this.checkListed(host);
  }

  /** @throws EgressError (`EGRESS_REFUSED`) where only some hosts are called, and this name is none of them. */
  checkListed(host: string): void {
    this.#checkListed(host, host);
  }

  /** What can be said of a name that only a proxy can resolve. @throws EgressError (`EGRESS_REFUSED`). */
  checkName(host: string): void {
    this.#checkListed(host, host);
    if (!NEVER_BY_NAME.hasHost(host) || this.#allow.hasHost(host)) return;
    throw refused(`${bareHost(host)} is the name of a host that a proxy is not asked for`);
  }

  #checkListed(host: string, target: string, address?: string): void {
    const only = this.#only;
    if (only === undefined || only.hasHost(host) || (address !== undefined && only.hasAddress(address)))
      return;
    throw refused(`${target} is not among the hosts that an administrator lets be called (--source-hosts)`);
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
