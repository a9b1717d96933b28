import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAuthority, issueCertificate } from '../../control-plane/certificates.ts';

test('a certificate names its subject, its usage and its hosts, and verifies against its authority only', () => {
  const authority = createAuthority('test authority');
  const stranger = createAuthority('test authority');
  const subject = { commonName: 'jäne', organizations: ['a'.repeat(200), 'b'] };
  const pair = issueCertificate(
    authority,
    subject,
    { kind: 'server', hosts: ['localhost'], addresses: ['127.0.0.1'] },
    new Date('2030-01-02T03:04:05.678Z'),
  );
  const certificate = new X509Certificate(pair.certificate);
  expect(certificate.subject).toBe(`O=${'a'.repeat(200)}\nO=b\nCN=jäne`);
  expect(certificate.checkHost('localhost')).toBe('localhost');
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(certificate.checkHost('example.org')).toBeUndefined();
  expect(new Date(certificate.validFrom).toISOString()).toBe('2030-01-01T03:04:05.000Z');
  expect(new Date(certificate.validTo).toISOString()).toBe('2031-01-02T03:04:05.000Z');

  const authorityCertificate = new X509Certificate(authority.certificate);
  expect(authorityCertificate.ca).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkIssued(authorityCertificate)).toBe(true);
  expect(certificate.verify(authorityCertificate.publicKey)).toBe(true);
  expect(certificate.verify(new X509Certificate(stranger.certificate).publicKey)).toBe(false);
});
