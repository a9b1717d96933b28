// A registry in the test's own process. Who may read what can change at any moment, any answer can be replaced, and each
// byte that it hands out is counted.
import type { ServerResponse } from 'node:http';
import { buildModuleArtifact, type ModuleArtifact } from '../../src/publishing/index.ts';
import { digestOf } from '../../src/registry/index.ts';
import {
  type ScriptedRequest,
  type ScriptedServer,
  startScriptedServer,
  type TestAuthority,
} from '../../test/servers/index.ts';

/** Answers in place of the registry and returns true, or leaves it to the registry. */
export type OwnAnswer = (request: ScriptedRequest, response: ServerResponse) => boolean | Promise<boolean>;

/** A module as CUE publishes it. @param name of the module, with its major version */
export async function artifactOf(
  name: string,
  files: Readonly<Record<string, string>>,
  header: string = '',
): Promise<ModuleArtifact> {
  const moduleFile = `module: "${name}"\nlanguage: version: "v0.16.0"\nsource: kind: "self"\n${header}`;
  const all = { 'cue.mod/module.cue': moduleFile, ...files };
  const bytes = Object.entries(all).map(([path, text]) => [path, Buffer.from(text)] as const);
  return await buildModuleArtifact(new Map(bytes));
}

/** {@link moduleSaying}, packed. */
export async function artifactSaying(text: string): Promise<ModuleArtifact> {
  return await artifactOf('test.example/says@v0', { 'says.cue': moduleSaying(text) });
}

/** The CUE of a module whose graph is one ConfigMap with this text in it; the input says its name. */
export function moduleSaying(text: string): string {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', data: { text } };
  return `package says

#Input: {name: string | *"made"}
input: #Input

graph: nodes: made: object: ${JSON.stringify(object)}
graph: nodes: made: object: metadata: name: input.name
`;
}

const USER = 'me';

/** The value of an Authorization header. */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

export class OwnRegistry implements AsyncDisposable {
  readonly server: ScriptedServer;
  readonly #tags = new Map<string, string>();
  readonly #content = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
  readonly #passwords = new Map<string, string>();
  #answer: OwnAnswer | undefined;

  private constructor(server: ScriptedServer) {
    this.server = server;
  }

  static async start(options: { readonly tls?: TestAuthority } = {}): Promise<OwnRegistry> {
    const started: { registry?: OwnRegistry } = {};
    const server = await startScriptedServer(async (request, response) => {
      await started.registry?.handle(request, response);
    }, options);
    started.registry = new OwnRegistry(server);
    return started.registry;
  }

  get host(): string {
    return this.server.host;
  }

  /** `oci://host/name` */
  ref(name: string): string {
    return `oci://${this.host}/${name}`;
  }

  put(repository: string, tag: string, { blobs, manifest, digest }: ModuleArtifact): void {
    this.#tags.set(`${repository}:${tag}`, digest);
    this.#content.set(`${repository}@${digest}`, { type: manifest.mediaType, bytes: manifest.body });
    for (const bytes of blobs)
      this.#content.set(`${repository}@${digestOf(bytes)}`, { type: 'application/octet-stream', bytes });
  }

  /** From now on only who shows this password, as user `me`, may read the repository; undefined: nobody. */
  protect(repository: string, password: string | undefined): void {
    this.#passwords.set(repository, password ?? '');
  }

  /** Has requests answered otherwise, until it is called with undefined. */
  answerWith(answer: OwnAnswer | undefined): void {
    this.#answer = answer;
  }

  /** Manifests and blobs of a repository that were handed out since {@link ScriptedServer.forget}. */
  handedOut(repository: string): readonly string[] {
    return this.server
      .requests()
      .filter(({ method, status, url }) => {
        return method === 'GET' && status === 200 && url.startsWith(`/v2/${repository}/`);
      })
      .map(({ url }) => url);
  }

  async handle(request: ScriptedRequest, response: ServerResponse): Promise<void> {
    if ((await this.#answer?.(request, response)) === true) return;
    const [, repository = '', kind = '', name = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/?]+)/.exec(request.url) ?? [];
    const password = this.#passwords.get(repository);
    const isKnown = request.headers.authorization === basicHeader(USER, password ?? '');
    if (password !== undefined && (password === '' || !isKnown)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="own"' }).end();
      return;
    }
    if (kind === 'tags') {
      const tags = [...this.#tags.keys()].filter((key) => key.startsWith(`${repository}:`));
      response.end(JSON.stringify({ tags: tags.map((key) => key.slice(repository.length + 1)) }));
      return;
    }
    const digest = this.#tags.get(`${repository}:${name}`) ?? name;
    const found = this.#content.get(`${repository}@${digest}`);
    if (found === undefined) {
      response.writeHead(404).end(JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN' }] }));
      return;
    }
    response.writeHead(200, {
      'content-type': found.type,
      'content-length': found.bytes.length,
      'docker-content-digest': digest,
    });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}
