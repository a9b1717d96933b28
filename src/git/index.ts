export type { GitAccess, GitCredentials } from './access.ts';
