import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const SHA256_WITH_RSA = '06092a864886f70d01010b0500';
const COMMON_NAME = '0603550403';
const BASIC_CONSTRAINTS = '0603551d13';
const ALTERNATIVE_NAME = '0603551d11';
const YEAR_MS = 365 * 86_400_000;

/** A certificate of its own authority for 127.0.0.1 and localhost, and its key, in PEM. */
export function createCertificate(): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert: pem(selfSigned(publicKey, privateKey)), key };
}

/** RFC 5280, no more than a client needs. */
function selfSigned(publicKey: KeyObject, privateKey: KeyObject): Buffer {
  const name = der(0x30, der(0x31, der(0x30, hex(COMMON_NAME), der(0x0c, Buffer.from('oxo.test')))));
  const nowMs = Date.now();
  const validity = der(0x30, time(nowMs - YEAR_MS), time(nowMs + YEAR_MS));
  const isAuthority = der(0x30, hex(BASIC_CONSTRAINTS), der(0x04, der(0x30, hex('0101ff'))));
  const names = der(0x30, der(0x87, Buffer.of(127, 0, 0, 1)), der(0x82, Buffer.from('localhost')));
  const address = der(0x30, hex(ALTERNATIVE_NAME), der(0x04, names));
  const content = der(
    0x30,
    der(0xa0, hex('020102')),
    hex('020101'),
    der(0x30, hex(SHA256_WITH_RSA)),
    ...[name, validity, name],
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, isAuthority, address)),
  );
  const signature = der(0x03, Buffer.of(0), sign('sha256', content, privateKey));
  return der(0x30, content, der(0x30, hex(SHA256_WITH_RSA)), signature);
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(text.slice(2)));
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
