import { parseSamples, samplesOf } from '../../local/commands/status/read/samples.ts';
import { internalRpcs, publicRpcs } from '../refusals/contracts.ts';
import type { World } from '../testing/world.ts';

/** Codes of calls that nobody has looked into: their caller was not believed, or what was sent is no message. */
const unread: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'PERMISSION_DENIED', 'INTERNAL', 'UNKNOWN']);

/** RPCs of which no call has come to where its fields are read: what was marked in them has been seen by nobody who could tell. */
export async function unreachedRpcs({ stack }: World): Promise<string[]> {
  const reached = new Set<string>();
  for (const url of Object.values(stack.urls.operations)) {
    const samples = parseSamples(await (await fetch(`${url}/metrics`)).text());
    for (const { labels, value } of samplesOf(samples, 'oxo_rpc_server_requests_total'))
      if (value > 0 && !unread.has(labels.code ?? '')) reached.add(labels.rpc ?? '');
  }
  const names = [...publicRpcs, ...internalRpcs].map(({ method, name }) => `${method.parent.typeName}/${name}`);
  return names.filter((name) => !reached.has(name));
}
