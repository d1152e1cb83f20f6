import { z } from 'zod';

/** An alert of Prometheus that fires. */
export type Alert = {
  readonly name: string;
  /** page or ticket. */
  readonly severity: string;
  readonly summary: string;
  readonly description: string;
  /** Path from the root of the repository. */
  readonly runbook: string | undefined;
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
  const response = await fetch(`${url}/api/v1/alerts`, { signal: AbortSignal.timeout(timeoutMs) });
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
      since: activeAt,
    }));
}
