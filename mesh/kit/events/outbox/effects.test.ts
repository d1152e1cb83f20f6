import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEffects, effect } from '#kit/events/outbox/effects.ts';
import { makeEvent, quiet, sessionRevoked, testEvent } from '#kit/testing/bus.ts';

test('an event gets the effect of its definition, with its payload and its version', async () => {
  const repeated: string[] = [];
  const effects = createEffects(
    [
      effect(testEvent, async ({ sessionId }, { version }) => void repeated.push(`created ${sessionId} ${version}`)),
      effect(sessionRevoked, async ({ sessionId }) => void repeated.push(`revoked ${sessionId}`)),
    ],
    quiet,
  );
  await effects.repeat(makeEvent('a', testEvent.subject, 7));
  await effects.repeat(makeEvent('b', sessionRevoked.subject));
  await effects.repeat(makeEvent('c', 'post.updated'));
  assert.deepEqual(repeated, ['created a 7', 'revoked b']);
});

test('two effects for one subject are refused: one would silently replace the other', () => {
  const nothing = effect(testEvent, async () => undefined);
  assert.throws(() => createEffects([nothing, nothing], quiet), /two effects have the same subject/);
});
