import { OxoError } from '#kit/errors.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { Visibility } from './visibility.ts';

/** Says the same of a post that does not exist and of one that the caller may not see. */
export function postNotFound(): OxoError {
  return new OxoError('POST_NOT_FOUND', 'There is no such post, or you may not see it.');
}

/**
 * Why a caller may not change a post that is not among the caller's own: NOT_AUTHOR only when the caller may see it.
 * @throws OxoError POST_NOT_FOUND otherwise
 */
export async function whyNotOwn(visibility: Visibility, id: string, context: CallContext): Promise<OxoError> {
  await visibility.requireVisible(id, context);
  return new OxoError('NOT_AUTHOR', 'Only its author may change or delete a post.');
}
