import type { DescMessage } from '@bufbuild/protobuf';
import { hasBody, type NamedRpc, publicRpcs } from '../refusals/contracts.ts';
import { unknownId } from '../refusals/refused.ts';
import type { Sent } from '../testing/oauth.ts';
import { register } from './lives.ts';
import { type Fields, isText, markedRequest } from './requests.ts';
import type { Teller } from './teller.ts';

const oversize = 80_000;
const lanes = 6;
/** They end the session, or the person, with which they are called: each is called by somebody of its own. */
export const endsItsCaller: ReadonlySet<string> = new Set(['Logout', 'DeleteMe', 'ChangePassword', 'RevokeSession']);

type Call = { readonly path: string; readonly sent: Sent };

/** Every public RPC, rightly and in every wrong way, marked wherever that can be. Nothing is asked of the answers. */
export async function callEveryPublicRpc(teller: Teller): Promise<void> {
  const { token } = await register(teller);
  const waiting = publicRpcs
    .filter(({ name }) => !endsItsCaller.has(name))
    .flatMap((rpc) => callsOf(teller, rpc, token));
  const lane = async (): Promise<void> => {
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift())
      await teller.send(call.path, call.sent);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  for (const rpc of publicRpcs.filter(({ name }) => endsItsCaller.has(name))) {
    const own = await register(teller);
    for (const call of callsOf(teller, rpc, own.token)) await teller.send(call.path, call.sent);
  }
}

function callsOf(teller: Teller, rpc: NamedRpc, token: string): Call[] {
  const right = rightCall(teller, rpc, token);
  const { path, sent } = right;
  const as = (headers: Record<string, string>): Call => ({ path, sent: { ...sent, headers } });
  const mark = (what: string) => teller.marks.make(`${rpc.name}: ${what}`);
  const long = (what: string) => `${mark(what)}${'x1'.repeat(20)}`;
  const bearer = { authorization: `Bearer ${token}` };
  const separator = path.includes('?') ? '&' : '?';
  return [
    as({}),
    as({ authorization: `Bearer ${mark('Bearer')}` }),
    as({ authorization: `Bearer\t${mark('Bearer after a tab')}` }),
    as({ authorization: `Bearer eyJhbGciOiJSUzI1NiJ9.${mark('JWT')}.${mark('signature')}` }),
    as({ 'x-api-key': `oxo_${unknownId.replaceAll('-', '')}_${mark('API key')}` }),
    as({ ...bearer, 'x-api-key': mark('both') }),
    as({ ...bearer, cookie: `a=${mark('cookie')}; é=${mark('odd cookie')}` }),
    as({ ...bearer, referer: `https://oxo.example/?token=${mark('referer')}`, 'user-agent': long('user agent') }),
    as({ ...bearer, 'idempotency-key': mark('Idempotency-Key'), 'if-match': `"${mark('If-Match')}"` }),
    as({ ...bearer, 'x-other': mark('a header') }),
    { path: `${path}${separator}access_token=${mark('query')}`, sent: { ...sent, headers: bearer } },
    { path: `${path}/${long('path')}`, sent: { ...sent, headers: bearer } },
    ...(hasBody(rpc) ? wrongBodies(teller, rpc, right) : []),
    // The one that may do what it says comes last.
    right,
  ];
}

function wrongBodies({ marks }: Teller, rpc: NamedRpc, { path, sent }: Call): Call[] {
  const { input } = rpc.method;
  const body = (json: unknown): Call => ({ path, sent: { ...sent, json } });
  const right = sent.json as Fields;
  const mark = (what: string) => marks.make(`${rpc.name}: ${what}`);
  const wrong = input.fields.flatMap(({ jsonName }) => [
    body({ ...right, [jsonName]: [{ a: mark(`${jsonName} of a wrong type`) }] }),
    body({ ...right, [jsonName]: { [mark(`a key in ${jsonName}`)]: 1 } }),
  ]);
  const texts = input.fields
    .filter(isText)
    .flatMap(({ jsonName }) => [
      body({ ...right, [jsonName]: `${mark(`${jsonName}, too long`)}${'x'.repeat(2_000)}` }),
      body({ ...right, [jsonName]: `${mark(`${jsonName} with U+0000`)}\u0000` }),
    ]);
  const numbers = input.fields
    .filter((field) => !isText(field))
    .map(({ jsonName }) => body({ ...right, [jsonName]: mark(`${jsonName} as a text`) }));
  return [
    ...wrong,
    ...texts,
    ...numbers,
    body({ ...right, [mark('an unknown field')]: mark('its value') }),
    body(`{"text":"${mark('broken JSON')}`),
    body(`${mark('no JSON')}`),
    body(`"${mark('no object')}"`),
    body({ ...right, text: `${mark('too large')}${'x'.repeat(oversize)}` }),
  ];
}

/** At its path, all else in the body or the query. */
function rightCall({ marks }: Teller, rpc: NamedRpc, token: string): Call {
  const [rule] = rpc.http;
  const fields = markedRequest(rpc.method.input, marks, rpc.name);
  const inPath = fieldsOfPath(rpc.method.input, rule?.path ?? '');
  const path = inPath.reduce((made, { name, jsonName }) => {
    return made.replace(`{${name}}`, () => encodeURIComponent(String(fields[jsonName])));
  }, rule?.path ?? '');
  const rest = Object.entries(fields).filter(([name]) => !inPath.some(({ jsonName }) => jsonName === name));
  const headers = { authorization: `Bearer ${token}` };
  const method = rule?.method.toUpperCase() ?? 'GET';
  if (hasBody(rpc)) return { path, sent: { method, headers, json: Object.fromEntries(rest) } };
  const query = new URLSearchParams(
    rest.flatMap(([name, value]): [string, string][] => (typeof value === 'string' ? [[name, value]] : [])),
  );
  return { path: query.size === 0 ? path : `${path}?${query}`, sent: { method, headers } };
}

function fieldsOfPath(input: DescMessage, path: string): DescMessage['fields'] {
  return input.fields.filter(({ name }) => path.includes(`{${name}}`));
}
