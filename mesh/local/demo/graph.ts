import { readFileSync, statSync } from 'node:fs';
import { CliError, messageOf } from '../cli/cli-error.ts';
import type { Random } from '../client/random.ts';

/** People and who is friends with whom. People are numbered 0, 1, 2 … */
export type Graph = {
  /** What each person is called in the file. */
  readonly names: readonly string[];
  /** Each friendship once. */
  readonly friendships: readonly (readonly [number, number])[];
};

const maxFileBytes = 64 * 1024 * 1024;
const maxPeople = 50_000;

/**
 * Reads an edge list.
 * @throws CliError that names the file, and the line when one of them is wrong
 */
export function readGraph(path: string): Graph {
  let text: string;
  try {
    if (statSync(path).size > maxFileBytes) throw new CliError(`it is larger than ${maxFileBytes / 1024 ** 2} MiB`);
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new CliError(`the graph ${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
  return parseGraph(text, path);
}

/**
 * Reads one friendship a line: two whole numbers, separated by white space. Blank lines and lines that begin with # or %
 * are skipped; a friendship that is there twice, in whichever direction, counts once.
 * @param source named in errors
 * @throws CliError with the number of the first line that is wrong
 */
export function parseGraph(text: string, source: string): Graph {
  const numbers = new Map<string, number>();
  const friendships = new Map<string, readonly [number, number]>();
  const numberOf = (name: string): number => {
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  };
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('%')) continue;
    const words = trimmed.split(/\s+/);
    const problem = problemOf(words);
    if (problem !== undefined) throw wrongLine(source, index + 1, problem, trimmed);
    // Leading zeros do not make another person.
    const [one = 0, other = 0] = words.map((word) => numberOf(String(Number(word))));
    const key = one < other ? `${one} ${other}` : `${other} ${one}`;
    if (!friendships.has(key)) friendships.set(key, [one, other]);
    if (numbers.size > maxPeople) throw wrongLine(source, index + 1, `more than ${maxPeople} people`, trimmed);
  }
  if (friendships.size === 0) throw new CliError(`the graph ${source} holds no friendships`, { exitCode: 2 });
  return { names: [...numbers.keys()], friendships: [...friendships.values()] };
}

function problemOf(words: readonly string[]): string | undefined {
  if (words.length !== 2) return `two numbers expected, ${words.length} ${words.length === 1 ? 'word' : 'words'} found`;
  const wrong = words.find((word) => !/^\d{1,15}$/.test(word));
  if (wrong !== undefined) return `"${wrong.slice(0, 40)}" is not a whole number`;
  if (Number(words[0]) === Number(words[1])) return 'nobody is their own friend';
  return undefined;
}

function wrongLine(source: string, line: number, problem: string, text: string): CliError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new CliError(`${source}, line ${line}: ${problem}`, {
    exitCode: 2,
    advice: [`The line is: ${shown}`, 'A graph has one friendship a line: two numbers, as in "12 34".'],
  });
}

/** A made-up society: newcomers befriend people who have many friends already, so a few are known by very many. */
export function makeGraph(people: number, friendsOfNewcomer: number, random: Random): Graph {
  const friendships: (readonly [number, number])[] = [];
  // Everyone stands in it once a friendship, so that picking from it prefers the well known.
  const ends: number[] = [0];
  for (let newcomer = 1; newcomer < people; newcomer += 1) {
    const chosen = new Set<number>();
    const wanted = Math.min(newcomer, friendsOfNewcomer);
    while (chosen.size < wanted) chosen.add(random.next() < 0.1 ? random.below(newcomer) : random.pick(ends));
    for (const friend of chosen) {
      friendships.push([newcomer, friend]);
      ends.push(newcomer, friend);
    }
  }
  return { names: Array.from({ length: people }, (_, person) => String(person)), friendships };
}
