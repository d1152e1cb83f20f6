import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo } from './dns.ts';

const name = Buffer.from('\x04smtp\x03oxo\x07example\0', 'latin1');
const question = Buffer.concat([
  Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
  name,
  Buffer.from([0, 1, 0, 1]),
]);

test('a name is not there, at once', () => {
  const answer =
    answerTo(Buffer.concat([question, Buffer.from([0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0])])) ?? Buffer.alloc(0);
  assert.equal(answer.readUInt16BE(0), 0x1234);
  assert.equal(answer.readUInt16BE(2) & 0x800f, 0x8003, 'an answer, NXDOMAIN');
  assert.deepEqual(
    [4, 6, 8, 10].map((offset) => answer.readUInt16BE(offset)),
    [1, 0, 0, 0],
  );
  assert.deepEqual(answer.subarray(12), question.subarray(12));
});

test('what is no question gets no answer', () => {
  const answered = Buffer.from(question);
  answered.writeUInt8(0x81, 2);
  for (const wrong of [Buffer.alloc(0), Buffer.alloc(12), answered, question.subarray(0, 20), question.subarray(0, -3)])
    assert.equal(answerTo(wrong), undefined);
});
