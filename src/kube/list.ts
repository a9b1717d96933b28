import { apiVersionOf, isKubeObject, type KubeObject } from '../api/index.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../json/index.ts';
import type { ApiAnswer, ApiRequest } from './api-request.ts';
import { TransportError } from './errors.ts';
import { acceptOf, type ListOptions, type ListPage, routeOf, selectQuery } from './requests.ts';
import { collectionPath, type Resource } from './resource.ts';

type Call = (request: Omit<ApiRequest, 'identity'>) => Promise<ApiAnswer>;

const PAGE_SIZE = 500;

/** Pages of a list. A page whose objects are too large to read at once is asked for again in smaller ones. */
export async function* listPages(
  call: Call,
  resource: Resource,
  options: ListOptions,
): AsyncGenerator<ListPage> {
  let pageSize = options.pageSize ?? PAGE_SIZE;
  let next = '';
  for (;;) {
    const answer = await callUnlessTooLarge(call, requestOf(resource, options, pageSize, next), pageSize);
    if (answer === undefined) {
      pageSize = Math.ceil(pageSize / 8);
      continue;
    }
    yield pageOf(answer.value, resource);
    next = metadataText(answer.value, 'continue') ?? '';
    if (next === '') return;
  }
}

async function callUnlessTooLarge(
  call: Call,
  request: Omit<ApiRequest, 'identity'>,
  pageSize: number,
): Promise<ApiAnswer | undefined> {
  try {
    return await call(request);
  } catch (error) {
    if (error instanceof TransportError && error.kind === 'tooLarge' && pageSize > 1) return undefined;
    throw error;
  }
}

function requestOf(
  resource: Resource,
  options: ListOptions,
  pageSize: number,
  next: string,
): Omit<ApiRequest, 'identity'> {
  return {
    method: 'GET',
    path: collectionPath(resource, options.namespace),
    query: { ...selectQuery(options), limit: String(pageSize), continue: next === '' ? undefined : next },
    accept: acceptOf(options, 'PartialObjectMetadataList'),
    route: routeOf('list', resource, { namespace: options.namespace }),
  };
}

function metadataText(value: JsonValue | undefined, name: string): string | undefined {
  const metadata = isJsonObject(value) ? value['metadata'] : undefined;
  const text = isJsonObject(metadata) ? metadata[name] : undefined;
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function pageOf(value: JsonValue | undefined, resource: Resource): ListPage {
  const resourceVersion = metadataText(value, 'resourceVersion');
  const items = isJsonObject(value) ? (value['items'] ?? []) : undefined;
  if (resourceVersion === undefined || !isJsonArray(items)) {
    throw new TransportError('badResponse', 'answer is not a list');
  }
  return { items: items.map((item) => itemOf(item, resource)), resourceVersion };
}

/** Items of built-in kinds come without apiVersion and kind. */
function itemOf(item: JsonValue, resource: Resource): KubeObject {
  const { kind } = resource;
  const object = isJsonObject(item) ? { apiVersion: apiVersionOf(resource), kind, ...item } : item;
  if (isKubeObject(object)) return object;
  throw new TransportError('badResponse', 'item of a list is not an object');
}
