import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '#kit/observability/logger.ts';
import { CliError } from '../cli/cli-error.ts';
import { lineInWords, linesInWords } from './log-words.ts';

test('a line of the log is told as what it says, with why and what to do', () => {
  const lines: string[] = [];
  const logger = createLogger({ service: 'supervisor', destination: { write: (line) => void lines.push(line) } });
  const error = new CliError('port 8080 is in use', { advice: ['OXO_PORT_BASE takes others'] });
  logger.info('up 20261123-initial');
  logger.fatal({ err: error, advice: error.advice }, 'the supervisor ended');
  assert.deepEqual(linesInWords(lines.join('')), [
    'up 20261123-initial',
    'the supervisor ended: port 8080 is in use',
    'OXO_PORT_BASE takes others',
  ]);
});

test('what is no line of ours stays as it is', () => {
  for (const line of ['', 'Error: no such file', '{"msg":"cut of', '{"level":"info"}', '{"msg":1}', 'null'])
    assert.equal(lineInWords(line), line);
});
