import { z } from 'zod';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { enumValue, id, text } from '#kit/validate.ts';

/** Limits of a post's text, as its contract states them. */
export const postText = () => text({ minCharacters: 1, maxCharacters: 5_000, maxBytes: 20_000 });

/** PUBLIC or FOLLOWERS; the default of a new post is its handler's business. */
export const postVisibility = () => enumValue(Post_Visibility);

/** A PostPosition of the contract, as a place in a list. */
export const postPosition = () =>
  z
    .object({ publishedAtMs: z.bigint().nonnegative(), id: id() })
    .transform(({ publishedAtMs, id }) => ({ atMs: Number(publishedAtMs), id }));
