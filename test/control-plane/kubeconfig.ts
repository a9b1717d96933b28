import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { isJsonObject } from '../../src/json/index.ts';
import { ApiClient } from './api-client.ts';
import { type CertificatePair, issueCertificate } from './certificates.ts';
import { type Layout, pkiFile } from './layout.ts';

/** Who a kubeconfig speaks for: a service account that exists, or any user with any groups. */
export type Identity =
  | { readonly serviceAccount: { readonly namespace: string; readonly name: string } }
  | { readonly user: string; readonly groups?: readonly string[] };

type Credentials = { readonly token: string } | CertificatePair;

const TOKEN_SECONDS = 24 * 60 * 60;

/** Reads the authority that signs client certificates. */
export async function readAuthority(layout: Layout): Promise<CertificatePair> {
  const [certificate, key] = await Promise.all([
    readFile(layout.caFile, 'utf8'),
    readFile(pkiFile(layout, 'ca.key'), 'utf8'),
  ]);
  return { certificate, key };
}

/**
 * Writes a kubeconfig for `identity` and returns its path. A service account gets a token of 24 hours by
 * TokenRequest, a user a client certificate. Calling again for the same identity replaces the file. With `through` the
 * file leads to that URL, where something passes requests on to the API server; a certificate would not get through.
 */
export async function writeKubeconfigFor(
  url: string,
  layout: Layout,
  identity: Identity,
  signal: AbortSignal,
  through: string = url,
): Promise<string> {
  const way = through === url ? '' : `-through-${new URL(through).port}`;
  if ('user' in identity) {
    const subject = { commonName: identity.user, organizations: identity.groups ?? [] };
    const pair = issueCertificate(await readAuthority(layout), subject, { kind: 'client' });
    return await writeKubeconfig(through, layout, `user-${identity.user}${way}`, pair);
  }
  const { namespace, name } = identity.serviceAccount;
  const token = await requestToken(url, layout, namespace, name, signal);
  return await writeKubeconfig(through, layout, `serviceaccount-${namespace}-${name}${way}`, { token });
}

/** Writes a self-contained kubeconfig (certificates inside) named after its holder. */
export async function writeKubeconfig(
  url: string,
  layout: Layout,
  holder: string,
  credentials: Credentials,
): Promise<string> {
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  const user =
    'token' in credentials
      ? { token: credentials.token }
      : {
          'client-certificate-data': base64(credentials.certificate),
          'client-key-data': base64(credentials.key),
        };
  const cluster = {
    server: url,
    'certificate-authority-data': base64(await readFile(layout.caFile, 'utf8')),
  };
  const name = 'pequod';
  const path = join(layout.kubeconfigs, `${holder.replace(/[^A-Za-z0-9.-]+/g, '-')}.yaml`);
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
  };
  await writeFile(path, stringify(content), { mode: 0o600 });
  return path;
}

async function requestToken(
  url: string,
  layout: Layout,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const client = await openAdminClient(url, layout);
  try {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: TOKEN_SECONDS },
    };
    const { status } = await client.object('POST', path, body, signal);
    const token = isJsonObject(status) ? status['token'] : undefined;
    if (typeof token === 'string') return token;
    throw new Error(`${path} answered without a token`);
  } finally {
    await client.close();
  }
}

/** A client with all rights, by the admin's certificate. */
export async function openAdminClient(url: string, layout: Layout): Promise<ApiClient> {
  return await ApiClient.open({
    url,
    caFile: layout.caFile,
    certificateFile: pkiFile(layout, 'admin.crt'),
    keyFile: pkiFile(layout, 'admin.key'),
  });
}
