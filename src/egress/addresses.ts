// What kind of address an address is. The lists hold each IPv4 range three times: as it is, mapped into IPv6, and as a
// NAT64 gateway writes it, so that no way of writing an address changes what it counts as.
import { BlockList, isIP } from 'node:net';

/**
 * - `public`: may be called. - `private`, `loopback`: only where an administrator lists them.
 * - The others: never, whatever is listed.
 */
export type AddressKind =
  | 'public'
  | 'private'
  | 'loopback'
  | 'unspecified'
  | 'metadata'
  | 'link-local'
  | 'multicast'
  | 'reserved';

const RANGES: readonly (readonly [Exclude<AddressKind, 'public'>, readonly string[]])[] = [
  [
    'metadata',
    [
      '169.254.169.254/32',
      '169.254.170.2/32',
      '169.254.170.23/32',
      '100.100.100.200/32',
      '168.63.129.16/32',
      '192.0.0.192/32',
      'fd00:ec2::254/128',
      'fd00:ec2::23/128',
      'fd20:ce::254/128',
    ],
  ],
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10', 'fec0::/10']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  // Ways to wrap an IPv4 address that nothing uses any more are refused whole, after what of ::/96 is something else.
  [
    'reserved',
    ['240.0.0.0/4', '192.0.0.0/24', '::/96', '100::/64', '2001::/32', '2002::/16', '64:ff9b:1::/48'],
  ],
  [
    'private',
    [
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '100.64.0.0/10',
      '198.18.0.0/15',
      '192.0.2.0/24',
      '198.51.100.0/24',
      '203.0.113.0/24',
      'fc00::/7',
      '2001:db8::/32',
    ],
  ],
];

/** Prefixes under which IPv6 carries a whole IPv4 address. */
const EMBEDDINGS = ['::ffff:', '64:ff9b::'] as const;
const EMBEDDED_BITS = 96;

/** A set of addresses, written as CIDR ranges or single addresses. */
export class AddressSet {
  readonly #list = new BlockList();

  /** @throws Error where a range is not one. */
  constructor(ranges: readonly string[] = []) {
    for (const range of ranges) this.#add(range);
  }

  has(address: string): boolean {
    const bare = withoutZone(address);
    return this.#list.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
  }

  #add(range: string): void {
    const [address = '', bitsText] = range.split('/');
    const family = isIP(address);
    const widest = family === 6 ? 128 : 32;
    const bits = bitsText === undefined ? widest : /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : -1;
    if (family === 0 || address.includes('%') || bits < 0 || bits > widest)
      throw new Error(`${range} is not an IP address or CIDR range`);
    this.#list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
    if (family === 6) return;
    for (const prefix of EMBEDDINGS)
      this.#list.addSubnet(`${prefix}${address}`, EMBEDDED_BITS + bits, 'ipv6');
  }
}

const SETS = RANGES.map(([kind, ranges]) => ({ kind, set: new AddressSet(ranges) }));

/** What kind an IPv4 or IPv6 address is, however it is written. Text that is no address is `reserved`. */
export function kindOfAddress(address: string): AddressKind {
  if (isIP(address) === 0) return 'reserved';
  return SETS.find(({ set }) => set.has(address))?.kind ?? 'public';
}

function withoutZone(address: string): string {
  return address.split('%')[0] ?? address;
}
