import { MINUTE_MS } from '#kit/clock.ts';

/** Who changes how one may come in has signed in no longer ago: at our pages, and by the RPCs with `max_sign_in_age_seconds`. */
export const RECENT_SIGN_IN_MS = 15 * MINUTE_MS;
