export type { GitAccess, GitCredentials } from './access.ts';
export { GitClient, type GitClientOptions } from './client.ts';
export { DEFAULT_GIT_LIMITS, type GitLimits, type PackLimits } from './limits.ts';
export type { ResolvedCommit } from './names.ts';
export {
  type GitReference,
  type GitReferenceOptions,
  type GitTransportKind,
  parseGitReference,
} from './reference.ts';
