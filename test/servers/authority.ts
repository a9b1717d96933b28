import { type CertificatePair, createAuthority, issueCertificate } from '../control-plane/index.ts';

/** A certificate authority that exists for one test. Clients trust nothing of it unless they are told to. */
export interface TestAuthority {
  /** What clients must be told to trust. */
  readonly caPem: string;
  /** A server's certificate and key, for the loopback addresses unless other names are given. */
  issue(hosts?: readonly string[]): CertificatePair;
}

/** A new authority; servers that a client visits in one go can share it. */
export function createTestAuthority(): TestAuthority {
  const authority = createAuthority('pequod-test-servers');
  return {
    caPem: authority.certificate,
    issue: (hosts = ['localhost']) =>
      issueCertificate(
        authority,
        { commonName: hosts[0] ?? 'localhost' },
        { kind: 'server', hosts, addresses: ['127.0.0.1'] },
      ),
  };
}
