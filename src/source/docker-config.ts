// Logins as `docker login` keeps them: one entry a registry, or a path in one. An entry is for exactly its host and the
// repositories below its path; of several the one with the longest path counts. Helpers are programs, and never run.
import { isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import { registryHost } from '../registry/index.ts';

const MAX_ENTRIES = 1000;
const MAX_LOGIN_LENGTH = 64 * 1024;

/** - `none`: no entry is for this place; `entries` are the places that there are entries for. */
export type DockerLogin =
  | { readonly state: 'found'; readonly username: string; readonly password: string }
  | { readonly state: 'none'; readonly entries: readonly string[] }
  | { readonly state: 'invalid'; readonly problem: string };

/**
 * The login for a repository, out of a `.dockerconfigjson` or `config.json`. Problems name entries, never what is in them.
 */
export function dockerLogin(text: string, host: string, repository: string): DockerLogin {
  const auths = authsOf(text);
  if (auths === undefined) return invalid('is no JSON with auths');
  const entries = Object.entries(auths);
  if (entries.length > MAX_ENTRIES) return invalid(`has more than ${MAX_ENTRIES} entries`);
  const wanted = registryHost(host);
  let best: { readonly length: number; readonly key: string; readonly entry: JsonValue } | undefined;
  for (const [key, entry = null] of entries) {
    const place = placeOf(key);
    if (place === undefined || place.host !== wanted || !isBelow(repository, place.path)) continue;
    if (best === undefined || place.path.length > best.length)
      best = { length: place.path.length, key, entry };
  }
  if (best !== undefined) return loginOf(best.key, best.entry);
  // What is no place may hold a password: `https://user:password@host`.
  const places = entries.map(([key]) => key).filter((key) => placeOf(key) !== undefined);
  return { state: 'none', entries: places.sort() };
}

function authsOf(text: string): JsonObject | undefined {
  try {
    const config: unknown = JSON.parse(text);
    const auths = isJsonObject(config) ? (config['auths'] ?? {}) : undefined;
    return isJsonObject(auths) ? auths : undefined;
  } catch {
    // The parser quotes what it can't read, which here may be a password.
    return undefined;
  }
}

/** `https://index.docker.io/v1/` and `ghcr.io/acme` as host and path; undefined for what is no place. */
function placeOf(key: string): { readonly host: string; readonly path: string } | undefined {
  const [name = '', ...segments] = key.replace(/^https?:\/\//, '').split('/');
  const host = registryHost(name);
  if (host === undefined) return undefined;
  const path = segments.filter((segment) => segment !== '');
  // What old clients append is the version of the registry's API, and no repository.
  if (path.length === 1 && /^v[12]$/.test(path[0] ?? '')) path.pop();
  return { host, path: path.join('/') };
}

function isBelow(repository: string, path: string): boolean {
  return path === '' || repository === path || repository.startsWith(`${path}/`);
}

function loginOf(key: string, entry: JsonValue): DockerLogin {
  const place = `entry ${key}`;
  if (!isJsonObject(entry)) return invalid(`has no object in ${place}`);
  const { auth, username, password, identitytoken } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return invalid(`has an identity token in ${place}: a user name and a password or token are taken`);
  const pair = typeof auth === 'string' && auth !== '' ? basicPair(auth) : [username, password];
  const [name, secret] = pair;
  if (typeof name !== 'string' || typeof secret !== 'string' || name === '')
    return invalid(`has no auth and no username and password in ${place}; credential helpers are not run`);
  if (name.length + secret.length > MAX_LOGIN_LENGTH) return invalid(`has too long a login in ${place}`);
  return { state: 'found', username: name, password: secret };
}

/** `user:password` in Base64; the password may hold colons. */
function basicPair(auth: string): readonly [string | undefined, string | undefined] {
  const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  return colon < 1 ? [undefined, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

function invalid(problem: string): DockerLogin {
  return { state: 'invalid', problem };
}
