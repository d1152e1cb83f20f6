import { createSocket } from 'node:dgram';

const dnsPort = 53;
const headerBytes = 12;
/** An answer; recursion was asked for and is there; NXDOMAIN. */
const flags = 0x8183;

/**
 * A name server that knows no name, and says so at once: sidecars know those of Services by themselves and ask it for all others. Without
 * one, a sidecar that leads to a host outside would wait for a minute before it serves.
 */
export async function startNameServer(host: string): Promise<{ stop: () => void }> {
  const socket = createSocket('udp4', (question, { address, port }) => {
    const answer = answerTo(question);
    if (answer !== undefined) socket.send(answer, port, address);
  });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.bind(dnsPort, host, resolve));
  return { stop: () => socket.close() };
}

/** The question again, and that there is no such name. @returns undefined for what is no question */
export function answerTo(question: Buffer): Buffer | undefined {
  const isQuestion =
    question.length > headerBytes && ((question[2] ?? 0) & 0x80) === 0 && question.readUInt16BE(4) === 1;
  if (!isQuestion) return undefined;
  // Its name ends with an empty label; type and class follow.
  const end = question.indexOf(0, headerBytes) + 5;
  if (end < headerBytes + 5 || end > question.length) return undefined;
  const answer = Buffer.from(question.subarray(0, end));
  answer.writeUInt16BE(flags, 2);
  answer.writeUInt16BE(1, 4);
  for (const offset of [6, 8, 10]) answer.writeUInt16BE(0, offset);
  return answer;
}
