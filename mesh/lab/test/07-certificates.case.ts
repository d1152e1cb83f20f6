/** The certificates by which pods know each other are renewed while people write and read. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { certificateOf } from '../status/certificates.ts';
import { deploymentPath, rolledOut } from './deployments.ts';
import { startLoad } from './load.ts';
import { api, ipOf, lab, podOf, until } from './pods.ts';

const service = 'post';
const config = 'proxy.istio.io/config';
const lifetime = '60s';

async function annotate(value: string | null): Promise<void> {
  const annotations = { [config]: value };
  await api.merge(deploymentPath(service), { spec: { template: { metadata: { annotations } } } });
  await rolledOut(service);
}

after(() => annotate(null));

test('a certificate is another one before it ends, and no request notices', async (context) => {
  await annotate(`proxyMetadata: {SECRET_TTL: ${lifetime}, ISTIO_META_DNS_CAPTURE: "true"}`);
  const namespace = lab.names.pod(ipOf(await podOf(service)));
  const load = await startLoad();
  try {
    await until('the load runs', 30_000, async () => load.answered() > 20);
    const first = await certificateOf(namespace);
    assert.ok(first);
    assert.deepEqual(first.uris, [`spiffe://cluster.local/ns/oxo-app/sa/${service}`]);
    const second = await until('the certificate is renewed', 120_000, async () => {
      const now = await certificateOf(namespace);
      return now !== undefined && now.serialNumber !== first.serialNumber ? now : undefined;
    });
    assert.ok(second.leftMs > 0);
    const before = load.answered();
    await until('the load runs on', 30_000, async () => load.answered() > before + 20);
  } finally {
    context.diagnostic(`${await load.stop()} requests`);
  }
});
