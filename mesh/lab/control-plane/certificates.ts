import { mkdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../net/run.ts';

const days = '30';

/** A key and its certificate, as paths of PEM files. */
export type Credential = { readonly key: string; readonly certificate: string };

/** Who signs all certificates of one lab, but those that Istio gives to pods. */
export type Authority = Credential & {
  /**
   * @param name of the files
   * @param subject as openssl writes it: `/O=group/CN=user`
   * @param hosts names and addresses of a server; none: it is a client's
   */
  readonly issue: (name: string, subject: string, hosts?: readonly string[]) => Promise<Credential>;
};

/** Makes an authority of its own in a folder; nothing outside the lab believes it. */
export async function makeAuthority(folder: string): Promise<Authority> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ca = pathsOf(folder, 'ca');
  await makeKey(ca.key);
  const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
  await openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    ca.key,
    '-days',
    days,
    '-subj',
    '/CN=oxo-lab',
    '-out',
    ca.certificate,
    ...extensions.flatMap((text) => ['-addext', text]),
  );
  return { ...ca, issue: (name, subject, hosts = []) => issue(folder, ca, name, subject, hosts) };
}

/** A key that signs tokens of service accounts, and its public half. */
export async function makeSigningKey(folder: string): Promise<{ readonly key: string; readonly publicKey: string }> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [key, publicKey] = [join(folder, 'sa.key'), join(folder, 'sa.pub')];
  // Istio and the API server both take RSA whatever their version.
  await openssl('genrsa', '-out', key, '2048');
  await openssl('rsa', '-in', key, '-pubout', '-out', publicKey);
  return { key, publicKey };
}

/** A kubeconfig for whoever has this certificate. */
export function kubeconfigOf(server: string, ca: Credential, user: Credential): string {
  const base64 = (path: string): string => readFileSync(path).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': base64(ca.certificate) } }],
    users: [
      {
        name: 'lab',
        user: { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function pathsOf(folder: string, name: string): Credential {
  return { key: join(folder, `${name}.key`), certificate: join(folder, `${name}.crt`) };
}

async function issue(
  folder: string,
  ca: Credential,
  name: string,
  subject: string,
  hosts: readonly string[],
): Promise<Credential> {
  const { key, certificate } = pathsOf(folder, name);
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
  await makeKey(key);
  const alternatives = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
  await writeFile(
    extensions,
    [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      `extendedKeyUsage=${hosts.length > 0 ? 'serverAuth' : 'clientAuth'}`,
      ...(hosts.length > 0 ? [`subjectAltName=${alternatives}`] : []),
    ].join('\n'),
  );
  await openssl('req', '-new', '-key', key, '-subj', subject, '-out', request);
  const signing = ['-CA', ca.certificate, '-CAkey', ca.key, '-CAcreateserial', '-days', days];
  await openssl('x509', '-req', '-in', request, ...signing, '-extfile', extensions, '-out', certificate);
  await Promise.all([rm(request), rm(extensions)]);
  return { key, certificate };
}

async function makeKey(path: string): Promise<void> {
  await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path);
}

async function openssl(...args: string[]): Promise<void> {
  await runProgram('openssl', args);
}
