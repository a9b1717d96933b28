// ControllerRevisions in the API server. They are read when a graph is replaced, rolled back or planned, never watched,
// and listed without their content.
import {
  API_VERSION,
  CANDIDATE_LABEL,
  type KubeObject,
  OPERATOR_FIELD_MANAGER,
  READY_LABEL,
  RENDER_HASH_ANNOTATION,
  REVISION_LABEL,
  TRANSFORM_KIND,
  TRANSFORM_UID_LABEL,
} from '../api/index.ts';
import { escapePointerSegment } from '../json/index.ts';
import { CONTROLLER_REVISIONS, isAlreadyExists, isNotFound, type OperatorClient } from '../kube/index.ts';
import { contentOf, decodeContent, encodeContent, invalid, type RevisionContent } from './content.ts';
import {
  candidateName,
  entryOf,
  isOwnedBy,
  nextNumber,
  type RevisionEntry,
  type RevisionOwner,
  revisionName,
} from './history.ts';

const OPTIONS = { fieldManager: OPERATOR_FIELD_MANAGER } as const;
/** Names in a row that others may have taken before it is given up. */
const MAX_TAKEN_NAMES = 8;

/** The calls that are made. */
export type RevisionWriter = Pick<OperatorClient, 'create' | 'delete' | 'get' | 'jsonPatch' | 'listAll'>;

/** What is kept of a graph that is replaced. */
export interface KeptGraph {
  /** The number that it ran under. */
  readonly number: number;
  readonly content: RevisionContent;
  readonly wasReady: boolean;
}

/** The revisions and candidates of all Transforms. Calls throw ApiError and TransportError as the API server answers. */
export class RevisionStore {
  readonly #operator: RevisionWriter;

  constructor(operator: RevisionWriter) {
    this.#operator = operator;
  }

  /** The history, without candidates and contents, in no order. */
  async list(owner: RevisionOwner, signal: AbortSignal): Promise<readonly RevisionEntry[]> {
    const objects = await this.#objects(owner, `!${CANDIDATE_LABEL}`, signal);
    return objects.flatMap((object) => entryOf(owner, object) ?? []);
  }

