import type { RegistrationSource } from '../accounts/registration.ts';
import { readDeviceCookie, setDeviceCookie } from '../attempts/device-cookie.ts';
import { cookieName } from '../http/cookies.ts';
import { LANGUAGE_COOKIE, languageOf } from '../http/language-of.ts';
import type { HttpExchange } from '../http/server.ts';

/**
 * Does what is costly for whoever has sent the form, and stops it when they go away. The device of whom it signs in is known from then on.
 */
export async function attempt<Result extends { deviceToken: string }>(
  { device, requestId, request, response }: HttpExchange,
  issuer: string,
  work: (source: RegistrationSource) => Promise<Result>,
): Promise<Result> {
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once('close', leave);
  try {
    const language = languageOf(request.headers, cookieName(issuer, LANGUAGE_COOKIE));
    const context = { requestId, device, language, signal: gone.signal };
    const result = await work({ device, deviceToken: readDeviceCookie(request, issuer), context, signal: gone.signal });
    if (result.deviceToken !== '') setDeviceCookie(response, issuer, result.deviceToken);
    return result;
  } finally {
    response.off('close', leave);
  }
}
