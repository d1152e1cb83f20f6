/** The collector's configurations hold together, have bounds, and mask what should never have come so far. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { type CollectorConfig, isMasked, problemsOf, type Redaction } from './check.ts';

const read = (name: string): CollectorConfig => parse(readFileSync(join(import.meta.dirname, name), 'utf8'));
const redactionOf = (name: string): Redaction => read(name).processors.redaction as Redaction;

describe("the collector's configurations", () => {
  it('hold together, and bound what they keep', () => {
    for (const name of ['gateway.yaml', 'logs.yaml']) assert.deepEqual(problemsOf(read(name)), [], name);
  });

  it('are looked through: what is planted is found', () => {
    const gateway = read('gateway.yaml');
    const { traces, ...others } = gateway.service.pipelines;
    assert.ok(traces !== undefined);
    const planted: CollectorConfig = {
      ...gateway,
      exporters: { ...gateway.exporters, 'otlp/tempo': { endpoint: 'tempo:4317', timeut: '5s' } },
      service: {
        ...gateway.service,
        pipelines: { ...others, traces: { ...traces, processors: ['tail_sampling', 'bach'] } },
      },
    };
    assert.deepEqual(problemsOf(planted), [
      'exporters: otlp/tempo has no setting timeut',
      'processors: there is no bach',
      'otlp/tempo: its queue has no bound',
      'otlp/tempo: it tries for ever',
      'otlp/tempo: it waits for ever',
      'traces: memory_limiter is not first',
      'traces: redaction is not second',
      'traces: batch is not last',
    ]);
  });

  it('are looked through as far as the steps by which a line is read', () => {
    const logs = read('logs.yaml');
    const operators = [{ type: 'json_parser', severity: { if: 'true' } }, { type: 'sevrity_parser' }];
    const planted = { ...logs, receivers: { filelog: { ...logs.receivers.filelog, operators } } };
    assert.deepEqual(problemsOf(planted), [
      'filelog: json_parser has no setting severity',
      'filelog: nothing is known of sevrity_parser',
    ]);
  });

  it('mask secrets and addresses, and nothing that is needed', () => {
    const jwt = `eyJhbGciOiJFUzI1NiJ9.${Buffer.from('{"sub":"1"}').toString('base64url')}.c2lnbmF0dXJl`;
    for (const name of ['gateway.yaml', 'logs.yaml']) {
      const redaction = redactionOf(name);
      for (const [key, value] of [
        ['http.request.header.authorization', 'x'],
        ['user.password', 'correct horse'],
        ['refreshToken', 'x'],
        ['set-cookie', 'x'],
        ['x-api-key', 'x'],
        ['msg', `refused ${jwt}`],
        ['msg', 'mail to ada@example.com'],
        ['msg', 'Bearer 0123456789abcdef'],
        ['msg', `key oxo_${'0a'.repeat(16)}_${'x-_9'.repeat(17)}`],
      ] as const) {
        assert.ok(isMasked(redaction, key, value), `${name}: ${key}=${value}`);
      }
      for (const [key, value] of [
        ['rpc.method', 'oxo.post.v1.PostService/CreatePost'],
        ['trace_id', '4bf92f3577b34da6a3ce929d0e0e4736'],
        ['messaging.message.id', '0198c0de-0000-7000-8000-000000000000'],
        ['http.response.status_code', '201'],
        ['msg', 'listening on 50051'],
        ['msg', 'no metric oxo_consumer_last_fetch_timestamp_seconds'],
      ] as const) {
        assert.ok(!isMasked(redaction, key, value), `${name}: ${key}=${value}`);
      }
    }
    // Only of spans: logs of a service have no address of a client at all.
    assert.ok(isMasked(redactionOf('gateway.yaml'), 'client.address', '203.0.113.7'));
  });

  it('are taken by pods that may use no more memory than they count on', () => {
    for (const [name, kind] of [
      ['gateway.resources.yaml', 'Deployment'],
      ['logs.resources.yaml', 'DaemonSet'],
    ] as const) {
      const text = readFileSync(join(import.meta.dirname, name), 'utf8');
      const all = parseAllDocuments(text).map((document) => document.toJS());
      const { containers } = all.find((resource) => resource.kind === kind).spec.template.spec;
      const [{ env, resources }] = containers;
      const mebibytes = (size: string): number => Number.parseInt(size, 10) * (size.endsWith('Gi') ? 1024 : 1);
      const limit = mebibytes(resources.limits.memory);
      const goal = mebibytes(env.find((one: { name: string }) => one.name === 'GOMEMLIMIT').value);
      assert.ok(goal < limit * 0.8 + 1 && goal > limit / 2, name);
    }
  });
});
