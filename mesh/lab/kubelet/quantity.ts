const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

/**
 * A quantity as Kubernetes writes it, as a number: `250m` is 0.25, `64Mi` 67108864.
 * @throws Error when it is none
 */
export function numberOf(quantity: string | number): number {
  if (typeof quantity === 'number') return quantity;
  const [, number = '', unit = ''] = /^([+-]?[\d.]+(?:e[+-]?\d+)?)([a-zA-Z]*)$/.exec(quantity) ?? [];
  const factor = factors[unit];
  if (number === '' || factor === undefined) throw new Error(`"${quantity}" is no quantity`);
  return Number(number) * factor;
}
