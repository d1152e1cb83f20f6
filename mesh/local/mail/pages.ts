import type { CaughtMail, MailSummary } from './mailbox.ts';

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid #8884; vertical-align: top; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid #8888; border-radius: .25rem; }
iframe { width: 100%; height: 40rem; border: 1px solid #8888; border-radius: .25rem; background: #fff; }
form { margin: 1rem 0; }
input, button { font: inherit; padding: .25rem .5rem; }
`;

/** What our own pages may do: show our style and frame a mail. */
export const pagePolicy =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** What a mail may do, whoever has written it: show text and its own style. No script, no picture from elsewhere, no form, no page above it. */
export const mailPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox";

/** The list of mails. */
export function listPage(mails: readonly MailSummary[], recipient: string | undefined): string {
  const rows = mails.map(
    ({
      id,
      at,
      to,
      subject,
    }) => `<tr><td><time datetime="${escapeHtml(at)}">${escapeHtml(at.slice(0, 19).replace('T', ' '))}</time></td>
<td>${escapeHtml(to.join(', '))}</td><td><a href="/mails/${escapeHtml(id)}">${escapeHtml(subject || '(no subject)')}</a></td></tr>`,
  );
  const none = recipient === undefined ? 'No mail was sent yet.' : 'No mail was sent to this address.';
  return page(
    'Mails',
    `<p>What was sent by this stack. It went nowhere else.</p>
<form><label>To <input name="to" type="search" value="${escapeHtml(recipient ?? '')}"></label> <button>Show</button></form>
${mails.length === 0 ? `<p>${none}</p>` : `<table><thead><tr><th>Time (UTC)</th><th>To</th><th>Subject</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>`}`,
  );
}

/** One mail: its text, with links that can be followed, and its HTML in a frame that can do nothing. */
export function mailPage(mail: CaughtMail): string {
  const { id, at, from, to, subject, text, html } = mail;
  const facts = [
    ['From', from],
    ['To', to.join(', ')],
    ['Time', at],
    ['Message-ID', mail.messageId],
  ];
  return page(
    subject || '(no subject)',
    `<p><a href="/">All mails</a> · <a href="/mails/${escapeHtml(id)}/raw">as it was sent</a></p>
<table>${facts.map(([name = '', value = '']) => `<tr><th scope="row">${name}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>
${text === '' ? '' : `<h2>Text</h2><pre>${withLinks(text)}</pre>`}
${html === '' ? '' : `<h2>HTML</h2><iframe sandbox title="The HTML of this mail" src="/mails/${escapeHtml(id)}/html"></iframe>`}`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><h1>${escapeHtml(title)}</h1>
${body}
</body></html>
`;
}

/** Addresses of the web as links, which tell nobody where they stood. */
function withLinks(text: string): string {
  return text
    .split(/(https?:\/\/[^\s<>"']+)/)
    .map((part, index) =>
      index % 2 === 0
        ? escapeHtml(part)
        : `<a href="${escapeHtml(part)}" rel="noreferrer noopener">${escapeHtml(part)}</a>`,
    )
    .join('');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
