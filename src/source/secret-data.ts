// A Secret as sources use it: text by key, and the hosts that it is for. What it holds never gets into a message: these
// name the Secret, the key and what is wrong with it.
import { type CueRef, HOSTS_ANNOTATION, type KubeObject, type LocalReference } from '../api/index.ts';
import { SourceError } from '../errors.ts';
import { isJsonObject } from '../json/index.ts';
import { registryHost } from '../registry/index.ts';
import type { SourceContext } from './module-source.ts';

/** Of one value: keys, certificates and tokens are far smaller, a login for many registries is too. */
const MAX_VALUE_BYTES = 256 * 1024;
const MAX_HOSTS = 64;
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9]([-a-z0-9._]{0,252}[a-z0-9])?)(:\d{1,5})?$/;

export interface SecretData {
  /** `Secret shop/login`, as messages name it. */
  readonly title: string;
  /** Empty where the Secret does not bind itself. */
  readonly hosts: readonly string[];
  readonly keys: readonly string[];
  /**
   * The value under a key; undefined where there is none.
   * @throws SourceError `SOURCE_INVALID` where it is too large or no UTF-8 text
   */
  text(key: string): string | undefined;
}

/**
 * Reads a Secret of the Transform's namespace, as the Transform's ServiceAccount.
 * @param field where it is named, for messages: `pullSecretRef`
 * @throws SourceError `SOURCE_AUTH` where there is none, and what the reader throws.
 */
export async function readSecret(
  { name }: LocalReference,
  field: string,
  context: SourceContext,
  signal: AbortSignal,
): Promise<SecretData> {
  const secret = await context.secrets.readSecret(context.namespace, name, signal);
  if (secret === undefined)
    throw new SourceError('SOURCE_AUTH', `there is no Secret ${context.namespace}/${name} (${field})`);
  return secretData(secret, `Secret ${context.namespace}/${name}`);
}

/** The Secret that a reference names in this field; undefined where it names none. @throws as {@link readSecret} */
export async function namedSecret(
  ref: CueRef,
  field: 'certSecretRef' | 'pullSecretRef',
  context: SourceContext,
  signal: AbortSignal,
): Promise<SecretData | undefined> {
  const name = ref[field];
  return name === undefined ? undefined : await readSecret(name, field, context, signal);
}

/** @throws SourceError `SOURCE_INVALID` where its hosts can't be read */
export function secretData(secret: KubeObject, title: string): SecretData {
  const { data } = secret;
  return {
    title,
    keys: isJsonObject(data) ? Object.keys(data) : [],
    hosts: boundHosts(secret, title),
    text: (key) => {
      const encoded = isJsonObject(data) && Object.hasOwn(data, key) ? data[key] : undefined;
      return typeof encoded === 'string' ? decoded(encoded, key, title) : undefined;
    },
  };
}

/** Whether a Secret may be used for a host: where it binds itself to it or, if to none, where the host is the reference's. */
export function isFor({ hosts }: Pick<SecretData, 'hosts'>, host: string, isOwnHost: boolean): boolean {
  if (hosts.length === 0) return isOwnHost;
  // Docker Hub goes by several names.
  const wanted = registryHost(host) ?? host.toLowerCase();
  return hosts.some((each) => (registryHost(each) ?? each) === wanted);
}

/** @throws SourceError `SOURCE_REFUSED` where the Secret binds itself to hosts, and this is none of them */
export function checkHost({ title, hosts }: SecretData, host: string): void {
  if (isFor({ hosts }, host, true)) return;
  throw new SourceError(
    'SOURCE_REFUSED',
    `${title} is for ${hosts.join(', ')} (${HOSTS_ANNOTATION}), and is not used for ${host}`,
  );
}

/** @throws SourceError `SOURCE_INVALID` for anything that is neither in the Base64 alphabet nor UTF-8 */
function decoded(encoded: string, key: string, title: string): string {
  if (encoded.length > (MAX_VALUE_BYTES * 4) / 3 + 4)
    throw invalid(`${key} of ${title} is larger than ${MAX_VALUE_BYTES} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    // What was decoded must not be in a message, so the cause is not kept.
    throw invalid(`${key} of ${title} is no UTF-8 text`);
  }
}

function boundHosts({ metadata }: KubeObject, title: string): readonly string[] {
  const annotation = metadata.annotations?.[HOSTS_ANNOTATION];
  if (annotation === undefined) return [];
  const hosts = annotation.split(',').map((host) => host.trim().toLowerCase());
  if (hosts.length <= MAX_HOSTS && hosts.every((host) => HOST.test(host))) return hosts;
  throw invalid(
    `annotation ${HOSTS_ANNOTATION} of ${title} is no list of at most ${MAX_HOSTS} hosts, each with its port where ` +
      'it has one: a.example,b.example:5000',
  );
}

function invalid(message: string): SourceError {
  return new SourceError('SOURCE_INVALID', message);
}