  /**
   * Keeps a graph. Keeping it again changes nothing, so that a crash leaves one revision of it. Where its number holds
   * another graph it gets the next one.
   * @param history as {@link list} gave it a moment ago
   * @throws TerminalError (`REVISION_TOO_LARGE`), and then nothing was written
   */
  async keep(
    owner: RevisionOwner,
    graph: KeptGraph,
    history: readonly RevisionEntry[],
    signal: AbortSignal,
  ): Promise<RevisionEntry> {
    const content = contentOf(graph.content);
    const { renderHash } = content.metadata;
    const known = history.find(({ number }) => number === graph.number);
    if (known?.renderHash === renderHash) return await this.#confirm(owner, known, graph.wasReady, signal);
    const data = await encodeContent(content);
    const first = known === undefined ? graph.number : nextNumber(history, graph.number);
    for (let number = first; ; number += 1) {
      const labels = {
        [REVISION_LABEL]: String(number),
        ...(graph.wasReady ? { [READY_LABEL]: 'true' } : {}),
      };
      const object = { ...revisionObject(owner, revisionName(owner, number), labels, renderHash), data };
      try {
        const created = await this.#operator.create(
          CONTROLLER_REVISIONS,
          { ...object, revision: number },
          OPTIONS,
          signal,
        );
        return entryOf(owner, created) ?? unreadable(created);
      } catch (error) {
        if (!isAlreadyExists(error) || number - first >= MAX_TAKEN_NAMES) throw error;
      }
    }
  }

  /**
   * A graph of the history, as it can be run again; undefined where there is none of this number.
   * @throws TerminalError (`REVISION_INVALID`) where it is damaged or was forged
   */
  async read(
    owner: RevisionOwner,
    number: number,
    signal: AbortSignal,
  ): Promise<RevisionContent | undefined> {
    const object = await this.#get(owner.namespace, revisionName(owner, number), signal);
    if (object === undefined || entryOf(owner, object)?.number !== number) return undefined;
    return await decodeContent(object['data']);
  }

  async remove(owner: RevisionOwner, entry: RevisionEntry, signal: AbortSignal): Promise<void> {
    await this.#delete(owner, entry, signal);
  }

  /**
   * Stores a planned graph and removes earlier ones of this Transform.
   * @returns the name of its ControllerRevision; the same content has the same name
   * @throws TerminalError (`REVISION_TOO_LARGE`), and then nothing was written
   */
  async saveCandidate(owner: RevisionOwner, graph: RevisionContent, signal: AbortSignal): Promise<string> {
    const content = contentOf(graph);
    const { renderHash } = content.metadata;
    const name = candidateName(owner, renderHash);
    const labels = { [CANDIDATE_LABEL]: 'true' };
    const data = await encodeContent(content);
    const object = { ...revisionObject(owner, name, labels, renderHash), data, revision: 0 };
    try {
      await this.#operator.create(CONTROLLER_REVISIONS, object, OPTIONS, signal);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    await this.removeCandidates(owner, name, signal);
    return name;
  }

  /**
   * A planned graph by the name that {@link saveCandidate} gave; undefined where there is none.
   * @throws TerminalError (`REVISION_INVALID`) where it is damaged, was forged, or is another Transform's
   */
  async readCandidate(
    owner: RevisionOwner,
    name: string,
    signal: AbortSignal,
  ): Promise<RevisionContent | undefined> {
    const object = await this.#get(owner.namespace, name, signal);
    if (object === undefined) return undefined;
    if (!isOwnedBy(owner, object)) throw invalid(`${name} belongs to another object`);
    const content = await decodeContent(object['data']);
    if (candidateName(owner, content.metadata.renderHash) !== name)
      throw invalid(`${name} holds another graph`);
    return content;
  }

  /** Removes the planned graphs of a Transform. @param except name of one that stays */
  async removeCandidates(
    owner: RevisionOwner,
    except: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    for (const object of await this.#objects(owner, CANDIDATE_LABEL, signal)) {
      if (object.metadata.name === except || !isOwnedBy(owner, object)) continue;
      await this.#delete(owner, object.metadata, signal);
    }
  }

  /** The revision is there; says on it that it was Ready, if that is news. */
  async #confirm(
    owner: RevisionOwner,
    entry: RevisionEntry,
    wasReady: boolean,
    signal: AbortSignal,
  ): Promise<RevisionEntry> {
    if (!wasReady || entry.wasReady) return entry;
    const key = { namespace: owner.namespace, name: entry.name };
    const path = `/metadata/labels/${escapePointerSegment(READY_LABEL)}`;
    const patched = await this.#operator.jsonPatch(
      CONTROLLER_REVISIONS,
      key,
      [
        { op: 'replace', path: '/metadata/resourceVersion', value: entry.resourceVersion },
        { op: 'add', path, value: 'true' },
      ],
      OPTIONS,
      signal,
    );
    return entryOf(owner, patched) ?? unreadable(patched);
  }

  async #objects(owner: RevisionOwner, more: string, signal: AbortSignal): Promise<readonly KubeObject[]> {
    const labelSelector = `${TRANSFORM_UID_LABEL}=${owner.uid},${more}`;
    const options = { namespace: owner.namespace, labelSelector, isMetadataOnly: true };
    return await this.#operator.listAll(CONTROLLER_REVISIONS, options, signal);
  }

  async #get(namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#operator.get(CONTROLLER_REVISIONS, { namespace, name }, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #delete(
    { namespace }: RevisionOwner,
    { name, uid, resourceVersion }: Pick<KubeObject['metadata'], 'name' | 'resourceVersion' | 'uid'>,
    signal: AbortSignal,
  ): Promise<void> {
    const guard = { uid, resourceVersion, propagationPolicy: 'Background' } as const;
    await this.#operator.delete(CONTROLLER_REVISIONS, { namespace, name }, guard, signal);
  }
}

function revisionObject(
  owner: RevisionOwner,
  name: string,
  labels: Readonly<Record<string, string>>,
  renderHash: string,
): KubeObject {
  const { namespace, name: transform, uid } = owner;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      namespace,
      name,
      labels: { [TRANSFORM_UID_LABEL]: uid, ...labels },
      annotations: { [RENDER_HASH_ANNOTATION]: renderHash },
      ownerReferences: [
        { apiVersion: API_VERSION, kind: TRANSFORM_KIND, name: transform, uid, controller: true },
      ],
    },
  };
}

function unreadable(object: KubeObject): never {
  throw invalid(`${object.metadata.name} was changed as it was written`);
}
