import { z } from 'zod';

/** The name of a value of an enum, as the table has it; undefined for 0, which is any. */
export const nameIn = (values: Record<string, number>) => {
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name]));
  return z.number().transform((value, context) => {
    if (value === 0) return undefined;
    const name = value < 0 ? undefined : names.get(value);
    if (name === undefined) context.addIssue({ code: 'custom', message: 'must be one of those of the contract' });
    return name;
  });
};
