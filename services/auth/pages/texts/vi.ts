import { html } from '../../html/html.ts';
import type { en } from './en.ts';
import { viAccount } from './vi-account.ts';
import { viScopes } from './vi-scopes.ts';

export const vi: typeof en = {
  scopes: viScopes,
  layout: {
    languages: 'Ngôn ngữ',
    problemTitle: (title) => `Lỗi: ${title}`,
  },
  signIn: {
    title: 'Đăng nhập',
    confirmTitle: 'Xác nhận đây là bạn',
    confirmAs: (handle) => html`Bạn đang đăng nhập với tên <strong>@${handle}</strong>. Hãy nhập mật khẩu để tiếp tục.`,
    confirm: 'Tiếp tục',
    forgot: 'Bạn quên mật khẩu?',
    newHere: 'Bạn mới đến đây?',
    signUp: 'Tạo tài khoản',
    to: (app) => html`Đăng nhập để tiếp tục đến <strong>${app}</strong>.`,
    identifier: 'Tên người dùng hoặc địa chỉ email',
    password: 'Mật khẩu',
    passkey: 'Đăng nhập bằng khóa truy cập',
    passkeyFailed: 'Chưa dùng được khóa truy cập. Hãy thử lại hoặc nhập mật khẩu.',
    codeTitle: 'Nhập mã của bạn',
    otp: 'Mã',
    otpHint: 'Mã đang hiển thị trong ứng dụng xác thực, hoặc một trong các mã khôi phục của bạn.',
    startAgain: 'Bắt đầu lại',
    stepOver: 'Lần đăng nhập này đã quá lâu hoặc đã hoàn tất. Hãy bắt đầu lại.',
    submit: 'Đăng nhập',
    cancel: 'Hủy',
  },
  signUp: {
    title: 'Tạo tài khoản',
    to: (app) => html`Tạo tài khoản để tiếp tục đến <strong>${app}</strong>.`,
    handle: 'Tên người dùng',
    handleHint: 'Người khác tìm thấy bạn bằng tên này: từ 3 đến 30 chữ cái a đến z, chữ số và dấu _.',
    displayName: 'Tên hiển thị (không bắt buộc)',
    displayNameHint: 'Tên mà người khác thấy bên cạnh tên người dùng. Bạn có thể đổi bất cứ lúc nào.',
    email: 'Địa chỉ email',
    password: 'Mật khẩu',
    passwordHint: 'Ít nhất 10 ký tự và khó đoán. Nên dùng một vài từ ghép lại.',
    submit: 'Tạo tài khoản',
    known: 'Bạn đã có tài khoản?',
    signIn: 'Đăng nhập',
  },
  account: viAccount,
  forgot: {
    title: 'Chọn mật khẩu khác',
    about: 'Hãy nhập địa chỉ email bạn đã xác nhận. Chúng tôi sẽ gửi một đường dẫn để bạn chọn mật khẩu khác.',
    submit: 'Gửi đường dẫn',
    done: 'Nếu địa chỉ này đã được xác nhận cho một tài khoản, email đang được gửi đến đó. Hãy kiểm tra hộp thư, cả mục thư rác.',
  },
  reset: {
    title: 'Đặt mật khẩu mới',
    about: 'Sau đó mọi thiết bị, ứng dụng và khóa API của tài khoản sẽ bị đăng xuất.',
    password: 'Mật khẩu mới',
    submit: 'Đổi mật khẩu',
    done: 'Mật khẩu của bạn đã được đổi, mọi nơi khác đã bị đăng xuất.',
    signIn: 'Đăng nhập',
  },
  verify: {
    title: 'Xác nhận địa chỉ email của bạn',
    about: 'Chỉ xác nhận nếu chính bạn đã yêu cầu.',
    submit: 'Xác nhận địa chỉ',
    done: 'Địa chỉ email của bạn đã được xác nhận. Bạn có thể đóng trang này.',
  },
  consent: {
    title: 'Cho phép truy cập?',
    wants: (app, handle) =>
      html`<strong>${app}</strong> muốn sử dụng tài khoản của bạn${handle !== undefined && html` <strong>@${handle}</strong>`}. Chưa có ai kiểm chứng người đứng sau ứng dụng này.`,
    device: 'Ứng dụng chạy trên thiết bị đang hiển thị mã mà bạn đã nhập.',
    leadsTo: (origin) => html`Từ đây bạn sẽ chuyển đến <strong>${origin}</strong>.`,
    scopes: 'Ứng dụng xin phép làm những việc sau. Bỏ chọn những gì bạn không cho phép:',
    allow: 'Cho phép',
    deny: 'Từ chối',
    links: { uri: 'Về ứng dụng', policyUri: 'Chính sách quyền riêng tư', termsUri: 'Điều khoản sử dụng' },
  },
  device: {
    title: 'Kết nối thiết bị',
    code: 'Mã hiển thị trên thiết bị',
    submit: 'Tiếp tục',
    problems: {
      WRONG_CODE:
        'Mã không đúng, đã được sử dụng hoặc đã hết hạn. Hãy xem lại thiết bị rồi thử lại, hoặc bắt đầu lại trên thiết bị.',
      ABORTED: 'Việc đăng nhập trên thiết bị đã bị dừng.',
      FAILED: 'Không thực hiện được. Hãy bắt đầu lại trên thiết bị.',
    },
    confirmTitle: 'Đây có phải thiết bị của bạn không?',
    shows: (app, code) => html`<strong>${app}</strong> đang hiển thị mã <strong>${code}</strong>.`,
    warning:
      'Chỉ tiếp tục nếu chính bạn đã bắt đầu việc này và thấy mã này trên thiết bị của mình. Nếu có người gửi cho bạn mã hoặc đường dẫn chứa mã, hãy dừng lại: người đó sẽ vào được tài khoản của bạn.',
    confirm: 'Đúng, đây là thiết bị của tôi',
    abort: 'Không, dừng lại',
    doneTitle: 'Đã kết nối thiết bị',
    done: (app) => html`Hãy tiếp tục với <strong>${app}</strong> trên thiết bị của bạn. Bạn có thể đóng trang này.`,
  },
  signOut: {
    title: 'Đăng xuất?',
    asks: (app) => html`<strong>${app}</strong> yêu cầu bạn đăng xuất.`,
    effect: 'Các ứng dụng bạn dùng trong trình duyệt này sẽ phải yêu cầu bạn đăng nhập lại.',
    confirm: 'Đăng xuất',
    stay: 'Ở lại',
    doneTitle: 'Hoàn tất',
    done: (app) =>
      app === undefined
        ? 'Bạn đã đăng xuất. Bạn có thể đóng trang này.'
        : html`Bạn đã đăng xuất khỏi <strong>${app}</strong>. Bạn có thể đóng trang này.`,
  },
  problems: {
    expiredTitle: 'Hãy bắt đầu lại',
    expired:
      'Trang này đã hết hạn, đã được sử dụng hoặc thuộc về một trình duyệt khác. Hãy quay lại ứng dụng bạn muốn dùng và bắt đầu lại từ đó.',
    foreignTitle: 'Không thực hiện được',
    foreign:
      'Nội dung gửi đi không đến từ trang bạn đang xem. Chưa có gì thay đổi. Hãy quay lại ứng dụng và bắt đầu lại từ đó.',
    waitTitle: 'Vui lòng đợi một chút',
    wait: (seconds) =>
      seconds < 120 ? `Hãy thử lại sau ${seconds} giây.` : `Hãy thử lại sau ${Math.ceil(seconds / 60)} phút.`,
    away: 'Một dịch vụ cần thiết tạm thời không hoạt động.',
    tooMany: {
      CODES: 'Đã có quá nhiều mã được thử từ mạng của bạn.',
      REQUESTS: 'Đã có quá nhiều yêu cầu từ mạng của bạn.',
    },
    failedTitle: 'Đã xảy ra lỗi',
    failed: 'Đây là lỗi của chúng tôi. Hãy thử lại sau giây lát.',
    request: 'Yêu cầu',
    clientTitle: 'Không thực hiện được',
    client: 'Ứng dụng đã yêu cầu một việc không thể thực hiện. Hãy quay lại ứng dụng và thử lại.',
  },
  refusals: {
    VALIDATION_FAILED: 'Có thông tin còn thiếu hoặc chưa đúng.',
    HANDLE_TAKEN: 'Tên người dùng này đã có người dùng. Hãy chọn tên khác.',
    HANDLE_RESERVED: 'Không ai được dùng tên người dùng này. Hãy chọn tên khác.',
    ETAG_MISMATCH: 'Nội dung này vừa được thay đổi ở nơi khác. Hãy mở lại trang rồi thay đổi.',
    API_KEY_LIMIT_REACHED:
      'Bạn đã có số khóa tối đa, hoặc khóa này đã có số bí mật tối đa. Hãy kết thúc một khóa không cần nữa.',
    EMAIL_TOKEN_INVALID: 'Đường dẫn này không còn hiệu lực. Hãy yêu cầu đường dẫn khác.',
    PASSWORD_RESET_INVALID: 'Đường dẫn này đã quá cũ hoặc đã được sử dụng. Hãy yêu cầu đường dẫn khác.',
    CREDENTIALS_INVALID:
      'Không có tài khoản nào khớp với tên người dùng và mật khẩu này. Địa chỉ email chỉ dùng được sau khi đã xác nhận; tên người dùng thì luôn dùng được.',
    OTP_INVALID: 'Mã không đúng, đã hết hạn hoặc đã được sử dụng.',
    PASSKEY_INVALID: 'Khóa truy cập không dùng được, hoặc đã quá lâu. Hãy thử lại.',
    PASSKEY_NOT_FOUND: 'Khóa truy cập này không còn nữa.',
    PASSKEY_LIMIT_REACHED: 'Bạn đã có số khóa truy cập tối đa. Hãy xóa một khóa không cần nữa.',
    PASSKEYS_OFF: 'Ở đây không dùng được khóa truy cập.',
    MFA_NOT_ENROLLED: 'Đã quá lâu, hoặc đăng nhập hai bước đang tắt. Hãy bắt đầu lại.',
    MFA_ALREADY_ENROLLED: 'Đăng nhập hai bước đã được bật.',
    RATE_LIMITED: 'Bạn đã thử quá nhiều lần. Hãy thử lại sau.',
    UNAVAILABLE:
      'Một dịch vụ cần thiết tạm thời không hoạt động, hoặc có quá nhiều người truy cập cùng lúc. Hãy thử lại sau giây lát.',
  },
  fields: {
    identifier: 'Hãy nhập tên người dùng hoặc địa chỉ email của bạn.',
    password: 'Hãy nhập mật khẩu của bạn.',
    otp: 'Hãy nhập mã hiển thị trong ứng dụng xác thực, hoặc một mã khôi phục.',
    handle: 'Hãy dùng từ 3 đến 30 chữ cái a đến z, chữ số và dấu _.',
    email: 'Hãy nhập địa chỉ email, ví dụ ten@example.org.',
    displayName: 'Hãy dùng tối đa 60 ký tự.',
    currentPassword: 'Hãy nhập mật khẩu hiện tại của bạn.',
    bio: 'Hãy dùng tối đa 500 ký tự.',
    links: 'Hãy dùng tối đa 5 địa chỉ bắt đầu bằng https:// hoặc http://, mỗi địa chỉ tối đa 300 ký tự.',
    location: 'Hãy dùng tối đa 60 ký tự, không xuống dòng.',
    name: 'Hãy ghi khóa dùng để làm gì, tối đa 60 ký tự.',
    scopes: 'Hãy chọn ít nhất một quyền.',
  },
  newPassword: {
    LENGTH: 'Hãy dùng từ 10 đến 256 ký tự.',
    COMMON: 'Đây là một trong những mật khẩu phổ biến nhất. Hãy chọn mật khẩu khác.',
    REPETITION: 'Mật khẩu này chỉ lặp lại vài ký tự. Hãy chọn mật khẩu khác.',
    SEQUENCE: 'Mật khẩu này là một dãy ký tự liền kề. Hãy chọn mật khẩu khác.',
    OWN_NAME: 'Đây là tên người dùng hoặc địa chỉ email của bạn. Hãy chọn mật khẩu khác.',
  },
};
