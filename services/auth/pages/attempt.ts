import type { RegistrationSource } from '../accounts/registration.ts';
import { readDeviceCookie, setDeviceCookie } from '../attempts/device-cookie.ts';
import type { HttpExchange } from '../http/server.ts';
import { callOfVisit, type Visit } from './visit.ts';

/**
 * Does what is costly for whoever has sent the form, and stops it when they go away. The device of whom it signs in is known from then on.
 */
export async function attempt<Result extends { deviceToken: string }>(
  exchange: HttpExchange,
  visit: Visit,
  issuer: string,
  work: (source: RegistrationSource) => Promise<Result>,
): Promise<Result> {
  const { device, request, response } = exchange;
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once('close', leave);
  try {
    const context = { ...callOfVisit(exchange, visit), signal: gone.signal };
    const result = await work({ device, deviceToken: readDeviceCookie(request, issuer), context, signal: gone.signal });
    if (result.deviceToken !== '') setDeviceCookie(response, issuer, result.deviceToken);
    return result;
  } finally {
    response.off('close', leave);
  }
}
