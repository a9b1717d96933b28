// When a node counts as ready, as the API takes it.
import type {
  CelPredicate,
  ConditionMatchPredicate,
  ExternalPredicate,
  ReadinessPredicate,
  WebhookPredicate,
} from '../resource-graph.ts';
import { literals, object, optional, type Schema, string, union } from '../schema/index.ts';
import { celExpression, duration } from './common.ts';

type PredicateOf<T extends ReadinessPredicate['type']> = Extract<ReadinessPredicate, { readonly type: T }>;

const timeout = optional(duration("Counted from the node's last apply. Default: 5m."));
const interval = optional(duration('How often it is asked. Default: 10s.'));

/** A host, with or without a port, and what may follow it. */
const HOST = '[^/@?#]+';
const PORT = ':[1-9][0-9]{0,4}';
const REST = '([/?#].*)?$';

const probeUrl = string({
  description: 'Where to ask.',
  minLength: 1,
  maxLength: 1024,
  pattern: `^((https?|grpcs)://${HOST}|(tcp|grpc)://${HOST}${PORT})${REST}`,
  patternMessage:
    'must be a URL of http, https, tcp, grpc or grpcs; without user name, and for tcp and grpc with a port',
});

const webhookUrl = string({
  description: 'Where to ask.',
  minLength: 1,
  maxLength: 1024,
  pattern: `^https?://${HOST}${REST}`,
  patternMessage: 'must be a URL of http or https, without user name',
});

/** A readiness predicate of a node. */
export const PREDICATE_SCHEMA: Schema<ReadinessPredicate> = union<ReadinessPredicate, 'type'>('type', {
  ConditionMatch: object<ConditionMatchPredicate>({
    type: literals<'ConditionMatch'>({ ConditionMatch: true }),
    conditionType: string({
      description: 'Type of the condition in status.conditions.',
      minLength: 1,
      maxLength: 316,
    }),
    conditionStatus: optional(
      literals<'True' | 'False' | 'Unknown'>(
        { True: true, False: true, Unknown: true },
        { description: 'Default: True.' },
      ),
    ),
    timeout,
  }),
  DeploymentAvailable: object<PredicateOf<'DeploymentAvailable'>>({
    type: literals<'DeploymentAvailable'>({ DeploymentAvailable: true }),
    timeout,
  }),
  StatefulSetReady: object<PredicateOf<'StatefulSetReady'>>({
    type: literals<'StatefulSetReady'>({ StatefulSetReady: true }),
    timeout,
  }),
  JobComplete: object<PredicateOf<'JobComplete'>>({
    type: literals<'JobComplete'>({ JobComplete: true }),
    timeout,
  }),
  Exists: object<PredicateOf<'Exists'>>({ type: literals<'Exists'>({ Exists: true }), timeout }),
  CEL: object<CelPredicate>({
    type: literals<'CEL'>({ CEL: true }),
    expression: celExpression('CEL over object; true means ready.'),
    failedWhen: optional(celExpression('CEL over object; true means failed for good.')),
    timeout,
  }),
  External: object<ExternalPredicate>({
    type: literals<'External'>({ External: true }),
    url: probeUrl,
    interval,
    timeout,
  }),
  Webhook: object<WebhookPredicate>({
    type: literals<'Webhook'>({ Webhook: true }),
    url: webhookUrl,
    interval,
    timeout,
  }),
});
