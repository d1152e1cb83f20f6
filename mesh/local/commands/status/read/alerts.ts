import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fetchPrometheus } from '../../../observability/prometheus-client.ts';
import { repositoryRoot } from '../../../settings.ts';

/** An alert of Prometheus that fires. */
export type Alert = {
  readonly name: string;
  /** page or ticket. */
  readonly severity: string;
  readonly summary: string;
  readonly description: string;
  /** Path from the root of the repository. */
  readonly runbook: string | undefined;
  /** The first command of its runbook but `./oxo status`; undefined when there is none. */
  readonly firstCommand: string | undefined;
  /** ISO 8601. */
  readonly since: string;
};

const texts = z.record(z.string(), z.string()).default({});
const answerSchema = z.object({
  data: z.object({
    alerts: z.array(z.object({ labels: texts, annotations: texts, state: z.string(), activeAt: z.string() })),
  }),
});

/** Rejects when Prometheus is away. @param url without a slash at the end */
export async function readAlerts(url: string, timeoutMs: number): Promise<Alert[]> {
  const response = await fetchPrometheus(url, '/api/v1/alerts', { signal: AbortSignal.timeout(timeoutMs) });
  return parseAlerts(await response.json());
}

/** @param answer of /api/v1/alerts */
export function parseAlerts(answer: unknown): Alert[] {
  const { alerts } = answerSchema.parse(answer).data;
  return alerts
    .filter(({ state }) => state === 'firing')
    .map(({ labels, annotations, activeAt }) => ({
      name: labels.alertname ?? 'unnamed',
      severity: labels.severity ?? 'ticket',
      summary: annotations.summary ?? '',
      description: annotations.description ?? '',
      runbook: annotations.runbook,
      firstCommand: firstCommandOf(annotations.runbook),
      since: activeAt,
    }));
}

/** @param runbook path from the root of the repository; whatever else an annotation says is not read */
function firstCommandOf(runbook = ''): string | undefined {
  if (!/^mesh\/[a-z]+\/runbooks\/[a-z-]+\.md$/.test(runbook)) return undefined;
  try {
    const lines = readFileSync(join(repositoryRoot, runbook), 'utf8').split('\n');
    const found = lines.find((line) => line.startsWith('./oxo ') && !line.startsWith('./oxo status'));
    return found?.split(' #')[0]?.trim();
  } catch {
    return undefined;
  }
}
