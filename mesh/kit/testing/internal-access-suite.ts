import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CallOptions, TsProtoServiceDefinition } from 'nice-grpc';
import { OxoError, type Reason } from '#kit/errors.ts';
import { callersOf } from '#kit/identity/access.ts';
import { newId } from '#kit/ids.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { Callers } from '#kit/testing/callers.ts';
import { refused } from '#kit/testing/refused.ts';
import type { TestIssuer } from '#kit/testing/tokens.ts';

export interface InternalService<Service extends TsProtoServiceDefinition> {
  issuer: Pick<TestIssuer, 'userToken'>;
  internal(service?: string): RpcClient<Service>;
  internalWithToken(token: string): RpcClient<Service>;
  onBehalfOf: Callers['onBehalfOf'];
}

const CONTRACTS = globSync('../../../gen/ts/oxo/*/v1/*_internal_service.ts', { cwd: import.meta.dirname });

/** Whoever is a caller in any contract, and one who is in none. */
async function everyCaller(): Promise<string[]> {
  const modules: object[] = await Promise.all(CONTRACTS.map((path) => import(join(import.meta.dirname, path))));
  const definitions = modules.flatMap(Object.values).filter(isServiceDefinition);
  const methods = definitions.flatMap(({ methods }) => Object.values(methods));
  const callers = new Set(methods.flatMap(({ options }) => callersOf(options)));
  if (callers.size < 2) throw new Error('the contracts name no callers');
  return [...callers, 'stranger'];
}

function isServiceDefinition(value: unknown): value is TsProtoServiceDefinition {
  return typeof value === 'object' && value !== null && 'methods' in value;
}

/** Whoever is let in hears none of these. */
const SHUT_OUT: readonly Reason[] = ['TOKEN_MISSING', 'TOKEN_INVALID', 'CALLER_NOT_ALLOWED'];

/**
 * What must hold of an internal contract: each RPC is for the services named here, and for nobody else.
 * @param callers of every RPC: a new one does not compile until it has its own
 */
export function testInternalAccess<Service extends TsProtoServiceDefinition>(
  definition: Service,
  callers: Readonly<Record<keyof Service['methods'], readonly string[]>>,
  service: () => InternalService<Service>,
): void {
  test('each RPC is called here', () => {
    assert.deepEqual(Object.keys(callers).sort(), Object.keys(definition.methods).sort());
  });

  for (const [name, method] of Object.entries(definition.methods)) {
    /** Access is decided before the request is looked at, so an empty one will do. */
    async function call(client: RpcClient<Service>, options?: CallOptions): Promise<void> {
      const rpc = client[name as keyof RpcClient<Service>] as (request: object, options?: CallOptions) => unknown;
      const answer = rpc({}, options);
      if (method.responseStream) for await (const _ of answer as AsyncIterable<unknown>);
      else await answer;
    }
    const allowed = callers[name as keyof Service['methods']];

    test(`${method.name} is refused without a token, with a person's token, and to other services`, async () => {
      const { internal, internalWithToken, issuer } = service();
      await assert.rejects(call(internal()), refused('TOKEN_MISSING'));
      const token = await issuer.userToken(newId(1));
      await assert.rejects(call(internalWithToken(token)), refused('TOKEN_INVALID'));
      for (const other of (await everyCaller()).filter((each) => !allowed.includes(each))) {
        await assert.rejects(call(internal(other)), refused('CALLER_NOT_ALLOWED'), other);
      }
    });

    test(`${method.name} lets in ${allowed.join(', ')}`, async () => {
      const { internal, onBehalfOf } = service();
      for (const each of allowed) {
        await call(internal(each), await onBehalfOf(newId(1))).catch((error: unknown) => {
          assert.ok(error instanceof OxoError && !SHUT_OUT.includes(error.reason), `${each}: ${error}`);
        });
      }
    });
  }
}
