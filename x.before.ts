import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { startLoadProcess } from './mesh/bench/load/load-process.ts';
import { rawRequest } from './mesh/bench/load/raw-connection.ts';
const [stateDir = '', program = ''] = process.argv.slice(2);
const text = readFileSync(`${stateDir}/run/envoy.yaml`, 'utf8');
async function start(name: string, port: number, without: boolean) {
  const config = parse(text);
  const listener = config.static_resources.listeners[0];
  listener.address.socket_address.port_value = port;
  config.admin.address.socket_address.port_value = port + 1;
  const hcm = listener.filter_chains[0].filters[0].typed_config;
  const before = hcm.http_filters.length;
  if (without) hcm.http_filters = hcm.http_filters.filter((f: { name: string }) => f.name !== 'exchange');
  console.log(name, before, hcm.http_filters.length);
  mkdirSync('/tmp/wt/apikeys.d3', { recursive: true });
  const path = `/tmp/wt/apikeys.d3/${name}.yaml`;
  writeFileSync(path, stringify(config, { aliasDuplicateObjects: false, lineWidth: 0 }), { mode: 0o600 });
  const child = spawn(program, ['--config-path', path, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning'], { stdio: 'ignore' });
  for (let i = 0; i < 200; i++) { try { if ((await fetch(`http://127.0.0.1:${port + 1}/ready`)).ok) break; } catch {} await new Promise((r) => setTimeout(r, 100)); }
  const cpu = () => { const s = readFileSync(`/proc/${child.pid}/stat`, 'utf8'); const f = s.slice(s.lastIndexOf(')') + 2).split(' '); return (Number(f[11]) + Number(f[12])) * 10; };
  return { name, target: { host: '127.0.0.1', port }, cpu, stop: () => child.kill('SIGKILL') };
}
const base = 20800;
const envoys = [await start('without', base, true), await start('with', base + 10, false)];
const load = startLoadProcess();
try {
  const api = `http://127.0.0.1:${base + 10}/api/v1`;
  const tokens: string[] = [];
  for (let i = 0; i < 40; i++) {
    const handle = `q${Date.now().toString(36)}_${i}`;
    const r = await fetch(`${api}/auth/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ handle, email: `${handle}@a.example`, password: 'a walk in the rain 17', displayName: '' }) });
    const b = await r.json() as { tokens: { accessToken: string } };
    tokens.push(b.tokens.accessToken);
  }
  const run = (e: (typeof envoys)[number], seconds: number) => load.run({ target: e.target, connections: 16, requests: tokens.map((t) => rawRequest(e.target, 'GET', '/feed?pageSize=20', t)), expectedStatus: 200, seconds });
  for (const e of envoys) await run(e, 5);
  const per: Record<string, number[]> = { without: [], with: [] };
  for (let round = 0; round < 12; round++) {
    for (const e of round % 2 === 0 ? envoys : [...envoys].reverse()) {
      const before = e.cpu();
      const result = await run(e, 2.5);
      per[e.name]!.push((e.cpu() - before) / result.requests);
    }
  }
  const median = (v: number[]) => v.toSorted((a, b) => a - b)[Math.floor(v.length / 2)]!;
  const mean = (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length;
  console.log(JSON.stringify(per));
  console.log('median', median(per.without!), median(per.with!), 'mean', mean(per.without!), mean(per.with!), 'ratio', median(per.with!) / median(per.without!), mean(per.with!) / mean(per.without!));
} finally {
  load.stop();
  for (const e of envoys) e.stop();
}
process.exit(0);
