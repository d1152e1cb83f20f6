import type { MailFacts, MailTexts, MfaChange, Part } from './texts.ts';

const MFA: Readonly<Record<MfaChange, string>> = {
  TOTP_ADDED: 'Một ứng dụng xác thực vừa được thêm vào tài khoản của bạn. Từ nay bạn cần nhập mã khi đăng nhập.',
  TOTP_REMOVED: 'Ứng dụng xác thực vừa được gỡ khỏi tài khoản của bạn. Từ nay bạn không cần nhập mã khi đăng nhập.',
  RECOVERY_CODES_RENEWED: 'Các mã khôi phục của bạn vừa được thay mới. Các mã cũ không còn dùng được.',
  RECOVERY_CODE_USED: 'Có người vừa đăng nhập vào tài khoản của bạn bằng một mã khôi phục. Mã đó không còn dùng được.',
  PASSKEY_ADDED: 'Một khóa truy cập (passkey) vừa được thêm vào tài khoản của bạn. Ai có khóa này đều đăng nhập được.',
  PASSKEY_REMOVED:
    'Một khóa truy cập (passkey) vừa được gỡ khỏi tài khoản của bạn và không còn dùng để đăng nhập được.',
};

function where({ at, network, device }: MailFacts): Part {
  const facts: [string, string][] = [
    ['Thời gian', at],
    ['Thiết bị', device],
    ['Mạng', network],
  ];
  return { facts: facts.filter(([, value]) => value !== '') };
}

/** What a change of the password leaves as it is. */
function kept({ params, account }: MailFacts): Part[] {
  const { passkeys, apiKeys, apps, emailKept } = params;
  const counts = [
    passkeys && `khóa truy cập: ${passkeys}`,
    apiKeys && `khóa API: ${apiKeys}`,
    apps && `ứng dụng đã kết nối: ${apps}`,
  ].filter(Boolean);
  return [
    ...(emailKept ? ['Yêu cầu đổi địa chỉ email đang chờ xác nhận đã bị hủy.'] : []),
    ...(counts.length === 0
      ? []
      : [
          `Những mục sau vẫn dùng được như trước: ${counts.join(', ')}. Nếu có mục nào bạn không biết, hãy gỡ mục đó trong trang tài khoản.`,
          { link: account, label: 'Mở trang tài khoản' },
        ]),
  ];
}

const notMe = (link: string): Part[] => [
  'Nếu đó là bạn, bạn không cần làm gì. Nếu không phải bạn, hãy đặt mật khẩu mới ngay: mọi thiết bị sẽ bị đăng xuất.',
  { link, label: 'Đặt mật khẩu mới' },
];

