// The URLs of probes.
import { isWrong, type ProbeFinding } from './answer.ts';

export interface ProbeAddress {
  readonly url: URL;
  readonly scheme: 'http' | 'https' | 'tcp' | 'grpc' | 'grpcs';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** As it is named in messages: without the query, which may hold what is nobody's business. */
  readonly shown: string;
}

const DEFAULT_PORTS = { http: 80, https: 443, tcp: 0, grpc: 0, grpcs: 443 } as const;

/** Reads the URL of a probe; a finding where nothing can be asked there. */
export function readAddress(text: string): ProbeAddress | ProbeFinding {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url?.protocol.slice(0, -1);
  if (url === undefined || scheme === undefined || !isScheme(scheme)) {
    return isWrong('InvalidProbe', 'has a probe without a URL of http, https, tcp, grpc or grpcs');
  }
  const port = url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port);
  if (url.hostname === '' || port === 0) {
    return isWrong('InvalidProbe', `has a probe of ${scheme} without host or port`);
  }
  const path = url.pathname === '/' ? '' : url.pathname;
  return {
    url,
    scheme,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    shown: `${scheme}://${url.host}${path}`,
  };
}

export function isAddress(found: ProbeAddress | ProbeFinding): found is ProbeAddress {
  return 'url' in found;
}

function isScheme(text: string): text is ProbeAddress['scheme'] {
  return Object.hasOwn(DEFAULT_PORTS, text);
}
