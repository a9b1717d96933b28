export {
  accessControlPlane,
  type ControlPlaneAccess,
  type ControlPlaneFiles,
} from './access.ts';
export {
  type AuditEntry,
  AuditLog,
  type AuditMark,
  type CallFilter,
  parseAuditLines,
} from './audit-log.ts';
export {
  type Binaries,
  type BinarySource,
  type EnsureOptions,
  ensureBinaries,
  ensureCue,
  ensureHelm,
  ensureOrasTool,
  ensureRegistry,
  unavailablePrograms,
} from './binaries.ts';
export { choosePort } from './bootstrap.ts';
export { type CertificatePair, createAuthority, createTokenKeys, issueCertificate } from './certificates.ts';
export { ComponentProcess, type ComponentSpec } from './component-process.ts';
export type { OptionalComponent } from './components.ts';
export {
  type ControlPlane,
  type ControlPlaneOptions,
  type ControlPlaneProcess,
  startControlPlane,
} from './control-plane.ts';
export { type Identity, readAuthority } from './kubeconfig.ts';
export { type Kubectl, KubectlError } from './kubectl.ts';
export { layoutOf } from './layout.ts';
export { OPERATOR_IDENTITY, OPERATOR_USER } from './operator-identity.ts';
export { ReaperLink } from './reaper-link.ts';
export { VERSIONS } from './versions.ts';
