// What the rules of a SelfSubjectRulesReview allow.
import type { ResourceRule } from '../kube/index.ts';

/** Verbs of the API server that Pequod uses as a tenant. */
export type Verb = 'create' | 'delete' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** What is asked of the rules: the plural name, as in `deployments`, and the group, empty for core. */
export interface Access {
  readonly group: string;
  readonly plural: string;
  readonly verb: Verb;
  /** Where absent, only rules without `resourceNames` count. */
  readonly name?: string | undefined;
}

/** True where one of the rules allows the access. */
export function allows(rules: readonly ResourceRule[], access: Access): boolean {
  return rules.some(
    (rule) =>
      covers(rule.verbs, access.verb) &&
      covers(rule.apiGroups, access.group) &&
      covers(rule.resources, access.plural) &&
      (rule.resourceNames.length === 0 ||
        (access.name !== undefined && rule.resourceNames.includes(access.name))),
  );
}

function covers(listed: readonly string[], wanted: string): boolean {
  return listed.includes('*') || listed.includes(wanted);
}
