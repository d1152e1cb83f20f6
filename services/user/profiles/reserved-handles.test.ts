import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReservedHandle } from './reserved-handles.ts';

test('handles that could be taken for OXO are reserved, however they are written', () => {
  const reserved = [
    'admin',
    'adm1n',
    'a_d_m_i_n',
    '_admin_',
    'support',
    'supp0rt',
    'oxo',
    '0x0',
    'oxo_team',
    'oxo_support',
    'security',
    'the_admin',
    'noreply',
    'no_reply',
    'www',
    'root',
    'null',
  ];
  for (const handle of reserved) assert.ok(isReservedHandle(handle), handle);
});

test('other handles are not', () => {
  const free = [
    'ada',
    'demo',
    'adminton',
    'badminton',
    'supporter',
    'oxo_check_reader',
    'teamwork',
    'ann_1',
    'mailman',
    'foxo',
    'x_x',
    '___',
  ];
  for (const handle of free) assert.ok(!isReservedHandle(handle), handle);
});
