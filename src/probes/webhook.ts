// Webhooks: the object goes out, an opinion comes back. A Secret is never sent.
import type { KubeObject } from '../api/index.ts';
import type { EgressHttp } from '../egress/index.ts';
import { messageOf } from '../errors.ts';
import { isJsonObject, parseJsonIfAny, stringifyJson } from '../json/index.ts';
import type { ProbeAddress } from './address.ts';
import { isReady, isWaiting, isWrong, type ProbeFinding, type ProbeQuestion } from './answer.ts';

const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_MESSAGE = 256;
const ANSWER_MEMBERS: ReadonlySet<string> = new Set(['ready', 'failed', 'message']);

/** Asks webhooks. What was sent last is kept per question, so that an object that stays the same is read once. */
export class WebhookAsker {
  readonly #http: EgressHttp;
  readonly #sent = new WeakMap<object, { readonly version: string; readonly object: KubeObject }>();

  constructor(http: EgressHttp) {
    this.#http = http;
  }

  /** @param memory what stays the same between the same questions */
  async ask(
    question: ProbeQuestion,
    memory: object,
    { url, scheme, shown }: ProbeAddress,
    signal: AbortSignal,
  ): Promise<ProbeFinding> {
    const { transform, nodeId, object } = question;
    if (scheme !== 'http' && scheme !== 'https')
      return isWrong('InvalidProbe', 'has a webhook that is not of http or https');
    if (object.kind === 'Secret')
      return isWrong('InvalidProbe', 'is a Secret, which is never sent to a webhook');
    const body = stringifyJson({
      transform: { namespace: transform.namespace, name: transform.name },
      node: nodeId,
      object: await this.#objectOf(question, memory, signal),
    });
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const answer = await this.#http.send(
      { method: 'POST', url, headers, body, maxBytes: MAX_ANSWER_BYTES },
      signal,
    );
    if (answer.statusCode !== 200)
      return isWaiting(`webhook ${shown} answers with status ${answer.statusCode}`);
    return judge(answer.body.toString('utf8'), shown);
  }

  async #objectOf({ object }: ProbeQuestion, memory: object, signal: AbortSignal): Promise<KubeObject> {
    const version = object.version();
    const known = this.#sent.get(memory);
    if (known !== undefined && known.version === version) return known.object;
    const live = await object.read(signal);
    const { managedFields: _managedFields, ...metadata } = live.metadata;
    const sent = { ...live, metadata };
    if (version !== undefined) this.#sent.set(memory, { version, object: sent });
    return sent;
  }
}

function judge(text: string, shown: string): ProbeFinding {
  const answer = parseJsonIfAny(text);
  if (!isJsonObject(answer)) return isWaiting(`webhook ${shown} answers what is no JSON object`);
  const { ready, failed = false, message = '' } = answer;
  const isKnown = Object.keys(answer).every((member) => ANSWER_MEMBERS.has(member));
  if (
    !isKnown ||
    typeof ready !== 'boolean' ||
    typeof failed !== 'boolean' ||
    typeof message !== 'string' ||
    (ready && failed)
  ) {
    return isWaiting(`webhook ${shown} does not answer {"ready": bool, "failed"?: bool, "message"?: string}`);
  }
  const said = message === '' ? '' : `: ${messageOf(message, MAX_MESSAGE)}`;
  if (ready) return isReady(`is ready by webhook ${shown}${said}`);
  if (failed) return isWrong('WebhookFailed', `has failed by webhook ${shown}${said}`);
  return isWaiting(`webhook ${shown} says no${said}`);
}
