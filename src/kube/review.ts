// Answers of SelfSubjectRulesReview and SelfSubjectAccessReview.
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** Empty: all names. */
  readonly resourceNames: readonly string[];
}

/** What the asking identity may do in one namespace. */
export interface RulesReview {
  readonly rules: readonly ResourceRule[];
  /** The server could not list all rules: what is missing here may be allowed all the same. */
  readonly isIncomplete: boolean;
}

export interface AccessAttributes {
  /** RBAC verb: `create`, `patch`, `delete`, … */
  readonly verb: string;
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  readonly subresource?: string;
  /** Absent: cluster-scoped, or all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
}

export interface AccessReview {
  readonly isAllowed: boolean;
  /** The authoriser's own words, where it gave any. */
  readonly reason: string;
}

function strings(value: JsonValue | undefined): readonly string[] {
  return isJsonArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function statusOf(object: JsonValue | undefined): JsonObject {
  const status = isJsonObject(object) ? object['status'] : undefined;
  return isJsonObject(status) ? status : {};
}

export function rulesOf(object: JsonValue | undefined): RulesReview {
  const status = statusOf(object);
  const list = status['resourceRules'];
  const rules = (isJsonArray(list) ? list : []).filter(isJsonObject).map((rule) => ({
    verbs: strings(rule['verbs']),
    apiGroups: strings(rule['apiGroups']),
    resources: strings(rule['resources']),
    resourceNames: strings(rule['resourceNames']),
  }));
  return { rules, isIncomplete: status['incomplete'] !== false };
}

export function accessOf(object: JsonValue | undefined): AccessReview {
  const status = statusOf(object);
  const reason = status['reason'];
  return { isAllowed: status['allowed'] === true, reason: typeof reason === 'string' ? reason : '' };
}
