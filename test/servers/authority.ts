import { type CertificatePair, createAuthority, issueCertificate } from '../control-plane/index.ts';

/** For whom a certificate speaks. */
export interface ServerNames {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
}

/** A certificate authority that exists for one test. Clients trust nothing of it unless they are told to. */
export interface TestAuthority {
  /** What clients must be told to trust. */
  readonly caPem: string;
  /** A server's certificate and key, for localhost and 127.0.0.1 unless other names are given. */
  issue(names?: ServerNames): CertificatePair;
}

const LOOPBACK: ServerNames = { hosts: ['localhost'], addresses: ['127.0.0.1'] };

/** A new authority; servers that a client visits in one go can share it. */
export function createTestAuthority(): TestAuthority {
  const authority = createAuthority('pequod-test-servers');
  return {
    caPem: authority.certificate,
    issue: ({ hosts, addresses } = LOOPBACK) =>
      issueCertificate(
        authority,
        { commonName: hosts[0] ?? 'test-server' },
        { kind: 'server', hosts, addresses },
      ),
  };
}
