/** Whom deploy/rbac.yaml gives the operator's rights to. */
export const OPERATOR_IDENTITY = { serviceAccount: { namespace: 'pequod-system', name: 'pequod' } } as const;

/** As which user the API server knows the operator, also where it impersonates a tenant. */
export const OPERATOR_USER = 'system:serviceaccount:pequod-system:pequod';
