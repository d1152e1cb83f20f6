import { observerNames } from '../observability/programs.ts';
import { readTargets } from '../observability/prometheus-client.ts';
import type { StackState } from '../supervisor/state.ts';
import { fail, type Judgement, ok, type Probe, warn } from './examination.ts';

const again = './oxo down && ./oxo up --observability tries again';

/** Whether all that is to look at a stack does, and all that is to be asked answers. */
export function observabilityProbe(prometheusUrl: string, { processes, steps }: StackState): Probe {
  const look = async (): Promise<Judgement[]> => {
    const off = ['telemetry', ...observerNames].filter((name) => !processes.some((record) => record.name === name));
    // Servers of one's own have no exporter here, and no step either.
    const reasons = off.flatMap((name) => steps.find((step) => step.name === name && step.note !== undefined) ?? []);
    const missing = reasons.map(({ name, note = '' }) => warn(note, again, name));
    if (off.includes('prometheus')) return missing;
    const targets = await readTargets(prometheusUrl);
    const down = targets.filter(({ health }) => health === 'down');
    const silent = down.map(({ labels, lastError }) =>
      fail(`${labels.instance} gives no metrics: ${lastError}`, `./oxo logs ${labels.instance}`, labels.job ?? ''),
    );
    return [...missing, ...(silent.length === 0 ? [ok(`${targets.length} targets give metrics`)] : silent)];
  };
  return { area: 'observability', name: 'Prometheus', look, next: './oxo logs prometheus' };
}
