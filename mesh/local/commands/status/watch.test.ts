import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, watch } from './watch.ts';

function screenOf(isTTY: boolean) {
  const written: string[] = [];
  return { written, screen: { isTTY, columns: 20, rows: 5, write: (text: string) => written.push(text) } };
}

test('on a terminal it is drawn in place, and left as it was, with the last block', async () => {
  const { written, screen } = screenOf(true);
  let looks = 0;
  const controller = new AbortController();
  const look = async (): Promise<string> => {
    looks += 1;
    if (looks === 3) controller.abort();
    return `look ${looks}`;
  };
  await watch({ screen, intervalMs: 1, look, signal: controller.signal, times: undefined });
  const [first, ...rest] = written;
  assert.equal(first, '\u001b[?1049h\u001b[?25l');
  assert.equal(rest[0], '\u001b[Hlook 1\u001b[K\n\u001b[J');
  assert(['look 2', 'look 3'].some((last) => rest.at(-1) === `\u001b[?25h\u001b[?1049l${last}\n`));
});

test('elsewhere each is a block, at most so many', async () => {
  const { written, screen } = screenOf(false);
  const look = async (): Promise<string> => 'block';
  await watch({ screen, intervalMs: 1, look, signal: new AbortController().signal, times: 3 });
  assert.deepEqual(written, ['block\n', 'block\n', 'block\n']);
});

test('an end while it waits ends it at once; a failure leaves the terminal as it was', async () => {
  const controller = new AbortController();
  const { screen } = screenOf(false);
  const waiting = watch({
    ...{ screen, intervalMs: 3_600_000, signal: controller.signal, times: undefined },
    look: async () => {
      setImmediate(() => controller.abort());
      return '';
    },
  });
  await waiting;
  const terminal = screenOf(true);
  const failing = watch({
    ...{ screen: terminal.screen, intervalMs: 1, signal: new AbortController().signal, times: undefined },
    look: () => Promise.reject(new Error('no')),
  });
  await assert.rejects(failing, /no/);
  assert.equal(terminal.written.at(-1), '\u001b[?25h\u001b[?1049l');
});

test('what does not fit on the terminal is said', () => {
  const text = frame(['1', '2', '3', '4', '5', 'x'.repeat(30)].join('\n'), { columns: 20, rows: 5 });
  assert(text.startsWith('\u001b[H1\u001b[K\n2\u001b[K\n3\u001b[K\n… 3 more lines'), text);
  assert(!frame('x'.repeat(30), { columns: 20, rows: 5 }).includes('x'.repeat(20)));
});
