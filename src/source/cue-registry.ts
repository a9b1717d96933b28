// Which registry has which CUE module, by the rules of the cue command's CUE_REGISTRY in its simple form:
// `prefix=registry` parts and one catch-all, the longest prefix of whole path elements wins, and a module lies in the
// repository of its path, tagged with its version.
import { SourceError } from '../errors.ts';
import { type OciReference, parseOciReference } from '../registry/index.ts';

/** What the cue command asks where nothing is configured. */
export const CENTRAL_REGISTRY = 'registry.cue.works' as const;

/** `example.com/path`, without a major version: the paths that CUE accepts for modules. */
const MODULE_PATH =
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;
const MAJOR = /^v(0|[1-9][0-9]{0,5})$/;
const VERSION = /^v(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(-[0-9A-Za-z.-]{1,64})?$/;
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

interface Registry {
  readonly host: string;
  /** Folder that all modules lie in; empty for none. */
  readonly folder: string;
  readonly isPlain: boolean;
}

/** The registries that an administrator configured. */
export class CueRegistries {
  /** By prefix; `''` is the catch-all. `none`: modules below it are not fetched. */
  readonly #byPrefix: ReadonlyMap<string, Registry | 'none'>;

  /**
   * @param config as CUE_REGISTRY, e.g. `example.com=registry.example.com/modules,registry.cue.works`
   * @throws Error that names the part that can't be read
   */
  constructor(config: string = CENTRAL_REGISTRY) {
    const byPrefix = new Map<string, Registry | 'none'>();
    for (const part of config.split(',')) {
      const at = part.indexOf('=');
      const prefix = at < 0 ? '' : part.slice(0, at);
      if (at >= 0 && !MODULE_PATH.test(prefix)) throw new Error(`${prefix} is no prefix of module paths`);
      if (byPrefix.has(prefix)) throw new Error(`${prefix || 'the catch-all registry'} is given twice`);
      byPrefix.set(prefix, readRegistry(part.slice(at + 1)));
    }
    if (!byPrefix.has('')) byPrefix.set('', readRegistry(CENTRAL_REGISTRY));
    this.#byPrefix = byPrefix;
    this.plainHttpHosts = plainHosts([...byPrefix.values()]);
  }

  /** Hosts that are spoken to without TLS: those said to be `+insecure`, and the machine itself. */
  readonly plainHttpHosts: readonly string[];

  /**
   * Where a version of a module is.
   * @param module with its major version: `example.com/lib@v0`
   * @throws SourceError `SOURCE_INVALID` where module or version can't be names, `SOURCE_REFUSED` where no registry is
   * to be asked for the module
   */
  locate(module: string, version: string): OciReference {
    const [path = '', major] = module.split('@');
    const isNamed =
      MODULE_PATH.test(path) && path.length <= 255 && (major === undefined || MAJOR.test(major));
    if (!isNamed || !VERSION.test(version)) {
      throw new SourceError('SOURCE_INVALID', `${quoted(module)} ${quoted(version)} can't be a CUE module`);
    }
    const registry = this.#registryOf(path);
    if (registry === 'none') {
      throw new SourceError(
        'SOURCE_REFUSED',
        `no registry is asked for module ${module}: an administrator can name one with --cue-registry`,
      );
    }
    const { host, folder } = registry;
    return { host, repository: folder === '' ? path : `${folder}/${path}`, tag: version };
  }

  #registryOf(path: string): Registry | 'none' {
    for (let prefix = path; ; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')))) {
      const registry = this.#byPrefix.get(prefix);
      if (registry !== undefined) return registry;
    }
  }
}

function readRegistry(text: string): Registry | 'none' {
  if (text === 'none') return 'none';
  const [place = '', option, ...others] = text.split('+');
  if (others.length > 0 || (option !== undefined && option !== 'insecure' && option !== 'secure'))
    throw new Error(`registry ${text} may end in +insecure or +secure only`);
  const slash = place.indexOf('/');
  // The parser wants a repository; a host alone has none.
  const { host, repository } = parseOciReference(slash < 0 ? `oci://${place}/x` : `oci://${place}`);
  if (place.includes('@') || place.lastIndexOf(':') > Math.max(slash, host.length))
    throw new Error(`registry ${text} must not have a tag or a digest`);
  const isLocal = LOCAL_HOSTS.has(host.replace(/:[0-9]+$/, ''));
  const isPlain = option === undefined ? isLocal : option === 'insecure';
  return { host, folder: slash < 0 ? '' : repository, isPlain };
}

/** @throws Error where a host is to be spoken to both with TLS and without */
function plainHosts(registries: readonly (Registry | 'none')[]): readonly string[] {
  const real = registries.filter((registry) => registry !== 'none');
  const plain = new Set(real.filter(({ isPlain }) => isPlain).map(({ host }) => host));
  const both = real.find(({ host, isPlain }) => !isPlain && plain.has(host));
  if (both !== undefined) throw new Error(`registry ${both.host} is given both with TLS and without`);
  return [...plain].sort();
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 128));
}
