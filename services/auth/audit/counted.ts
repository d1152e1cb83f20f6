import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { type AuditEvent, type AuditedCall, actorOf, NOBODY, originOf, recordAudit } from './audit-log.ts';

/** So many kinds of entries a minute in one process, whoever and however many they are who make them; what is beyond shares one. */
const MAX_KINDS = 100;

/** What strangers can make happen as often as they like. */
export interface CountedAudit {
  /**
   * Adds the first of its kind to the log, without waiting for it, and counts what follows within the minute: the same action, outcome,
   * account and network.
   */
  add(event: AuditEvent, call: AuditedCall): void;
  /** Adds what was counted in minutes that are over. */
  flush(): Promise<void>;
}

interface Kind {
  event: AuditEvent;
  call: AuditedCall;
  minute: number;
  further: number;
}

/** A flood adds at most about 200 entries a minute. What was only counted is lost when the process dies: at most the end of a minute. */
export function createCountedAudit(options: { db: Database; clock: Clock; logger: Logger }): CountedAudit {
  const { db, clock, logger } = options;
  const warn = warnSeldom(logger);
  const kinds = new Map<string, Kind>();
  const minuteNow = () => Math.floor(clock.nowMs() / MINUTE_MS);

  /** @returns whether it is the first of its kind */
  function count(kind: Kind): boolean {
    const { event, call, minute } = kind;
    const key = [minute, event.action, event.outcome, event.accountId, originOf(call).network].join(' ');
    const known = kinds.get(key);
    if (known !== undefined) known.further += 1;
    else if (kinds.size < MAX_KINDS) kinds.set(key, kind);
    else countOther(kind);
    return kinds.get(key) === kind;
  }

  function countOther({ event: { action, outcome = 'SUCCEEDED' }, call: { requestId }, minute }: Kind): void {
    const key = `others ${action} ${outcome}`;
    const others = kinds.get(key) ?? {
      event: { action, outcome, actor: NOBODY, details: { of: 'others' } },
      ...{ call: { requestId }, minute, further: 0 },
    };
    others.further += 1;
    kinds.set(key, others);
  }

  return {
    add(event, call) {
      const kind = { ...kept(event, call), minute: minuteNow(), further: 0 };
      if (!count(kind)) return;
      recordAudit(db, kind.event, kind.call).catch((error: unknown) => {
        kind.further += 1;
        warn({ err: error, action: event.action }, 'the audit log could not be written');
      });
    },
    async flush() {
      const over = [...kinds].filter(([, { minute }]) => minute < minuteNow());
      await db.transaction(async (tx) => {
        for (const [, { event, call, further }] of over) {
          if (further === 0) continue;
          await recordAudit(tx, { ...event, details: { ...event.details, count: further } }, call);
        }
      });
      for (const [key] of over) kinds.delete(key);
    },
  };
}

/** Only what is written: a call must not be held for a minute. */
function kept(event: AuditEvent, call: AuditedCall): Pick<Kind, 'event' | 'call'> {
  const { network, userAgent } = originOf(call);
  return {
    event: { ...event, actor: event.actor ?? actorOf(call.caller) },
    call: { requestId: call.requestId, device: { ip: network, userAgent } },
  };
}
