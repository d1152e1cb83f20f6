import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { type EdgeLimits, productionLimits, type Rate } from '../../gateway/envoy/render.ts';
import { allowanceSettings } from '../../services/auth/attempts/allowances.ts';
import { messageOf } from './cli/cli-error.ts';

/** The limits of a stack. */
export type Limits = {
  /** Of the front door. */
  readonly edge: EdgeLimits;
  /** Of auth, as its environment has them; its own defaults where there are none. */
  readonly auth: Readonly<Record<string, string>>;
};

const plenty: Rate = { calls: 1_000_000, per: 'second' };
const much: Rate = { calls: 1_000_000, per: 'minute' };
const ofCaller = { user: much, client: plenty, grant: much };

/**
 * One machine, one person: demo, bench and tests come from one address, and make thousands of people at once. All is counted as in
 * production, against limits that only a loop gone wild reaches.
 */
export const localLimits: Limits = {
  edge: {
    everyone: plenty,
    network: { calls: 10_000_000, per: 'minute' },
    reads: ofCaller,
    writes: {
      ...ofCaller,
      everyone: plenty,
      network: { calls: 10_000_000, per: 'minute' },
      // More than anybody of demo and bench writes.
      uncounted: { calls: 600, per: 'minute' },
    },
  },
  auth: Object.fromEntries(Object.keys(allowanceSettings).map((name) => [name, '1000000/1m'])),
};

const rate = z.string().transform((text, context): Rate => {
  const [, calls, per] = /^([1-9]\d{0,8})\/(second|minute|hour|day)$/.exec(text) ?? [];
  if (calls !== undefined) return { calls: Number(calls), per: per as Rate['per'] };
  context.addIssue({ code: 'custom', message: 'must be calls/unit, such as 600/minute (second, minute, hour or day)' });
  return z.NEVER;
});

/** Where Envoy counts, the next call must pass within a second, for that is what it tells. */
const bucket = rate.refine(({ calls, per }) => calls >= { second: 1, minute: 60, hour: 3_600, day: 86_400 }[per], {
  message: 'must be at least one a second',
});

const caller = <Field extends z.ZodType>(field: Field) => ({
  user: field.optional(),
  client: field.optional(),
  grant: field.optional(),
});

const fileSchema = z.strictObject({
  everyone: bucket.optional(),
  network: bucket.optional(),
  reads: z.strictObject(caller(bucket)).default({}),
  writes: z
    .strictObject({ ...caller(rate), everyone: rate.optional(), network: rate.optional(), uncounted: rate.optional() })
    .default({}),
  auth: z.strictObject(allowanceSettings).partial().default({}),
});

/**
 * What OXO_RATE_LIMITS says: `local`, `production`, or a YAML file that says what differs from production.
 * @param problems what is wrong is added to it
 */
export function readLimits(env: NodeJS.ProcessEnv, problems: string[]): Limits {
  const choice = env.OXO_RATE_LIMITS || 'local';
  if (choice === 'local') return localLimits;
  const production: Limits = { edge: productionLimits, auth: {} };
  if (choice === 'production') return production;
  try {
    const text = parse(readFileSync(choice, 'utf8')) ?? {};
    const { reads, writes, auth: _, ...rest } = fileSchema.parse(text);
    const edge = {
      ...productionLimits,
      ...rest,
      reads: { ...productionLimits.reads, ...reads },
      writes: { ...productionLimits.writes, ...writes },
    };
    return { edge: edge as EdgeLimits, auth: text.auth ?? {} };
  } catch (error) {
    problems.push(...describe(choice, error));
    return production;
  }
}

function describe(path: string, error: unknown): string[] {
  if (!(error instanceof z.ZodError)) {
    return [`OXO_RATE_LIMITS must be local, production or a file that can be read: ${messageOf(error)}`];
  }
  return error.issues.map((issue) => `OXO_RATE_LIMITS: ${path}: ${issue.path.join('.') || 'it'}: ${issue.message}`);
}
