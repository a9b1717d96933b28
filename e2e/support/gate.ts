// An admission webhook of a story: a real server that the API server asks about objects with the label `gated`, in the
// story's namespace. It says yes unless it is told otherwise.
import { randomUUID } from 'node:crypto';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  stringifyJson,
} from '../../src/json/index.ts';
import { createTestAuthority, type ScriptedServer, startScriptedServer } from '../../test/servers/index.ts';
import type { Space } from './space.ts';
import { cluster } from './story.ts';

/** A question of the API server. */
export interface AdmissionQuestion {
  readonly operation: string;
  readonly name: string;
  /** The object as it would be stored; empty for a deletion. */
  readonly object: JsonObject;
  readonly receivedAtMs: number;
}

/** What is answered besides `uid`: `{allowed: true}`, a refusal, a patch. */
export type Judge = (question: AdmissionQuestion) => JsonObject | Promise<JsonObject>;

export interface GateOptions {
  /** Default: a validating one. */
  readonly isMutating?: boolean;
  readonly operations?: readonly string[];
  readonly timeoutSeconds?: number;
}

/** Label that makes an object the gate's business. */
export const GATED = { gated: 'yes' } as const;

const YES: Judge = () => ({ allowed: true });

export class Gate implements AsyncDisposable {
  /** As the API server names it. */
  readonly webhook: string;
  readonly questions: AdmissionQuestion[] = [];
  /** How many of them have been answered. */
  answered = 0;
  #judge: Judge = YES;
  readonly #server: ScriptedServer;
  readonly #configuration: readonly [string, string];

  private constructor(webhook: string, server: ScriptedServer, configuration: readonly [string, string]) {
    this.webhook = webhook;
    this.#server = server;
    this.#configuration = configuration;
  }

  /** Resolves when the API server asks it. */
  static async open(space: Space, options: GateOptions = {}): Promise<Gate> {
    const { isMutating = false, operations = ['CREATE', 'UPDATE'], timeoutSeconds = 10 } = options;
    const kind = isMutating ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration';
    const name = `gate-${space.namespace}`;
    const webhook = `${name}.example.com`;
    let gate: Gate | undefined;
    const server = await startScriptedServer(
      async ({ body }, response) => {
        const answer = await gate?.answer(parseJson(body.toString('utf8')));
        response.writeHead(200, { 'content-type': 'application/json' }).end(stringifyJson(answer ?? {}));
      },
      { tls: createTestAuthority() },
    );
    gate = new Gate(webhook, server, [kind, name]);
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind,
      metadata: { name },
      webhooks: [
        {
          name: webhook,
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          timeoutSeconds,
          clientConfig: { url: server.url, caBundle: Buffer.from(server.caPem ?? '').toString('base64') },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': space.namespace } },
          objectSelector: { matchLabels: GATED },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations, resources: ['configmaps'] }],
        },
      ],
    };
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(configuration));
    await gate.#untilAsked(space);
    return gate;
  }

  judge(judge: Judge): void {
    this.#judge = judge;
  }

  /** It is not there any more, for whoever asks. */
  async fall(): Promise<void> {
    await this.#server.takeDown();
  }

  async rise(): Promise<void> {
    await this.#server.bringBack();
  }

  async answer(review: JsonValue): Promise<JsonObject> {
    const request = objectOf(isJsonObject(review) ? review['request'] : undefined);
    const question = {
      operation: String(request['operation']),
      name: String(request['name']),
      object: objectOf(request['object']),
      receivedAtMs: Date.now(),
    };
    this.questions.push(question);
    const answer = await this.#judge(question);
    this.answered += 1;
    const response = { uid: request['uid'] ?? '', ...answer };
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await cluster.kubectl(['delete', ...this.#configuration, '--ignore-not-found']);
    await this.#server.stop();
  }

  /** The API server takes a moment to hear of the configuration. */
  async #untilAsked(space: Space): Promise<void> {
    while (this.questions.length === 0) {
      const name = `probe-${randomUUID().slice(0, 8)}`;
      await space.create('ConfigMap', name, { metadata: { labels: GATED } });
      await space.delete('ConfigMap', name);
    }
    this.questions.length = 0;
    this.answered = 0;
  }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
