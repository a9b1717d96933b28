// As whom the modules are fetched that a module imports. They may be in any registry that an administrator named, so that
// credentials are chosen by host: out of a docker config, or of a Secret that binds itself to that host, or to the host of
// the reference alone. All others are asked without any.
import type { CueRef } from '../api/index.ts';
import type { OciReference, RegistryAccess } from '../registry/index.ts';
import { parseOciReference } from '../registry/index.ts';
import { optionalRegistryCredentials } from './credentials.ts';
import type { DependencyAccess } from './dependencies.ts';
import type { SourceContext } from './module-source.ts';
import type { OciModules } from './oci-modules.ts';
import type { Remote } from './remote.ts';
import { isFor, namedSecret, type SecretData } from './secret-data.ts';
import { tlsMaterialOf } from './tls-secret.ts';

/** A version that was published stays what it is; only whether it is still there is asked again. */
const VERSION_AGE_MS = 60 * 60_000;

export interface DependencyPlaces {
  readonly modules: OciModules;
  readonly remote: Remote;
}

/** @throws SourceError, and what the context's reader throws */
export async function dependencyAccess(
  { modules, remote }: DependencyPlaces,
  ref: CueRef,
  context: SourceContext,
  signal: AbortSignal,
): Promise<DependencyAccess> {
  const login = await namedSecret(ref, 'pullSecretRef', context, signal);
  const certificate = await namedSecret(ref, 'certSecretRef', context, signal);
  // The key is a hash with a key of this process: it tells nothing of what is in it.
  const scope = remote.grants.credentialKey({ login: contentOf(login), certificate: contentOf(certificate) });
  const ownHost = ref.type === 'oci' ? parseOciReference(ref.ref).host : undefined;
  return {
    scope,
    fetch: async (reference, given) => {
      const access = accessTo(reference, ownHost, login, certificate);
      const asker = remote.askerOf(reference.host, access, context.namespace);
      const question = { reference, access, asker, maxAgeMs: VERSION_AGE_MS };
      const digest = await modules.digest(question, given);
      const { host, repository } = reference;
      const tree = await modules.tree({ ...question, reference: { host, repository, digest } }, given);
      return { digest, tree };
    },
  };
}

function accessTo(
  { host, repository }: OciReference,
  ownHost: string | undefined,
  login: SecretData | undefined,
  certificate: SecretData | undefined,
): RegistryAccess {
  const isOwn = host === ownHost;
  const credentials =
    login === undefined ? undefined : optionalRegistryCredentials(login, { host, repository }, isOwn);
  const tls =
    certificate !== undefined && isFor(certificate, host, isOwn) ? tlsMaterialOf(certificate) : undefined;
  return { ...(credentials === undefined ? {} : { credentials }), ...(tls === undefined ? {} : { tls }) };
}

function contentOf(secret: SecretData | undefined): object {
  if (secret === undefined) return {};
  return { hosts: secret.hosts, values: [...secret.keys].sort().map((key) => [key, secret.text(key)]) };
}
