import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSpan, type Span } from './span.ts';

/** One file of spans, a line each; what came in it is forgotten with it. */
export type Segment = { readonly path: string; readonly sinceMs: number; bytes: number; readonly spans: Span[] };

/** Told what can't be done, in words, and why. */
export type OnProblem = (what: string, error: unknown) => void;

const namePattern = /^\d{1,15}\.jsonl$/;

/** An empty one that begins now, later than `last`. */
export function newSegment(folder: string, nowMs: number, last: Segment | undefined): Segment {
  const sinceMs = Math.max(nowMs, (last?.sinceMs ?? 0) + 1);
  return { path: join(folder, `${sinceMs}.jsonl`), sinceMs, bytes: 0, spans: [] };
}

/** Those of a folder, which is made when it is not there; the oldest first. What can't be read is passed over, and told of. */
export function readSegments(folder: string, onProblem: OnProblem): Segment[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = readdirSync(folder).filter((name) => namePattern.test(name));
  return names
    .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
    .flatMap((name) => {
      try {
        return [readSegment(join(folder, name), Number.parseInt(name, 10))];
      } catch (error) {
        onProblem(`${join(folder, name)} can not be read, and is passed over`, error);
        return [];
      }
    });
}

/** Adds lines to its end. What can't be written is told of, and kept until the process ends. */
export function append(segment: Segment, text: string, onProblem: OnProblem): void {
  if (text === '') return;
  try {
    appendFileSync(segment.path, text, { mode: 0o600 });
  } catch (error) {
    onProblem('traces are kept in memory alone, their file can not be written', error);
  }
}

export function removeFile({ path }: Segment, onProblem: OnProblem): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    onProblem(`${path} can not be removed`, error);
  }
}

function readSegment(path: string, sinceMs: number): Segment {
  const text = readFileSync(path, 'utf8');
  return { path, sinceMs, bytes: Buffer.byteLength(text), spans: text.split('\n').flatMap(readLine) };
}

/** A line that a kill has cut off is none, nor is what somebody else has written. */
function readLine(line: string): Span[] {
  if (line === '') return [];
  try {
    const value: unknown = JSON.parse(line);
    return isSpan(value) ? [value] : [];
  } catch {
    return [];
  }
}
