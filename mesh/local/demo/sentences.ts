import type { Random } from '../client/random.ts';

/** What people write about: sentences put together from these parts, in the order of the list. */
const english = [
  ['This morning', 'Yesterday', 'After work', 'On the way home', 'Late at night', 'Before breakfast', 'Last Sunday'],
  ['my sister', 'our neighbour', 'the whole team', 'an old friend', 'the cat', 'a stranger on the bus', 'my teacher'],
  ['found', 'painted', 'repaired', 'forgot', 'planted', 'photographed', 'carried home', 'gave away', 'cooked'],
  ['a blue bicycle', 'three tomato plants', 'the last piece of cake', 'a letter from 1974', 'the noisiest radio'],
  ['near the river', 'behind the library', 'in the rain', 'without a word', 'just for fun', 'for the third time'],
] as const;

const vietnamese = [
  ['Sáng nay', 'Hôm qua', 'Tối thứ bảy', 'Sau giờ làm', 'Trên đường về', 'Cuối tuần rồi', 'Lúc trời mưa'],
  ['chị tôi', 'bà ngoại', 'cả nhà', 'anh hàng xóm', 'cô giáo cũ', 'con mèo nhà tôi', 'mấy đứa bạn'],
  ['nấu', 'tìm thấy', 'trồng', 'sửa lại', 'mang về', 'vẽ', 'mua được', 'quên mất'],
  ['một nồi phở', 'chiếc xe đạp cũ', 'mấy cây ớt', 'quyển sách quý', 'ly cà phê sữa đá', 'bức tranh nhỏ'],
  ['ở đầu ngõ', 'bên bờ sông', 'giữa phố đông', 'mà không ai biết', 'cho vui thôi', 'lần thứ ba'],
] as const;

const endings = ['.', '!', ' …', '?', '. 🙂', ' 🌧️', ' 👩‍👩‍👧‍👦', ' 🇻🇳', '. 👍🏽', ' — really.'] as const;
const afterthoughts = [
  'Nobody believes me.',
  'Thật không thể tin được!',
  'I would do it again.',
  '"Quotes", <tags> & back\\slashes stay as they are.',
  'Cà phê ngon nhất Sài Gòn.',
  'Line one,\nline two.',
  'Zoë says "naïve café".',
  'Ai biết thì chỉ tôi với nhé.',
  'السلام عليكم, 你好, здравствуй.',
  '100 % true, see #river @home.',
] as const;

/**
 * One to three sentences in English or Vietnamese, with emoji, and now and then with accents as combining characters.
 * @param mark makes it unlike every other text of the run
 */
export function writeText(random: Random, mark: string): string {
  const parts = random.next() < 0.5 ? english : vietnamese;
  const first = parts.map((choices) => random.pick<string>(choices)).join(' ') + random.pick(endings);
  const more = Array.from({ length: random.below(3) }, () => random.pick<string>(afterthoughts));
  const text = [first, ...more, `(${mark})`].join(' ');
  // The same letters in another encoding: what was written must come back byte for byte.
  return random.next() < 0.25 ? text.normalize('NFD') : text;
}
