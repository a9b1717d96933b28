// What lists and watches show while the view is frozen at one resourceVersion: an exact list of that version, from the
// real API server and with the caller's own rights. Compacted versions answer 410, as they should.
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  parseJson,
  stringifyJson,
} from '../../../src/json/index.ts';
import type { SeenCall } from './types.ts';
import type { PassedRequest, Upstream, WholeAnswer } from './upstream.ts';
import type { WatchStream } from './watch-stream.ts';

const ONLY_OF_WATCHES = ['watch', 'sendInitialEvents', 'allowWatchBookmarks', 'timeoutSeconds'];

export class FrozenView {
  readonly #resourceVersion: string;
  readonly #streams: Set<WatchStream> = new Set();

  constructor(resourceVersion: string) {
    this.#resourceVersion = resourceVersion;
  }

  /** Whether this call is answered from the view. */
  covers(call: SeenCall): boolean {
    return call.verb === 'watch' || (call.verb === 'list' && !hasOwnVersion(call));
  }

  /** The list as it was. */
  async list(request: PassedRequest, upstream: Upstream): Promise<WholeAnswer> {
    return await upstream.ask({ ...request, path: this.#exactPath(request.path) });
  }

  /** The frames with which a watch begins before it falls silent, or the refusal that it is answered with. */
  async beginningOf(
    call: SeenCall,
    request: PassedRequest,
    upstream: Upstream,
  ): Promise<WholeAnswer | readonly string[]> {
    const isWatchList = queryOf(call).get('sendInitialEvents') === 'true' && !hasOwnVersion(call);
    if (!isWatchList) return [];
    const rawHeaders = request.rawHeaders.map((text) =>
      text.replaceAll(/as=PartialObjectMetadata(?!List)/g, 'as=PartialObjectMetadataList'),
    );
    const answer = await upstream.ask({ ...request, rawHeaders, path: this.#exactPath(request.path) });
    if (answer.status !== 200) return answer;
    return framesOfList(answer.body).map((frame) => `${stringifyJson(frame)}\n`);
  }

  /** Lets a stream say nothing until the thaw. */
  silence(stream: WatchStream): void {
    stream.fallSilent();
    this.#streams.add(stream);
  }

  /** Ends all streams that wait. */
  thaw(): void {
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  #exactPath(path: string): string {
    const url = new URL(path, 'https://api.invalid');
    for (const name of ONLY_OF_WATCHES) url.searchParams.delete(name);
    url.searchParams.set('resourceVersion', this.#resourceVersion);
    url.searchParams.set('resourceVersionMatch', 'Exact');
    return `${url.pathname}${url.search}`;
  }
}

function queryOf(call: SeenCall): URLSearchParams {
  return new URL(call.path, 'https://api.invalid').searchParams;
}

/** `0` asks for any version; a continue token brings its own. */
function hasOwnVersion(call: SeenCall): boolean {
  const query = queryOf(call);
  return (query.get('resourceVersion') ?? '0') !== '0' || query.has('continue');
}

/** A list as the beginning of a WatchList. Items of lists come without apiVersion and kind. */
function framesOfList(body: Buffer): JsonObject[] {
  const list = parseJson(body.toString('utf8'));
  const { apiVersion, kind, metadata, items } = isJsonObject(list) ? list : {};
  const resourceVersion = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  if (apiVersion === undefined || typeof kind !== 'string' || resourceVersion === undefined) {
    throw new TypeError('an exact list was answered with something else');
  }
  const type = { apiVersion, kind: kind.replace(/List$/, '') };
  const objects = isJsonArray(items) ? items.filter(isJsonObject) : [];
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  return [
    ...objects.map((object) => ({ type: 'ADDED', object: { ...type, ...object } })),
    { type: 'BOOKMARK', object: { ...type, metadata: { resourceVersion, annotations } } },
  ];
}
