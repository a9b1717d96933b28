import { gvkOf, type ObjectIdentity, type ResolvedNode } from '../api/index.ts';

// Kinds of the API server itself that live outside of namespaces. Used only to name objects and to tell them apart
// before discovery is asked; rights and scope are decided by discovery.
const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  '/Namespace',
  '/Node',
  '/PersistentVolume',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apiregistration.k8s.io/APIService',
  'certificates.k8s.io/CertificateSigningRequest',
  'flowcontrol.apiserver.k8s.io/FlowSchema',
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
  'networking.k8s.io/IngressClass',
  'node.k8s.io/RuntimeClass',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/CSIDriver',
  'storage.k8s.io/CSINode',
  'storage.k8s.io/StorageClass',
  'storage.k8s.io/VolumeAttachment',
]);

/** True for the API server's own kinds that have no namespace; says nothing about custom kinds. */
export function isKnownClusterScoped(kind: { readonly group: string; readonly kind: string }): boolean {
  return CLUSTER_SCOPED.has(`${kind.group}/${kind.kind}`);
}

/** Identity of a node's object as far as it is known without discovery. */
export function identityOfNode(node: ResolvedNode, defaultNamespace: string): ObjectIdentity {
  const { group, kind } = gvkOf(node.object);
  const { name, namespace } = node.object.metadata;
  return isKnownClusterScoped({ group, kind })
    ? { group, kind, name }
    : { group, kind, namespace: namespace ?? defaultNamespace, name };
}
