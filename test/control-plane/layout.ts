import { join } from 'node:path';

/** Where a control plane keeps its files. All of it lies in one temporary directory that goes when it stops. */
export interface Layout {
  readonly root: string;
  readonly pki: string;
  readonly kubeconfigs: string;
  readonly logs: string;
  readonly etcd: string;
  readonly etcdSocket: string;
  readonly auditLog: string;
  readonly caFile: string;
}

/** The layout under `root`. */
export function layoutOf(root: string): Layout {
  return {
    root,
    pki: join(root, 'pki'),
    kubeconfigs: join(root, 'kubeconfigs'),
    logs: join(root, 'logs'),
    etcd: join(root, 'etcd'),
    etcdSocket: join(root, 'etcd.sock'),
    auditLog: join(root, 'logs', 'audit.log'),
    caFile: join(root, 'pki', 'ca.crt'),
  };
}

/** Path of a certificate or key in the layout: `pkiFile(layout, 'admin.key')`. */
export function pkiFile(layout: Layout, name: string): string {
  return join(layout.pki, name);
}
