import type { Disk } from '../../../machine/disk.ts';
import type { OutboxHealth } from '../../../stack/health.ts';
import type { LimitsHealth } from '../../../stack/limits-health.ts';
import type { StackUrls } from '../../../stack/plan.ts';
import type { StackState } from '../../../supervisor/state.ts';
import type { Alert } from './alerts.ts';
import type { EventsStatus } from './events.ts';
import type { KeysHealth } from './keys.ts';
import type { ProcessStatus } from './processes.ts';
import type { Rates } from './rates.ts';
import type { Sample } from './samples.ts';

/** What could not be asked, and why. */
export type Unread = { readonly error: string };

/** Everything that status looks at, of one time. What judges it looks at nothing else. */
export type Readings = {
  readonly nowMs: number;
  /** What its supervisor wrote last. */
  readonly stack: Pick<StackState, 'phase' | 'publicUrl' | 'version' | 'error' | 'startedAt' | 'own'>;
  readonly supervisor: { readonly pid: number; readonly state: 'running' | 'frozen' | 'dead' };
  readonly urls: StackUrls;
  readonly processes: readonly ProcessStatus[];
  /** Whether the front door answers a request; undefined where there is none. */
  readonly frontDoor: { readonly ms: number } | Unread | undefined;
  readonly outboxes: readonly OutboxHealth[] | Unread;
  readonly events: EventsStatus | Unread;
  readonly limits: LimitsHealth | Unread;
  /** Undefined where there is no auth. */
  readonly keys: KeysHealth | undefined | Unread;
  readonly disk: Disk & { readonly full: boolean };
  /** By process, as last read. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
  /** Undefined when nobody gave numbers twice. */
  readonly rates: Rates | undefined;
  /** Over five minutes; undefined where no Prometheus answers, or has numbers yet. */
  readonly longRates: Rates | undefined;
  /** Those that fire; undefined where no Prometheus runs. */
  readonly alerts: readonly Alert[] | undefined | Unread;
};

/** Narrows a reading to what could not be asked. */
export function isUnread(value: object | undefined): value is Unread {
  return value !== undefined && 'error' in value;
}
