// Git over ssh: one connection, one command, `git-upload-pack`. The server proves first who it is, with a key from the
// tenant's known hosts; only then our key signs. There is no agent, no password, no forwarding and no local program.
import type { Socket } from 'node:net';
import ssh2, { type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2';
import type { EgressGuard } from '../egress/index.ts';
import { messageOf, SourceError } from '../errors.ts';
import type { GitAccess, GitCredentials } from './access.ts';
import { AnswerReader } from './answer-reader.ts';
import { quoted } from './failures.ts';
import { fingerprint, KnownHosts, keyType } from './known-hosts.ts';
import { LARGE_BYTES } from './large-answers.ts';
import { FLUSH } from './pkt-line.ts';
import type { GitReference } from './reference.ts';
import { type AskOptions, type GitSession, SERVICE } from './session.ts';

type SshCredentials = Extract<GitCredentials, { readonly type: 'ssh' }>;
/** An unencrypted key, in a form that ssh2 reads. @throws SourceError */
export type OpenKey = (credentials: SshCredentials, signal: AbortSignal) => Promise<string>;

const DEFAULT_PORT = 22;
const MAX_STDERR_BYTES = 4 * 1024;
/** Signatures for the kinds of keys that may be in known hosts. SHA-1 is not among them. */
const SIGNATURES: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Opens sessions over ssh. */
export class SshTransport {
  readonly #guard: EgressGuard;
  readonly #openKey: OpenKey;

  constructor(guard: EgressGuard, openKey: OpenKey) {
    this.#guard = guard;
    this.#openKey = openKey;
  }

  /** @throws SourceError, and what the network says */
  async open(
    reference: GitReference,
    access: GitAccess,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<GitSession> {
    const { host, port = DEFAULT_PORT, user = '', place } = reference;
    const credentials = sshCredentials(access, place);
    const hosts = new KnownHosts(credentials.knownHosts);
    const key = await this.#openKey(credentials, signal);
    const socket = await this.#guard.connect({ host, port }, signal);
    const connection = new SshConnection(socket, reference, access);
    const end = (): void => connection.close();
    signal.addEventListener('abort', end, { once: true });
    try {
      signal.throwIfAborted();
      const verdict = hostVerifier(hosts, host, port, place);
      const config: ConnectConfig = {
        username: user,
        privateKey: key,
        authHandler: ['publickey'],
        hostVerifier: (offered: Buffer) => {
          connection.refusal = verdict(offered);
          return connection.refusal === undefined;
        },
        algorithms: algorithmsFor(hosts.keyTypes(host, port)),
      };
      const advert = await connection.start(config, maxBytes);
      return { advert, ask: connection.ask, close: end };
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}

class SshConnection {
  refusal: SourceError | undefined;
  readonly #client = new ssh2.Client();
  readonly #socket: Socket;
  readonly #reference: GitReference;
  readonly #access: GitAccess;
  readonly #reader: AnswerReader;
  #channel: ClientChannel | undefined;
  #stderr = '';
  /** Taken away once it is asked. */
  #admitLarge: (() => Promise<void>) | undefined;

  constructor(socket: Socket, reference: GitReference, access: GitAccess) {
    this.#socket = socket;
    this.#reference = reference;
    this.#access = access;
    this.#reader = new AnswerReader(reference.place);
  }

  /** What the server says first. */
  async start(config: ConnectConfig, maxBytes: number): Promise<Buffer> {
    const client = this.#client;
    client.on('error', (error) => this.#fail(this.#failureOf(error)));
    client.on('close', () => this.#fail(this.#lost('closed the connection')));
    client.on('ready', () => {
      const command = `${SERVICE} '${this.#reference.path}'`;
      client.exec(command, { env: { GIT_PROTOCOL: 'version=2' } }, (error, channel) => {
        if (error === undefined) this.#listen(channel);
        else this.#fail(this.#lost(`does not run ${SERVICE}`));
      });
    });
    const advert = this.#reader.read('flush', maxBytes);
    try {
      client.connect({ ...config, sock: this.#socket });
    } catch {
      // The advert is waited for all the same, so that its failure is nobody's surprise. What is thrown may quote the key.
      this.#fail(new SourceError('SOURCE_AUTH', `${this.#reference.place} can't be asked with this ssh key`));
    }
    return await advert;
  }

  readonly ask = async (
    request: string,
    { admitLarge, endsWith, maxBytes }: AskOptions,
    signal: AbortSignal,
  ): Promise<Buffer<ArrayBuffer>> => {
    const end = (): void => this.close();
    signal.addEventListener('abort', end, { once: true });
    try {
      signal.throwIfAborted();
      this.#admitLarge = admitLarge;
      const answer = this.#reader.read(endsWith, maxBytes);
      this.#channel?.write(request);
      return await answer;
    } finally {
      signal.removeEventListener('abort', end);
    }
  };

  close(): void {
    if (this.#channel?.writable === true) this.#channel.end(FLUSH);
    this.#client.end();
    this.#socket.destroy();
    this.#fail(this.#lost('was left'));
  }

  #listen(channel: ClientChannel): void {
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      if (this.#reader.size > LARGE_BYTES) this.#waitToBeLarge(channel);
    });
    channel.stderr.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < MAX_STDERR_BYTES) this.#stderr += chunk.toString('utf8');
    });
    channel.on('error', (error: Error) => this.#fail(this.#lost(messageOf(error, 100))));
    channel.on('close', (code: number | null | undefined) => {
      const error = this.#ended(code ?? undefined);
      this.#reader.end({ isClean: code === 0, error });
    });
  }

  #waitToBeLarge(channel: ClientChannel): void {
    const admission = this.#admitLarge?.();
    if (admission === undefined) return;
    this.#admitLarge = undefined;
    channel.pause();
    admission.then(
      () => channel.resume(),
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    this.#reader.end({ isClean: false, error });
  }

  /** The command is over: before it listed refs, it did not find or show the repository. */
  #ended(code: number | undefined): SourceError {
    const said = quoted(this.#stderr, this.#access);
    const exit = code === undefined ? '' : ` (exit ${code})`;
    return new SourceError(
      'SOURCE_NOT_FOUND',
      `${this.#reference.place} ends ${SERVICE}${exit}: there is no such repository, or the key may not read it${said}`,
    );
  }

  #failureOf(error: Error & { readonly level?: string }): SourceError {
    if (this.refusal !== undefined) return this.refusal;
    const { place } = this.#reference;
    if (error.level === 'client-authentication') {
      return new SourceError('SOURCE_AUTH', `${place} does not take the ssh key, or not for this user`);
    }
    return this.#lost(`breaks ssh off: ${messageOf(error, 200)}`, error);
  }

  #lost(what: string, cause?: unknown): SourceError {
    return new SourceError('SOURCE_UNAVAILABLE', `${this.#reference.place} ${what}`, { cause });
  }
}

function sshCredentials({ credentials }: GitAccess, place: string): SshCredentials {
  if (credentials?.type === 'ssh') return credentials;
  throw new SourceError(
    'SOURCE_AUTH',
    `${place} is asked over ssh: it needs a Secret with a private key and known hosts`,
  );
}

/** Why an offered key is not taken; undefined where it is. */
function hostVerifier(
  hosts: KnownHosts,
  host: string,
  port: number,
  place: string,
): (offered: Buffer) => SourceError | undefined {
  return (offered) => {
    const verdict = hosts.judge(host, port, offered);
    if (verdict === 'known') return undefined;
    const shown = `${keyType(offered)} ${fingerprint(offered)}`;
    const why = {
      revoked: `offers a key that known hosts revoke: ${shown}`,
      other: `offers another key than known hosts list: ${shown}`,
      unknown: hosts.hasOnlyAuthority(host, port)
        ? `has only a @cert-authority in known hosts, which is not followed: list its key, ${shown}`
        : `is not in known hosts; it offers ${shown}`,
    };
    return new SourceError('SOURCE_REFUSED', `${place} ${why[verdict]}`);
  };
}

/** A server has several keys: it is asked for one that is listed, or for any, to name it, where none is. */
function algorithmsFor(keyTypes: readonly string[]): NonNullable<ConnectConfig['algorithms']> {
  const listed = keyTypes.flatMap((type) => SIGNATURES[type] ?? []);
  const serverHostKey = listed.length > 0 ? listed : Object.values(SIGNATURES).flat();
  return { serverHostKey };
}
