export { ensureCue, ensureOrasTool, ensureRegistry } from '../control-plane/index.ts';
export { createTestAuthority, type TestAuthority } from './authority.ts';
export type { Interceptor } from './front.ts';
export type { Handler, SeenRequest } from './listener.ts';
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
export { runCue, runOrasTool } from './tools.ts';
