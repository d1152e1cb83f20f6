import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Database, Queryable } from '#kit/db/database.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { type AuditEvent, type AuditedCall, actorOf, NOBODY, originOf, recordAudit } from './audit-log.ts';

/**
 * Of what strangers make happen, so many kinds a minute have entries of their own, for each action, outcome and account: one action that is a flood hides
 * no other, and what is tried on one account hides nothing of what is tried on another. What is beyond shares one entry.
 */
const MAX_KINDS = 20;
/** Of so many actions and accounts in a minute; what is tried on further accounts counts as if it said nothing of one. */
const MAX_GROUPS = 500;
/** Of what one person does again and again, so many a minute have an entry. */
const MAX_ENTRIES_OF_A_KIND = 10;
/** Of so many that is known, each some hundred bytes; who is beyond has all entries. */
const MAX_PEOPLES_KINDS = 10_000;

/** Entries of what can be repeated at will, with a budget for each minute in one process. */
export interface CountedAudit {
  /**
   * For what strangers can make happen as often as they like. Adds the first of its kind to the log, without waiting for it, and counts what
   * follows within the minute: the same action, outcome, account, client and network.
   */
  add(event: AuditEvent, call: AuditedCall): void;
  /**
   * For what somebody who is known can do as often as they like: as `recordAudit`, and what is more than ten of a kind in a minute is
   * only counted. Not for what gives a credential to others: that is always written.
   */
  record(tx: Queryable, event: AuditEvent, call: AuditedCall): Promise<void>;
  /** Adds what was counted in minutes that are over. */
  flush(): Promise<void>;
}

interface Kind {
  event: AuditEvent;
  call: AuditedCall;
  minute: number;
  /** Entries that were added. */
  written: number;
  further: number;
}

/** What was only counted is lost when the process dies: at most the end of a minute. */
export function createCountedAudit(options: { db: Database; clock: Clock; logger: Logger }): CountedAudit {
  const { db, clock, logger } = options;
  const warn = warnSeldom(logger);
  /** By action, outcome and account. */
  const ofStrangers = new Map<string, Map<string, Kind>>();
  const ofPeople = new Map<string, Kind>();
  const minuteNow = () => Math.floor(clock.nowMs() / MINUTE_MS);
  const newKind = (event: AuditEvent, call: AuditedCall): Kind => ({
    ...kept(event, call),
    ...{ minute: minuteNow(), written: 0, further: 0 },
  });

  /** @returns the one that it is counted in */
  function strangersKind(event: AuditEvent, call: AuditedCall): Kind {
    const one = newKind(event, call);
    const own = groupOf(event);
    const isKnown = ofStrangers.has(own) || ofStrangers.size < MAX_GROUPS;
    const group = isKnown ? own : groupOf({ ...event, accountId: undefined });
    const kinds = ofStrangers.get(group) ?? new Map<string, Kind>();
    ofStrangers.set(group, kinds);
    const key = kinds.size >= MAX_KINDS && !kinds.has(keyOf(one)) ? OTHERS : keyOf(one);
    const kind = kinds.get(key) ?? (key === OTHERS ? othersOf(one, isKnown ? event.accountId : undefined) : one);
    kinds.set(key, kind);
    return kind;
  }

  return {
    add(event, call) {
      const kind = strangersKind(event, call);
      if (kind.written > 0) {
        kind.further += 1;
        return;
      }
      kind.written = 1;
      recordAudit(db, kind.event, kind.call).catch((error: unknown) => {
        kind.further += 1;
        warn({ err: error, action: event.action }, 'the audit log could not be written');
      });
    },
    async record(tx, event, call) {
      const one = newKind(event, call);
      const key = keyOf(one);
      const kind = ofPeople.get(key) ?? one;
      if (ofPeople.size < MAX_PEOPLES_KINDS) ofPeople.set(key, kind);
      if (kind.written >= MAX_ENTRIES_OF_A_KIND) {
        kind.further += 1;
        return;
      }
      kind.written += 1;
      await recordAudit(tx, event, call);
    },
    async flush() {
      const over = [...ofStrangers.values(), ofPeople].flatMap((kinds) =>
        [...kinds].filter(([, { minute }]) => minute < minuteNow()).map(([key, kind]) => ({ kinds, key, kind })),
      );
      await db.transaction(async (tx) => {
        for (const { kind } of over) if (kind.further > 0) await recordAudit(tx, summaryOf(kind), kind.call);
      });
      for (const { kinds, key } of over) kinds.delete(key);
      for (const [group, kinds] of ofStrangers) if (kinds.size === 0) ofStrangers.delete(group);
    },
  };
}

/** Of how many entries it is told, and of whom; not of which session or key, nor what was done with it, since those differ. */
function summaryOf({ event, further }: Kind): AuditEvent {
  const { sessionId: _, keyId: __, details, ...rest } = event;
  return { ...rest, details: { ...(event.outcome === 'REFUSED' ? details : {}), count: further } };
}

/** Those that are beyond the kinds that have entries of their own. */
const OTHERS = 'others';

function othersOf({ event: { action, outcome }, call: { requestId }, ...rest }: Kind, accountId?: string): Kind {
  const event = { action, outcome, accountId, actor: NOBODY, details: { of: OTHERS } };
  return { ...rest, event, call: { requestId }, written: 1 };
}

function groupOf({ action, outcome, accountId }: AuditEvent): string {
  return [action, outcome, accountId ?? 'of nobody'].join(' ');
}

function keyOf({ event, call, minute }: Kind): string {
  const { action, outcome, accountId, clientId, details } = event;
  // Why something was refused is one of few words; what was done may have any.
  const why = outcome === 'REFUSED' ? details : undefined;
  return JSON.stringify([minute, action, outcome, accountId, clientId, why, originOf(call).network]);
}

/** Only what is written: a call must not be held for a minute. */
function kept(event: AuditEvent, call: AuditedCall): Pick<Kind, 'event' | 'call'> {
  const { network, userAgent } = originOf(call);
  return {
    event: { ...event, actor: event.actor ?? actorOf(call.caller) },
    call: { requestId: call.requestId, device: { ip: network, userAgent } },
  };
}
