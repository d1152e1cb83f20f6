/**
 * What `sslmode` in a database's URL asks for, as pg reads it: MikroORM, which takes the URL apart itself, does not look for it. All modes but
 * `disable` and `no-verify` want a certificate that counts (NODE_EXTRA_CA_CERTS) for the server's name.
 */
export function tlsOf(url: string): { ssl?: true | { rejectUnauthorized: false } } {
  const mode = new URL(url).searchParams.get('sslmode');
  if (mode === null || mode === 'disable') return {};
  return { ssl: mode === 'no-verify' ? { rejectUnauthorized: false } : true };
}
