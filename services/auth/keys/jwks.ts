import type { JSONWebKeySet } from 'jose';
import { sendJson } from '../http/answers.ts';
import type { HttpServer } from '../http/server.ts';

export const JWKS_PATH = '/.well-known/jwks.json';
/** So long a cache may keep the keys; a new key stands here for longer before it signs. */
const CACHE_CONTROL = 'public, max-age=300';

/** Serves the public keys, to Envoy, to the other services and to clients. */
export function serveJwks(http: HttpServer, published: () => JSONWebKeySet): void {
  http.handle({ path: JWKS_PATH, methods: ['GET'], lane: 'keys' }, ({ response }) =>
    sendJson(response, 200, published(), CACHE_CONTROL),
  );
}
