const HTTP_PORT = 80;

/** Whether an administrator lists a host, alone or with this port, among those that are spoken to without TLS. */
export function isPlainHttpHost(listed: readonly string[], host: string, port: number = HTTP_PORT): boolean {
  const name = host.includes(':') ? `[${host}]` : host;
  return listed.some((entry) => [name, `${name}:${port}`].includes(entry.toLowerCase()));
}
