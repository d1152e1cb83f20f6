import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../testing/temporary.ts';
import { isFull, readDisk } from './disk.ts';

const mebibyte = 1024 ** 2;

test('a disk is full when nothing is left but a little, or no inode', () => {
  assert.equal(isFull({ freeBytes: 0, freeInodes: undefined }), true);
  assert.equal(isFull({ freeBytes: 63 * mebibyte, freeInodes: 1_000 }), true);
  assert.equal(isFull({ freeBytes: 64 * mebibyte, freeInodes: 0 }), true);
  assert.equal(isFull({ freeBytes: 64 * mebibyte, freeInodes: 1_000 }), false);
  assert.equal(isFull({ freeBytes: 64 * mebibyte, freeInodes: undefined }), false);
});

test('a folder that is not there yet lies where its parent does', () => {
  const folder = temporaryFolder();
  const { folder: found, freeBytes, totalBytes } = readDisk(join(folder, 'a/b'));
  assert.equal(found, folder);
  assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
});
