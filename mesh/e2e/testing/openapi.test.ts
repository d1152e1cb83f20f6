import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContractError, openContract, type RawAnswer } from './openapi.ts';

const contract = openContract();
const headers = { 'content-type': 'application/json', 'x-request-id': 'r1' };

function answer(changes: Partial<Omit<RawAnswer, 'body'>>, body: unknown): RawAnswer {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { method: 'GET', path: '/api/v1/feed', status: 200, headers, ...changes, body: bytes };
}

function errorBody(changes: object = {}, reason = 'POST_NOT_FOUND') {
  const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'oxo' };
  return { code: 5, message: 'gone', details: [{ ...info, metadata: { requestId: 'r1' } }], ...changes };
}

test('answers as they are published are believed', () => {
  const page = { items: [], nextPageToken: '', sinceId: '', reset: false };
  assert.deepEqual(contract.check(answer({ path: '/api/v1/feed?pageSize=1' }, page)), page);
  const gone = { method: 'DELETE', path: '/api/v1/posts/p1', status: 204, headers: { 'x-request-id': 'r1' } };
  assert.equal(contract.check(answer(gone, '')), undefined);
  contract.check(answer({ path: '/api/v1/posts/p1', status: 404 }, errorBody()));
  contract.check(answer({ path: '/nowhere', status: 404 }, errorBody({}, 'ROUTE_NOT_FOUND')));
});

test('every other answer is refused', () => {
  const page = { items: [], nextPageToken: '', sinceId: '', reset: false };
  const invalid = errorBody({ code: 3 }, 'VALIDATION_FAILED');
  const unpublished: [string, RawAnswer][] = [
    ['another status', answer({ status: 201 }, page)],
    ['another content type', answer({ headers: { ...headers, 'content-type': 'text/plain' } }, page)],
    ['a field that is not published', answer({}, { ...page, more: 1 })],
    ['a field that is missing', answer({}, { ...page, items: undefined })],
    ['a wrong type', answer({}, { ...page, nextPageToken: 5 })],
    ['no JSON', answer({}, '{')],
    ['no request id', answer({ headers: { 'content-type': 'application/json' } }, page)],
    ['a path that is not published', answer({ path: '/api/v1/nowhere' }, page)],
    ['a method that is not published', answer({ method: 'PUT' }, page)],
    ['a body with 204', answer({ method: 'DELETE', path: '/api/v1/posts/p1', status: 204 }, '{}')],
    ['a status that is not the code’s', answer({ status: 500 }, errorBody())],
    ['an unknown reason', answer({ status: 404 }, errorBody({}, 'NOPE'))],
    [
      'another request id in the body',
      answer({ status: 404, headers: { ...headers, 'x-request-id': 'r2' } }, errorBody()),
    ],
    ['a wrapped error', answer({ status: 404 }, { error: errorBody() })],
    ['no field named', answer({ status: 400 }, invalid)],
    ['nothing said of when to try again', answer({ status: 503 }, errorBody({ code: 14 }, 'UNAVAILABLE'))],
  ];
  for (const [what, unpublishedAnswer] of unpublished) {
    assert.throws(() => contract.check(unpublishedAnswer), ContractError, what);
  }
});
