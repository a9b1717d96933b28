import { AuditLog } from './audit-log.ts';
import { type Identity, openAdminClient, writeKubeconfigFor } from './kubeconfig.ts';
import { type Kubectl, kubectlFor } from './kubectl.ts';
import { layoutOf } from './layout.ts';

/** Where a running control plane is: plain data, so that it can be handed to another process. */
export interface ControlPlaneFiles {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile: string;
  /** Kubeconfig of the admin, who may do everything. */
  readonly kubeconfigPath: string;
  readonly kubectlPath: string;
  /** Folder of the built programs. */
  readonly binaryDirectory: string;
  /** The temporary directory; gone after the stop. */
  readonly directory: string;
  /** Log of each program: `<name>.log`. */
  readonly logDirectory: string;
  /** Undefined unless it was started with `audit`. */
  readonly auditLogPath: string | undefined;
}

/** What can be done with a running control plane, also by a process that did not start it. */
export interface ControlPlaneAccess extends ControlPlaneFiles {
  /** The plain data alone, for another process to call {@link accessControlPlane} with. */
  readonly files: ControlPlaneFiles;
  /** kubectl as admin. */
  readonly kubectl: Kubectl;
  /** kubectl as somebody else. */
  kubectlAs(kubeconfigPath: string): Kubectl;
  /**
   * Writes a kubeconfig for this identity and returns its path. A service account must exist. With `through` it leads
   * to that URL, where something passes requests on to the API server.
   */
  kubeconfigFor(identity: Identity, signal?: AbortSignal, through?: string): Promise<string>;
  /** Opens the audit log; close it when done. Fails when the control plane was started without `audit`. */
  openAuditLog(): Promise<AuditLog>;
}

const CALL_TIMEOUT_MS = 30_000;

/** Gives a running control plane's files their functions. */
export function accessControlPlane(files: ControlPlaneFiles): ControlPlaneAccess {
  const layout = layoutOf(files.directory);
  return {
    ...files,
    files,
    kubectl: kubectlFor(files.kubectlPath, files.kubeconfigPath),
    kubectlAs: (kubeconfigPath) => kubectlFor(files.kubectlPath, kubeconfigPath),
    kubeconfigFor: (identity, signal = AbortSignal.timeout(CALL_TIMEOUT_MS), through) =>
      writeKubeconfigFor(files.url, layout, identity, signal, through),
    openAuditLog: async () => {
      if (files.auditLogPath === undefined)
        throw new Error('this control plane was started without an audit log');
      return new AuditLog(files.auditLogPath, await openAdminClient(files.url, layout));
    },
  };
}
