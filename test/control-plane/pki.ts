import { writeFile } from 'node:fs/promises';
import {
  type CertificatePair,
  createAuthority,
  createTokenKeys,
  issueCertificate,
  type Subject,
  type Usage,
} from './certificates.ts';
import { SERVICE_ADDRESS } from './components.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { type Layout, pkiFile } from './layout.ts';

/** The parties that have a kubeconfig from the start. */
export type ClientName = 'admin' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok';

/** Who uses a client certificate. The names of the system: users carry their rights in the server's default roles. */
const CLIENTS: Readonly<Record<ClientName, Subject>> = {
  admin: { commonName: 'admin', organizations: ['system:masters'] },
  'kube-controller-manager': { commonName: 'system:kube-controller-manager' },
  'kube-scheduler': { commonName: 'system:kube-scheduler' },
  kwok: { commonName: 'kwok', organizations: ['system:masters'] },
};

const SERVER_USAGE: Usage = {
  kind: 'server',
  hosts: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
  addresses: ['127.0.0.1', SERVICE_ADDRESS],
};

/** The certificates of one control plane, written into its directory. */
export interface Pki {
  /** Writes the kubeconfig of one of its clients and returns the path. */
  writeKubeconfig(client: ClientName, url: string): Promise<string>;
}

/** Makes the authority, the server's and all clients' certificates, and the keys for service account tokens. */
export async function createPki(layout: Layout): Promise<Pki> {
  const write = (name: string, text: string): Promise<void> =>
    writeFile(pkiFile(layout, name), text, { mode: 0o600 });
  const writePair = async (name: string, pair: CertificatePair): Promise<void> => {
    await write(`${name}.crt`, pair.certificate);
    await write(`${name}.key`, pair.key);
  };
  const authority = createAuthority('pequod-control-plane');
  const server = issueCertificate(authority, { commonName: 'kube-apiserver' }, SERVER_USAGE);
  const issue = (client: ClientName): CertificatePair =>
    issueCertificate(authority, CLIENTS[client], { kind: 'client' });
  const pairs: Readonly<Record<ClientName, CertificatePair>> = {
    admin: issue('admin'),
    'kube-controller-manager': issue('kube-controller-manager'),
    'kube-scheduler': issue('kube-scheduler'),
    kwok: issue('kwok'),
  };
  const tokenKeys = createTokenKeys();
  await Promise.all([
    writePair('ca', authority),
    writePair('kube-apiserver', server),
    writePair('admin', pairs.admin),
    write('service-account.key', tokenKeys.privateKey),
    write('service-account.pub', tokenKeys.publicKey),
  ]);
  return { writeKubeconfig: (client, url) => writeKubeconfig(url, layout, client, pairs[client]) };
}
