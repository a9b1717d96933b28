// The little of DER that certificates, and what is built like them, are written in.

/** An extension of a certificate. */
export function extension(id: string, value: Buffer, isCritical: boolean): Buffer {
  const critical = isCritical ? [element(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...critical, element(0x04, value));
}

/** UTCTime, which RFC 5280 prescribes for years before 2050. */
export function time(date: Date): Buffer {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return element(0x17, Buffer.from(digits.slice(2), 'ascii'));
}

/** With whole bytes unless the last one has unused bits. */
export function bitString(bytes: Buffer, unusedBits = 0): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([unusedBits]), bytes]));
}

/** By its encoded form, in hexadecimal. */
export function oid(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, 'hex'));
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

/** One DER element: tag, length (short form below 128, else the long form), content. */
export function element(tag: number, content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}
