import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { enumValue, text } from '#kit/validate.ts';

/** Limits of a post's text, as its contract states them. */
export const postText = () => text({ minCharacters: 1, maxCharacters: 5_000, maxBytes: 20_000 });

export const postVisibility = () => enumValue(Post_Visibility);
