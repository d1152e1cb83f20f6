import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { Metadata } from 'nice-grpc';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { type Forge, openForge } from '../testing/credentials.ts';
import { type Person, signUp } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';

type Header = Readonly<Record<string, unknown>>;
type Claims = Readonly<Record<string, unknown>>;

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function hmacToken(header: Header, claims: Claims, secret: string | Buffer): string {
  const signed = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function rsaToken(header: Header, claims: Claims, key: KeyObject): string {
  const signed = `${encode({ alg: 'RS256', ...header })}.${encode(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

type Attack = {
  readonly person: Person;
  readonly forge: Forge;
  /** A payload that would be right. */
  readonly claims: Claims;
  /** The header of a token that is right. */
  readonly header: Header;
  /** The public key, as anybody gets it. */
  readonly jwk: Readonly<Record<string, string>>;
};

/** A person whose tokens are forged, and all that an attacker can know of the right ones. */
async function prepare(world: World): Promise<Attack> {
  const person = await signUp(world.api);
  const forge = await openForge(world.stack);
  const header = { ...decodeProtectedHeader(person.accessToken) };
  const answer = await fetch(new URL('/.well-known/jwks.json', world.stack.urls.frontDoor));
  const { keys } = (await answer.json()) as { keys: Record<string, string>[] };
  const jwk = keys.find(({ kid }) => kid === header.kid) ?? assert.fail();
  const claims = forge.claims(person.id);
  // What differs from this one alone is what is refused.
  assert.equal((await world.api.call({ path: '/users/me', token: await forge.sign(claims) })).status, 200);
  return { person, forge, claims, header, jwk };
}

/** The front door refuses each token, on closed routes and on open ones, and so does a service on its own port. */
async function requireRefused({ api, stack }: World, tokens: Readonly<Record<string, string>>): Promise<void> {
  const stubs = openStubs(stack);
  try {
    for (const [what, token] of Object.entries(tokens)) {
      for (const path of ['/users/me', '/feed/public']) {
        const { status, reason } = await refusal(api, { path, token });
        assert.deepEqual([status, reason], [401, 'TOKEN_INVALID'], `${what}: ${path}`);
      }
      const metadata = Metadata({ authorization: `Bearer ${token}` });
      await assert.rejects(stubs.user.getMe({}, { metadata }), /UNAUTHENTICATED/, `${what}: straight to the service`);
    }
  } finally {
    stubs.close();
  }
}

/** Tokens that somebody has made who has not the key. */
export const tokens: Cases = {
  'alg: none': async (world) => {
    const { claims, header, person } = await prepare(world);
    const [, , signature] = person.accessToken.split('.');
    const spellings = ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => {
      const unsigned = `${encode({ ...header, alg })}.${encode(claims)}`;
      return [
        [`${alg} without a signature`, `${unsigned}.`],
        [`${alg} with another token's signature`, `${unsigned}.${signature}`],
      ];
    });
    const none = `${encode({ typ: header.typ, kid: header.kid })}.${encode(claims)}.`;
    await requireRefused(world, { ...Object.fromEntries(spellings), 'no algorithm at all': none });
  },

  'HS256 with the public key': async (world) => {
    const { claims, header, jwk } = await prepare(world);
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const pem = key.export({ type: 'spki', format: 'pem' }).toString();
    const secrets = {
      'as PEM': pem,
      'as PEM without its last line break': pem.trimEnd(),
      'as PKCS #1': key.export({ type: 'pkcs1', format: 'pem' }).toString(),
      'as DER': key.export({ type: 'spki', format: 'der' }),
      'as JWK': JSON.stringify(jwk),
      'its modulus': jwk.n ?? '',
      'its modulus in bytes': Buffer.from(jwk.n ?? '', 'base64url'),
    };
    const forged = Object.entries(secrets).map(([what, secret]) => [what, hmacToken(header, claims, secret)]);
    await requireRefused(world, Object.fromEntries(forged));
  },

  'kid tricks: a path, SQL, an unknown one, another’s, none': async (world) => {
    const { claims, header, forge } = await prepare(world);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const own = publicKey.export({ format: 'jwk' });
    const kids = [
      ...['../../../../../../dev/null', '/dev/null', 'file:///dev/null', 'C:\\nul', '%00'],
      ...[`x' or '1'='1`, `' union select '{}' --`, `x'; drop table auth.signing_keys; --`],
      ...['unknown', '', '__proto__', 'constructor', randomUUID(), 'a'.repeat(3_000), '\u0000'],
    ];
    const named = kids.flatMap((kid) => [
      [`signed by the attacker as ${kid.slice(0, 40)}`, rsaToken({ ...header, kid }, claims, privateKey)],
      [`HS256 with nothing as ${kid.slice(0, 40)}`, hmacToken({ ...header, kid }, claims, '')],
    ]);
    await requireRefused(world, {
      ...Object.fromEntries(named),
      'right key, unknown kid': await forge.sign(claims, { kid: 'unknown' }),
      'the attacker’s key under our kid': rsaToken(header, claims, privateKey),
      'a number': rsaToken({ ...header, kid: 1 }, claims, privateKey),
      'a list with the right one': rsaToken({ ...header, kid: [header.kid] }, claims, privateKey),
      'the key in the token': rsaToken({ ...header, jwk: own }, claims, privateKey),
      'the key at an address': rsaToken({ ...header, jku: 'http://127.0.0.1:1/jwks.json' }, claims, privateKey),
      'a certificate at an address': rsaToken({ ...header, x5u: 'http://127.0.0.1:1/c.pem' }, claims, privateKey),
      'an extension that must be understood': rsaToken({ ...header, crit: ['exp'] }, claims, privateKey),
    });
  },

  'a wrong issuer or audience, or another type': async (world) => {
    const { claims, forge, person } = await prepare(world);
    const changed = (changes: Claims, header?: Readonly<Record<string, string>>) =>
      forge.sign({ ...claims, ...changes }, header);
    const issuer = world.stack.publicUrl;
    await requireRefused(world, {
      'another issuer': await changed({ iss: 'https://elsewhere.example' }),
      'the issuer with a slash': await changed({ iss: `${issuer}/` }),
      'the issuer in capitals': await changed({ iss: issuer.toUpperCase() }),
      'no issuer': await changed({ iss: undefined }),
      'the audience of services': await changed({ aud: 'oxo-internal' }),
      'a client as the audience': await changed({ aud: 'oxo' }),
      'no audience': await changed({ aud: undefined }),
      'no audience in a list': await changed({ aud: [] }),
      'a service as the subject': await changed({ sub: 'service:feed' }),
      'no subject': await changed({ sub: undefined }),
      expired: await changed({ exp: Math.floor(Date.now() / 1_000) - 120 }),
      'without an end': await changed({ exp: undefined }),
      'not yet valid': await changed({ nbf: Math.floor(Date.now() / 1_000) + 600 }),
      'another’s payload': person.accessToken.replace(/\.[^.]+\./, `.${encode({ ...claims, sub: randomUUID() })}.`),
    });
    const stubs = openStubs(world.stack);
    try {
      // What is signed with the same keys for another purpose, such as an ID token.
      for (const typ of ['JWT', 'id_token+jwt', 'logout+jwt']) {
        const metadata = Metadata({ authorization: `Bearer ${await forge.sign(claims, { typ })}` });
        await assert.rejects(stubs.user.getMe({}, { metadata }), /UNAUTHENTICATED/, typ);
      }
    } finally {
      stubs.close();
    }
  },

  'a spelling of Bearer that the limits by person would not see': async ({ api, stack }) => {
    const { accessToken } = await signUp(api);
    const ask = async (scheme: string) => {
      const headers = { authorization: `${scheme} ${accessToken}` };
      return (await fetch(new URL('/api/v1/users/me', stack.urls.frontDoor), { headers })).status;
    };
    assert.deepEqual(await Promise.all(['Bearer', 'bearer', 'BEARER', 'bEARER'].map(ask)), [200, 200, 401, 401]);
  },
};
