import { html, type Part } from '../../html/html.ts';
import { enAccount } from './en-account.ts';
import { enScopes } from './en-scopes.ts';

/** What the pages say in English; the other languages have the same texts (`texts.ts`). */
export const en = {
  scopes: enScopes,
  layout: {
    languages: 'Language',
    problemTitle: (title: string) => `Problem: ${title}`,
  },
  signIn: {
    title: 'Sign in',
    confirmTitle: 'Confirm that it is you',
    confirmAs: (handle: string) =>
      html`You are signed in as <strong>@${handle}</strong>. Enter your password to go on.`,
    confirm: 'Go on',
    forgot: 'Forgot your password?',
    newHere: 'New here?',
    signUp: 'Make an account',
    to: (app: string) => html`Sign in to go on to <strong>${app}</strong>.`,
    identifier: 'Handle or email address',
    password: 'Password',
    passkey: 'Sign in with a passkey',
    passkeyFailed: 'No passkey was used. Try again, or enter your password.',
    codeTitle: 'Enter your code',
    otp: 'Code',
    otpHint: 'The one that your authenticator app shows now, or one of your recovery codes.',
    startAgain: 'Start again',
    stepOver: 'This sign-in took too long, or was finished already. Start again.',
    submit: 'Sign in',
    cancel: 'Cancel',
  },
  signUp: {
    title: 'Make an account',
    to: (app: string) => html`Make an account to go on to <strong>${app}</strong>.`,
    handle: 'Handle',
    handleHint: 'How others find you: 3 to 30 letters from a to z, digits and _.',
    displayName: 'Name (optional)',
    displayNameHint: 'What others see beside your handle. You can change it at any time.',
    email: 'Email address',
    password: 'Password',
    passwordHint: 'At least 10 characters, and not easily guessed. Several words are a good choice.',
    submit: 'Make the account',
    known: 'Do you have an account?',
    signIn: 'Sign in',
  },
  account: enAccount,
  forgot: {
    title: 'Choose another password',
    about: 'Enter the address that you have confirmed. We mail you a link by which you choose another password.',
    submit: 'Mail the link',
    done: 'If this address is confirmed for an account, a mail is on its way to it. Look into your mailbox, also among unwanted mails.',
  },
  reset: {
    title: 'Choose another password',
    about: 'All devices, apps and API keys of your account are signed out then.',
    password: 'New password',
    submit: 'Change the password',
    done: 'Your password is changed, and all else is signed out.',
    signIn: 'Sign in',
  },
  verify: {
    title: 'Confirm your email address',
    about: 'Confirm it only if you have asked for it.',
    submit: 'Confirm the address',
    done: 'Your email address is confirmed. You can close this page.',
  },
  keepEmail: {
    title: 'Keep your email address',
    about: 'Give up the change of your email address that somebody has asked for. The address that you have stays.',
    submit: 'Keep the address',
    done: 'Your email address stays as it is. If you have not asked for another one, somebody else is signed in to your account:',
  },
  consent: {
    title: 'Allow access?',
    wants: (app: string, handle: string | undefined) =>
      html`<strong>${app}</strong> wants to use your account${handle !== undefined && html` <strong>@${handle}</strong>`}. Nobody has checked who is behind this app.`,
    device: 'It runs on the device that shows the code which you have entered.',
    leadsTo: (origin: string) => html`From here you go to <strong>${origin}</strong>.`,
    scopes: 'It asks to be allowed to do this. Untick what it shall not do:',
    allow: 'Allow',
    deny: 'Do not allow',
    links: { uri: 'About the app', policyUri: 'Its privacy policy', termsUri: 'Its terms' },
  },
  device: {
    title: 'Connect a device',
    code: 'The code that the device shows',
    submit: 'Go on',
    problems: {
      WRONG_CODE:
        'There is no such code, or it was used, or it is too old. Look at the device and try again, or start again on the device.',
      ABORTED: 'The sign-in on the device was stopped.',
      FAILED: 'That did not work. Start again on the device.',
    },
    confirmTitle: 'Is this your device?',
    shows: (app: string, code: string) => html`<strong>${app}</strong> shows the code <strong>${code}</strong>.`,
    warning:
      'Go on only if you have started this yourself and see this code on a device of yours. If somebody has sent you the code or a link with it, stop: that person would get into your account.',
    confirm: 'Yes, it is my device',
    abort: 'No, stop',
    doneTitle: 'The device is connected',
    done: (app: string) => html`Go on with <strong>${app}</strong> on your device. You can close this page.`,
  },
  signOut: {
    title: 'Sign out?',
    asks: (app: string) => html`<strong>${app}</strong> asks you to sign out.`,
    effect: 'Apps that you use in this browser have to ask you to sign in again.',
    confirm: 'Sign out',
    stay: 'Stay signed in',
    doneTitle: 'Done',
    done: (app: string | undefined): Part =>
      app === undefined
        ? 'You are signed out. You can close this page.'
        : html`You are signed out of <strong>${app}</strong>. You can close this page.`,
  },
  problems: {
    expiredTitle: 'Start again',
    expired:
      'This page is too old, was used already, or belongs to another browser. Go back to the app that you want to use, and start again there.',
    foreignTitle: 'That did not work',
    foreign:
      'What was sent did not come from the page that you see. Nothing has changed. Go back to the app, and start again there.',
    waitTitle: 'Wait a moment',
    wait: (seconds: number) =>
      seconds < 120 ? `Try again in ${secondsOf(seconds)}.` : `Try again in ${Math.ceil(seconds / 60)} minutes.`,
    away: 'Something that is needed for it is away.',
    tooMany: {
      CODES: 'Too many codes were tried from your network.',
      REQUESTS: 'Too much was asked from your network.',
    },
    missingTitle: 'There is no such page',
    missing: 'The address is wrong, or what it led to is not there any more.',
    failedTitle: 'Something went wrong',
    failed: 'That is our fault. Try again in a moment.',
    request: 'Request',
    clientTitle: 'This did not work',
    client: 'The app has asked for something that cannot be done. Go back to it, and try again.',
  },
  refusals: {
    VALIDATION_FAILED: 'Something is missing or not as it should be.',
    HANDLE_TAKEN: 'This handle belongs to someone. Choose another one.',
    HANDLE_RESERVED: 'Nobody can have this handle. Choose another one.',
    ETAG_MISMATCH: 'This was changed elsewhere meanwhile. Open the page again, and then change it.',
    API_KEY_LIMIT_REACHED:
      'You have as many keys, or secrets of this key, as there can be. End one that you do not need.',
    EMAIL_TOKEN_INVALID: 'This link is not valid any more. Ask for another one.',
    PASSWORD_RESET_INVALID: 'This link is too old or was used already. Ask for another one.',
    CREDENTIALS_INVALID:
      'No account has this handle and password. An email address works once it is confirmed; the handle works always.',
    OTP_INVALID: 'The code is wrong, too old, or was used already.',
    PASSKEY_INVALID: 'The passkey did not work, or it took too long. Try again.',
    PASSKEY_NOT_FOUND: 'There is no such passkey any more.',
    PASSKEY_LIMIT_REACHED: 'You have as many passkeys as there can be. Delete one that you do not need.',
    PASSKEYS_OFF: 'There are no passkeys here.',
    MFA_NOT_ENROLLED: 'That took too long, or two-step sign-in is off. Start again.',
    MFA_ALREADY_ENROLLED: 'Two-step sign-in is on already.',
    RATE_LIMITED: 'Too many attempts. Try again later.',
    UNAVAILABLE: 'Something that is needed for it is away, or too many people ask at once. Try again in a moment.',
  },
  fields: {
    identifier: 'Enter your handle or your email address.',
    password: 'Enter your password.',
    otp: 'Enter the code that your authenticator app shows, or a recovery code.',
    handle: 'Use 3 to 30 letters from a to z, digits and _.',
    email: 'Enter an email address, such as name@example.org.',
    displayName: 'Use at most 60 characters.',
    currentPassword: 'Enter the password that you have now.',
    bio: 'Use at most 500 characters.',
    links: 'Use at most 5 addresses that begin with https:// or http://, each of at most 300 characters.',
    location: 'Use at most 60 characters, without line breaks.',
    name: 'Say what it is for, in at most 60 characters.',
    scopes: 'Tick at least one.',
  },
  newPassword: {
    LENGTH: 'Use 10 to 256 characters.',
    COMMON: 'This is one of the most common passwords. Choose another one.',
    REPETITION: 'This repeats a few characters. Choose another one.',
    SEQUENCE: 'This is a sequence of neighbouring characters. Choose another one.',
    OWN_NAME: 'This is your handle or your email address. Choose another one.',
  },
};

function secondsOf(count: number): string {
  return count === 1 ? 'a second' : `${count} seconds`;
}
