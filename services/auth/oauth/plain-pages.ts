import { type DeviceProblem, escapeHtml, type Form, type OAuthPages } from './pages.ts';

const PROBLEMS: Record<DeviceProblem, string> = {
  WRONG_CODE: 'There is no such code, or it was used, or it is too old. Try again.',
  ABORTED: 'The sign-in on the device was stopped.',
  FAILED: 'That did not work. Try again.',
};

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title></head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`;
}

function form({ action, xsrf }: Form, fields: string): string {
  return `<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="xsrf" value="${escapeHtml(xsrf)}">
${fields}
</form>`;
}

const hidden = (name: string, value: string) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;

/** The pages of the provider in their plainest form: correct, and nothing more. */
export const plainPages: OAuthPages = {
  failed: ({ error, description }) =>
    page('This did not work', `<p>${escapeHtml(description)}</p>\n<p><code>${escapeHtml(error)}</code></p>`),
  deviceCode: ({ userCode, problem, ...rest }) =>
    page(
      'Connect a device',
      `${problem === undefined ? '' : `<p role="alert">${PROBLEMS[problem]}</p>\n`}${form(
        rest,
        `<label>The code that the device shows: <input name="user_code" value="${escapeHtml(userCode)}" required autocomplete="off" autocapitalize="characters" maxlength="32"></label>
<button type="submit">Go on</button>`,
      )}`,
    ),
  deviceConfirm: ({ userCode, clientName, ...rest }) =>
    page(
      'Is this your device?',
      `<p><strong>${escapeHtml(clientName)}</strong> shows the code <strong>${escapeHtml(userCode)}</strong>. Go on only when you see this code on a device of yours.</p>
${form(
  rest,
  `${hidden('user_code', userCode)}
${hidden('confirm', 'yes')}
<button type="submit">Yes, it is mine</button>
<button type="submit" name="abort" value="yes">No, stop</button>`,
)}`,
    ),
  deviceDone: ({ clientName }) =>
    page('The device is connected', `<p>Go on with <strong>${escapeHtml(clientName)}</strong> on your device.</p>`),
  signOut: ({ clientName, ...rest }) =>
    page(
      'Sign out?',
      `${clientName === undefined ? '' : `<p><strong>${escapeHtml(clientName)}</strong> asks you to sign out.</p>\n`}${form(
        rest,
        `<button type="submit" name="logout" value="yes">Sign out</button>
<button type="submit">Stay signed in</button>`,
      )}`,
    ),
  signedOut: () => page('You are signed out', '<p>You can close this page.</p>'),
};
