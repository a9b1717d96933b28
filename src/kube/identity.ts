// Whose rights a call uses. An empty or mangled user name would make the header vanish and the call run with the
// operator's own rights, so an identity exists only once both of its names have been checked, and it can't be forged by
// a look-alike object: its class is not exported.
import { TerminalError } from '../errors.ts';

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const MAX_NAME_LENGTH = 253;

class CheckedIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly #username: string;

  constructor(namespace: string, name: string) {
    this.namespace = namespace;
    this.name = name;
    this.#username = `system:serviceaccount:${namespace}:${name}`;
    Object.freeze(this);
  }

  /** `system:serviceaccount:<namespace>:<name>` */
  get username(): string {
    return this.#username;
  }
}

/** A ServiceAccount whose names have been checked; only {@link serviceAccountIdentity} makes one. */
export type ServiceAccountIdentity = CheckedIdentity;

/**
 * The identity of a ServiceAccount.
 * @throws TerminalError (`INVALID_IDENTITY`) unless both are DNS-1123 names; nothing falls back to other rights.
 */
export function serviceAccountIdentity(namespace: string, name: string): ServiceAccountIdentity {
  if (!LABEL.test(namespace)) throw refuse('namespace', namespace);
  if (name.length > MAX_NAME_LENGTH || !SUBDOMAIN.test(name)) throw refuse('ServiceAccount name', name);
  return new CheckedIdentity(namespace, name);
}

function refuse(what: string, value: string): TerminalError {
  const shown = JSON.stringify(value.slice(0, 80));
  return new TerminalError(`${shown} is not a valid ${what}`, {
    code: 'INVALID_IDENTITY',
    reason: 'InvalidServiceAccount',
  });
}