/** Mails in Vietnamese. */
export const vi: MailTexts = {
  greeting: (handle) => (handle === '' ? 'Xin chào,' : `Xin chào @${handle},`),
  footer: 'Bạn nhận được thư này vì bạn có tài khoản tại OXO. Vui lòng không trả lời thư này.',
  kinds: {
    VERIFY_EMAIL: ({ link }) => ({
      subject: 'Xác nhận địa chỉ email của bạn',
      parts: [
        'Vui lòng xác nhận địa chỉ email này là của bạn. Sau đó bạn có thể đăng nhập bằng địa chỉ này và lấy lại tài khoản khi quên mật khẩu.',
        { link, label: 'Xác nhận địa chỉ email' },
        'Liên kết có hiệu lực trong ba ngày. Nếu bạn không đăng ký địa chỉ này tại OXO, hãy bỏ qua thư này: sẽ không có gì xảy ra nếu bạn không xác nhận.',
      ],
    }),
    EMAIL_IN_USE: ({ link }) => ({
      subject: 'Bạn đã có tài khoản',
      parts: [
        'Có người, có thể là bạn, vừa dùng địa chỉ email này cho một tài khoản khác tại OXO. Địa chỉ này đã thuộc về tài khoản của bạn nên không có gì thay đổi.',
        'Nếu đó là bạn, hãy đăng nhập bằng địa chỉ này. Nếu quên mật khẩu, bạn có thể đặt mật khẩu mới tại đó.',
        { link, label: 'Đăng nhập' },
        'Nếu không phải bạn, hãy bỏ qua thư này. Không ai được biết rằng bạn có tài khoản.',
      ],
    }),
    RESET_PASSWORD: ({ link }) => ({
      subject: 'Đặt mật khẩu mới',
      parts: [
        'Có người, hy vọng là bạn, vừa yêu cầu đặt mật khẩu mới cho tài khoản của bạn.',
        { link, label: 'Đặt mật khẩu mới' },
        'Liên kết có hiệu lực trong một giờ và chỉ dùng được một lần. Mọi thiết bị sẽ bị đăng xuất.',
        'Nếu không phải bạn, hãy bỏ qua thư này: mật khẩu của bạn vẫn giữ nguyên.',
      ],
    }),
    PASSWORD_CHANGED: (facts) => ({
      subject: 'Mật khẩu của bạn đã được thay đổi',
      parts: [
        'Mật khẩu tài khoản của bạn vừa được thay đổi và mọi thiết bị khác đã bị đăng xuất.',
        where(facts),
        ...kept(facts),
        ...notMe(facts.link),
      ],
    }),
    EMAIL_CHANGE_ASKED: (facts) => ({
      subject: 'Có yêu cầu đổi địa chỉ email của bạn',
      parts: [
        'Có người đã đăng nhập vào tài khoản của bạn, hy vọng là bạn, vừa yêu cầu đổi sang một địa chỉ email khác. Chưa có gì thay đổi: địa chỉ mới chỉ có hiệu lực khi được xác nhận từ hộp thư đó.',
        where(facts),
        'Nếu đó là bạn, bạn không cần làm gì. Nếu không phải bạn, hãy giữ địa chỉ này rồi đặt mật khẩu mới.',
        { link: facts.link, label: 'Giữ địa chỉ này' },
      ],
    }),
    EMAIL_CHANGED: (facts) => ({
      subject: 'Địa chỉ email của bạn đã được thay đổi',
      parts: [
        'Tài khoản của bạn hiện dùng một địa chỉ email khác. Thư sẽ không còn được gửi đến địa chỉ này và bạn không thể đăng nhập bằng địa chỉ này nữa.',
        where(facts),
        'Nếu đó là bạn, bạn không cần làm gì. Nếu không phải bạn, hãy đăng nhập bằng tên người dùng, đổi mật khẩu và đặt lại địa chỉ email.',
        { link: facts.link, label: 'Đăng nhập' },
      ],
    }),
    NEW_DEVICE: (facts) => ({
      subject: 'Tài khoản của bạn vừa được đăng nhập',
      parts: ['Có người vừa đăng nhập vào tài khoản của bạn từ một mạng mới.', where(facts), ...notMe(facts.link)],
    }),
    MFA_CHANGED: (facts) => ({
      subject: 'Cách đăng nhập của bạn đã được thay đổi',
      parts: [
        MFA[facts.params.change as MfaChange] ?? 'Cách đăng nhập vào tài khoản của bạn vừa được thay đổi.',
        where(facts),
        ...notMe(facts.link),
      ],
    }),
    NEW_APP: (facts) => ({
      subject: 'Một ứng dụng vừa được kết nối với tài khoản của bạn',
      parts: [
        `Bạn vừa cho phép một ứng dụng dùng tài khoản của mình lần đầu tiên. Ứng dụng tự giới thiệu là “${facts.params.app ?? ''}”.`,
        where(facts),
        'Nếu bạn không biết ứng dụng này, hãy ngắt kết nối trong trang tài khoản và đặt mật khẩu mới.',
        { link: facts.link, label: 'Mở trang tài khoản' },
      ],
    }),
    ACCOUNT_DELETED: (facts) => ({
      subject: 'Tài khoản của bạn đã bị xóa',
      parts: [
        'Tài khoản của bạn tại OXO đã bị xóa. Không ai còn thấy tài khoản và bài viết của bạn, và mọi dữ liệu sẽ được xóa hẳn trong vòng 30 ngày.',
        where(facts),
        'Đây là thư cuối cùng bạn nhận được. Cảm ơn bạn đã đồng hành cùng chúng tôi.',
      ],
    }),
  },
};
