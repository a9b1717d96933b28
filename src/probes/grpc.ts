// grpc.health.v1.Health/Check over one HTTP/2 connection.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { EgressGuard } from '../egress/index.ts';
import type { ProbeAddress } from './address.ts';
import { isReady, isWaiting, type ProbeFinding } from './answer.ts';
import { healthRequest, servingStatus } from './grpc-messages.ts';

const METHOD = '/grpc.health.v1.Health/Check' as const;
const MAX_BYTES = 16 * 1024;
/** gRPC's codes that say something about the question. */
const OK = '0' as const;
const NOT_FOUND = '5' as const;
const UNIMPLEMENTED = '12' as const;

/** Asks a server for the service that the path names, or for itself. */
export async function askGrpc(
  guard: EgressGuard,
  address: ProbeAddress,
  signal: AbortSignal,
): Promise<ProbeFinding> {
  const { host, port, scheme, shown, url } = address;
  const isTls = scheme === 'grpcs';
  const target = { host, port, ...(isTls ? { tls: { protocols: ['h2'] } } : {}) };
  const socket = await guard.connect(target, signal);
  const session = connect(`${isTls ? 'https' : 'http'}://${url.host}`, {
    createConnection: () => socket,
    settings: { enablePush: false },
  });
  try {
    const service = decodeURIComponent(url.pathname.replace(/^\//, ''));
    const answer = await call(session, healthRequest(service), signal);
    return judge(shown, service, answer);
  } finally {
    session.destroy();
    socket.destroy();
  }
}

interface GrpcAnswer {
  readonly httpStatus: number;
  readonly grpcStatus: string | undefined;
  readonly body: Buffer;
}

function judge(shown: string, service: string, { httpStatus, grpcStatus, body }: GrpcAnswer): ProbeFinding {
  if (httpStatus !== 200) return isWaiting(`${shown} answers with HTTP status ${httpStatus}`);
  switch (grpcStatus) {
    case OK: {
      const status = servingStatus(body);
      if (status === 'SERVING') return isReady(`${shown} answers SERVING`);
      return isWaiting(`${shown} answers ${status ?? 'what is no health check'}`);
    }
    case NOT_FOUND:
      return isWaiting(`${shown} does not know the service ${JSON.stringify(service)}`);
    case UNIMPLEMENTED:
      return isWaiting(`${shown} does not implement grpc.health.v1.Health`);
    default:
      return isWaiting(`${shown} answers with gRPC status ${grpcStatus ?? 'unknown'}`);
  }
}

async function call(session: ClientHttp2Session, body: Buffer, signal: AbortSignal): Promise<GrpcAnswer> {
  return await new Promise((resolve, reject) => {
    session.once('error', reject);
    session.once('close', () => reject(new Error('the connection was closed')));
    const stream = session.request({
      ':method': 'POST',
      ':path': METHOD,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'pequod',
    });
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    readAnswer(stream).then(resolve, reject);
    stream.end(body);
  });
}

async function readAnswer(stream: ClientHttp2Stream): Promise<GrpcAnswer> {
  let headers: IncomingHttpHeaders & { readonly ':status'?: number | undefined } = {};
  let trailers: IncomingHttpHeaders = {};
  stream.once('response', (received) => {
    headers = received;
  });
  stream.once('trailers', (received) => {
    trailers = received;
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const grpcStatus = trailers['grpc-status'] ?? headers['grpc-status'];
  return {
    httpStatus: headers[':status'] ?? 0,
    grpcStatus: typeof grpcStatus === 'string' ? grpcStatus : undefined,
    body: Buffer.concat(chunks),
  };
}
