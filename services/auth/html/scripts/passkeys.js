// Passkeys at our pages: the browser is asked for one, and what it gives is sent by the form that stands in the page. Without this script the
// form is not shown. Nothing is asked of anybody by it.

/** What the browser is asked by, and what with: the form says which. */
const ways = {
  get: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
  create: (options) =>
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
};
const canDo =
  'credentials' in navigator &&
  'PublicKeyCredential' in window &&
  'parseRequestOptionsFromJSON' in PublicKeyCredential &&
  'toJSON' in PublicKeyCredential.prototype;

async function send(form) {
  const failed = form.querySelector('[data-failed]');
  failed.hidden = true;
  try {
    const credential = await ways[form.dataset.passkey](JSON.parse(form.dataset.options));
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    // Goes past the listener below.
    form.submit();
  } catch {
    // The person did not want to, it took too long, or the device has none. Browsers say no more.
    failed.hidden = false;
  }
}

for (const form of canDo ? document.querySelectorAll('form[data-passkey]') : []) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send(form);
  });
  form.hidden = false;
}
for (const note of canDo ? document.querySelectorAll('[data-without-passkeys]') : []) note.hidden = true;
