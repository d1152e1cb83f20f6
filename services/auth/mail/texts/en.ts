import type { MailFacts, MailTexts, MfaChange, Part } from './texts.ts';

const MFA: Readonly<Record<MfaChange, string>> = {
  TOTP_ADDED: 'An authenticator app was added to your account. From now on it asks for a code when you sign in.',
  TOTP_REMOVED: 'The authenticator app was removed from your account. It no longer asks for a code when you sign in.',
  RECOVERY_CODES_RENEWED: 'Your recovery codes were replaced. The former ones no longer work.',
  RECOVERY_CODE_USED: 'Somebody signed in to your account with one of your recovery codes. That code no longer works.',
  PASSKEY_ADDED: 'A passkey was added to your account. Whoever has it can sign in.',
  PASSKEY_REMOVED: 'A passkey was removed from your account. It can no longer be used to sign in.',
};

function where({ at, network, device }: MailFacts): Part {
  const facts: [string, string][] = [
    ['When', at],
    ['Device', device],
    ['Network', network],
  ];
  return { facts: facts.filter(([, value]) => value !== '') };
}

/** What a change of the password leaves as it is. */
function kept({ params, account }: MailFacts): Part[] {
  const { passkeys, apiKeys, apps, emailKept } = params;
  const counts = [
    passkeys && `passkeys: ${passkeys}`,
    apiKeys && `API keys: ${apiKeys}`,
    apps && `connected apps: ${apps}`,
  ].filter(Boolean);
  return [
    ...(emailKept ? ['The change of your email address that waited for its confirmation was given up.'] : []),
    ...(counts.length === 0
      ? []
      : [
          `These still work as before: ${counts.join(', ')}. If you do not know one of them, remove it in your account.`,
          { link: account, label: 'Open your account' },
        ]),
  ];
}

const notMe = (link: string): Part[] => [
  'If that was you, there is nothing to do. If it was not, choose a new password at once: that signs out every device.',
  { link, label: 'Choose a new password' },
];

/** Mails in English. */
export const en: MailTexts = {
  greeting: (handle) => (handle === '' ? 'Hello,' : `Hello @${handle},`),
  footer: 'You get this message because of your account at OXO. Replies to it are not read.',
  kinds: {
    VERIFY_EMAIL: ({ link }) => ({
      subject: 'Confirm your email address',
      parts: [
        'Please confirm that this email address is yours. Then you can sign in with it, and get back into your account if you forget your password.',
        { link, label: 'Confirm email address' },
        'The link works for three days. If you have not given this address at OXO, ignore this message: without your confirmation nothing happens.',
      ],
    }),
    EMAIL_IN_USE: ({ link }) => ({
      subject: 'You already have an account',
      parts: [
        'Somebody, perhaps you, has just given this email address for another account at OXO. It belongs to your account already, so nothing was changed.',
        'If it was you, sign in with this address. If you have forgotten your password, you can choose a new one there.',
        { link, label: 'Sign in' },
        'If it was not you, ignore this message. Nobody was told that you have an account.',
      ],
    }),
    RESET_PASSWORD: ({ link }) => ({
      subject: 'Choose a new password',
      parts: [
        'Somebody, hopefully you, has asked for a new password for your account.',
        { link, label: 'Choose a new password' },
        'The link works for one hour and only once. It signs out every device.',
        'If it was not you, ignore this message: your password stays as it is.',
      ],
    }),
    PASSWORD_CHANGED: (facts) => ({
      subject: 'Your password was changed',
      parts: [
        'The password of your account was changed, and all other devices were signed out.',
        where(facts),
        ...kept(facts),
        ...notMe(facts.link),
      ],
    }),
    EMAIL_CHANGE_ASKED: (facts) => ({
      subject: 'Somebody asked to change your email address',
      parts: [
        'Somebody who is signed in to your account, hopefully you, has asked for another email address for it. Nothing is changed yet: it counts once it is confirmed from there.',
        where(facts),
        'If that was you, there is nothing to do. If it was not, keep this address, and then choose a new password.',
        { link: facts.link, label: 'Keep this address' },
      ],
    }),
    EMAIL_CHANGED: (facts) => ({
      subject: 'Your email address was changed',
      parts: [
        'Your account has another email address now. Messages no longer come to this one, and you can no longer sign in with it.',
        where(facts),
        'If that was you, there is nothing to do. If it was not, sign in with your handle, change the password, and put the address back.',
        { link: facts.link, label: 'Sign in' },
      ],
    }),
    NEW_DEVICE: (facts) => ({
      subject: 'New sign-in to your account',
      parts: [
        'Somebody has signed in to your account from a network that is new to it.',
        where(facts),
        ...notMe(facts.link),
      ],
    }),
    MFA_CHANGED: (facts) => ({
      subject: 'The way you sign in was changed',
      parts: [
        MFA[facts.params.change as MfaChange] ?? 'How you sign in to your account was changed.',
        where(facts),
        ...notMe(facts.link),
      ],
    }),
    NEW_APP: (facts) => ({
      subject: 'An app was connected to your account',
      parts: [
        `You have let an app use your account for the first time. It calls itself “${facts.params.app ?? ''}”.`,
        where(facts),
        'If you do not know it, disconnect it in your account, and choose a new password.',
        { link: facts.link, label: 'Open your account' },
      ],
    }),
    ACCOUNT_DELETED: (facts) => ({
      subject: 'Your account was deleted',
      parts: [
        'Your account at OXO was deleted. Nobody sees it or your posts any more, and all of it will be erased within 30 days.',
        where(facts),
        'This is the last message that you get. Thank you for having been here.',
      ],
    }),
  },
};
