import type { enScopes } from './en-scopes.ts';

export const viScopes: typeof enScopes = {
  openid: 'Biết tài khoản nào là của bạn',
  profile: 'Xem tên, tên người dùng và trang web của bạn',
  email: 'Xem địa chỉ email của bạn',
  offline_access: 'Giữ kết nối khi bạn không sử dụng, cho đến khi bạn thu hồi',
  'profile:read': 'Xem hồ sơ, cài đặt và những người bạn theo dõi',
  'profile:write': 'Thay đổi hồ sơ và cài đặt của bạn',
  'posts:read': 'Xem những bài viết mà bạn xem được',
  'posts:write': 'Viết, sửa và xóa bài viết thay bạn',
  'follows:write': 'Theo dõi và bỏ theo dõi người khác thay bạn',
  'feed:read': 'Đọc bảng tin của bạn',
  'media:write': 'Tải ảnh và video lên thay bạn',
  'notifications:read': 'Đọc thông báo của bạn',
  'notifications:write': 'Thay đổi thông báo và cài đặt thông báo của bạn',
};
