// Real servers that tests start and stop, and the programs of others that speak with them.
export { ensureCue, ensureOrasTool, ensureRegistry } from '../control-plane/index.ts';
export { createTestAuthority, type ServerNames, type TestAuthority } from './authority.ts';
export {
  installSystemPrograms,
  type Needed,
  needs,
  systemProgram,
} from './debian.ts';
export {
  type GitHttpOptions,
  type GitHttpServer,
  type GitOperation,
  type GitRequest,
  startGitHttpServer,
} from './git-http.ts';
export {
  type AllowedWants,
  GIT_ENVIRONMENT,
  type GitEntry,
  type GitFiles,
  type GitRepository,
  lfsPointer,
} from './git-repositories.ts';
export { type GitSshOptions, type GitSshServer, type SshKey, startGitSshServer } from './git-ssh.ts';
export { type WithoutGo, withoutGo } from './go-programs.ts';
export type { Handler, Interceptor, SeenRequest } from './listener.ts';
export {
  ACCOUNTS,
  type Account,
  type Registry,
  type RegistryOptions,
  type RegistryRequest,
  type RegistryRequestKind,
  startRegistry,
  type TokenIssuer,
} from './registry.ts';
export { type ProgramResult, type RunOptions, runProgram } from './run-program.ts';
export {
  type ScriptedHandler,
  type ScriptedRequest,
  type ScriptedServer,
  sendDrops,
  sendRaw,
  sendShort,
  startScriptedServer,
} from './scripted-server.ts';
export type { TestServer } from './test-server.ts';
export {
  startTokenServer,
  type TokenRequest,
  type TokenServer,
  type TokenServerOptions,
  type TokenUser,
} from './token-server.ts';
export { runCue, runOrasTool, runSkopeo } from './tools.ts';
