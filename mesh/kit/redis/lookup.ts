import type { SeldomWarning } from '#kit/observability/logger.ts';
import type { ReadModel } from '#kit/redis/read-model.ts';

/** Payloads by id: of those that exist and may be seen. */
export type Payloads = Map<string, Uint8Array>;

/**
 * Reads things of another service: from its read model, and what is not there by its RPC. Redis away costs speed, never an
 * answer.
 * @param fetchMissing asks the owner for ids that the read model does not hold; what it leaves out does not exist
 */
export async function lookUp(
  readModel: ReadModel,
  ids: readonly string[],
  fetchMissing: (missing: string[]) => Promise<Payloads>,
  warn: SeldomWarning,
): Promise<Payloads> {
  const unique = [...new Set(ids)];
  if (unique.length === 0) return new Map();
  const found = await readModel.getMany(unique).catch((error: unknown) => {
    warn({ err: error }, 'a read model cannot be read; its owner answers');
    return unique.map(() => undefined);
  });
  const payloads: Payloads = new Map();
  const missing: string[] = [];
  for (const [index, id] of unique.entries()) {
    const payload = found[index];
    if (payload === undefined) missing.push(id);
    else if (payload !== 'deleted') payloads.set(id, payload);
  }
  if (missing.length > 0) for (const [id, payload] of await fetchMissing(missing)) payloads.set(id, payload);
  return payloads;
}
