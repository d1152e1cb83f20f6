/** What people do, first to the system and then to the model. */
import assert from 'node:assert/strict';
import { type Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { refused } from '#kit/testing/refused.ts';
import { checkGone } from './accounts.ts';
import { atOnce, type Fate } from './interposer.ts';
import type { ModelPost, NewPost } from './model.ts';
import type { Stage } from './stage.ts';
import { type IfMatch, manyPosts, type Step } from './steps.ts';
import type { Person } from './system.ts';
import { entitiesOf } from './texts.ts';

/** A step that is prepared: what it is in words, the call, and what it means for the model once it is answered. */
export type Act = {
  readonly words: string;
  readonly call: () => Promise<() => void>;
  /** Posts and edges that it changes: two acts that share one cannot meet, because either may win. */
  readonly touches: readonly string[];
};

type StepOf<Name extends Step['do']> = Extract<Step, { do: Name }>;

export const writes = {
  post(stage: Stage, { who, visibility, fate, isRepeated }: StepOf<'post'>): Act {
    const author = stage.person(who);
    const text = stage.newText();
    return {
      words: `${author.name} posts "${text}"${audience(visibility)}${describeFate(fate)}${isRepeated ? ', and repeats the request' : ''}`,
      touches: [],
      async call() {
        const made = await createPost(stage, author, { text, visibility, fate, isRepeated });
        return () => stage.model.posted(made);
      },
    };
  },

  postMany(stage: Stage, { who }: StepOf<'postMany'>): Act {
    const author = stage.person(who);
    const texts = Array.from({ length: manyPosts }, stage.newText);
    const post = { visibility: Post_Visibility.PUBLIC, fate: atOnce, isRepeated: false };
    return {
      words: `${author.name} posts ${manyPosts} times`,
      touches: [],
      async call() {
        const made = await Promise.all(texts.map((text) => createPost(stage, author, { ...post, text })));
        return () => made.forEach(stage.model.posted);
      },
    };
  },

  edit(stage: Stage, { who, which, visibility, ifMatch }: StepOf<'edit'>): Act | undefined {
    const author = stage.person(who);
    const post = stage.postOf(author, which);
    if (post === undefined) return undefined;
    const text = stage.newText();
    return {
      words: `${author.name} changes "${post.text}" to "${text}"${visibility === undefined ? '' : audience(visibility)}${condition(ifMatch)}`,
      touches: [post.id],
      async call() {
        const options = onlyIf(stage, author, post, ifMatch);
        const call = stage.system.posts.updatePost({ id: post.id, text, visibility }, options);
        if (ifMatch === 'stale') return refusedAsStale(call);
        const { post: edited } = await call;
        const [editedAtMs, etag = ''] = [edited?.editedAt?.getTime(), edited?.etag];
        assert.notEqual(etag, post.etag, 'what is changed has another etag');
        const entities = entitiesOf(text, stage.model.present());
        const change = { text, entities, visibility: visibility ?? post.visibility, editedAtMs, etag };
        return () => stage.model.edited(post.id, change);
      },
    };
  },

  delete(stage: Stage, { who, which, ifMatch }: StepOf<'delete'>): Act | undefined {
    const author = stage.person(who);
    const post = stage.postOf(author, which);
    if (post === undefined) return undefined;
    return {
      words: `${author.name} deletes "${post.text}"${condition(ifMatch)}`,
      touches: [post.id],
      async call() {
        const call = stage.system.posts.deletePost({ id: post.id }, onlyIf(stage, author, post, ifMatch));
        if (ifMatch === 'stale') return refusedAsStale(call);
        await call;
        return () => stage.model.deleted(post.id);
      },
    };
  },

  follow: (stage: Stage, { who, whom }: StepOf<'follow'>) => changeEdge(stage, 'follow', who, whom),
  unfollow: (stage: Stage, { who, whom }: StepOf<'unfollow'>) => changeEdge(stage, 'unfollow', who, whom),

  rename(stage: Stage, { who, ifMatch }: StepOf<'rename'>): Act {
    const person = stage.person(who);
    const state = stage.model.person(person.id);
    const displayName = `${person.name} ${stage.newName()}`;
    return {
      words: `${person.name} is called "${displayName}" from now on${condition(ifMatch)}`,
      touches: [person.id],
      async call() {
        const call = stage.system.users.updateMe({ displayName }, onlyIf(stage, person, state, ifMatch));
        if (ifMatch === 'stale') return refusedAsStale(call);
        const etag = (await call).user?.etag ?? '';
        assert.notEqual(etag, state.etag, 'what is changed has another etag');
        return () => stage.model.renamed(person.id, { displayName, etag });
      },
    };
  },

  leave(stage: Stage, { who }: StepOf<'leave'>): Act {
    const person = stage.person(who);
    return {
      words: `${person.name} deletes the account`,
      touches: [person.id],
      async call() {
        await stage.system.users.deleteMe({}, stage.system.as(person, stage.newRequest()));
        stage.model.left(person.id);
        await checkGone(stage, person);
        return () => undefined;
      },
    };
  },
};

async function createPost(
  stage: Stage,
  author: Person,
  { text, visibility, fate, isRepeated }: Omit<StepOf<'post'>, 'do' | 'who'> & { text: string },
): Promise<NewPost> {
  const requestId = stage.newRequest(fate);
  const send = async (): Promise<Post> => {
    const options = stage.system.as(author, requestId);
    if (isRepeated) options.metadata.set('idempotency-key', requestId);
    const { post } = await stage.system.posts.createPost({ text, visibility }, options);
    assert.ok(post?.createdAt);
    return post;
  };
  const post = await send();
  if (isRepeated) assert.deepEqual(await send(), post, 'a repeated request has the same answer');
  stage.everyPost.add(post.id);
  const atMs = post.createdAt?.getTime() ?? 0;
  const entities = entitiesOf(text, stage.model.present());
  return { id: post.id, authorId: author.id, atMs, requestId, text, entities, visibility, etag: post.etag };
}

/** Options of a change that is meant for a state of a post or a profile. */
function onlyIf(
  { system, newRequest }: Stage,
  person: Person,
  { etag, formerEtag }: Pick<ModelPost, 'etag' | 'formerEtag'>,
  ifMatch: IfMatch,
) {
  const options = system.as(person, newRequest());
  if (ifMatch === 'current') options.metadata.set('if-match', etag);
  if (ifMatch === 'stale') options.metadata.set('if-match', formerEtag);
  return options;
}

async function refusedAsStale(call: Promise<unknown>): Promise<() => void> {
  await assert.rejects(call, refused('ETAG_MISMATCH'));
  return () => undefined;
}

function condition(ifMatch: IfMatch): string {
  if (ifMatch === 'absent') return '';
  return ifMatch === 'current' ? ', as it is now' : ', as it was before';
}

function changeEdge(stage: Stage, change: 'follow' | 'unfollow', who: number, whom: number): Act {
  const [follower, followee] = [stage.person(who), stage.person(whom)];
  return {
    words: `${follower.name} ${change}s ${follower === followee ? 'oneself, in vain' : followee.name}`,
    touches: [`${follower.id} ${followee.id}`],
    async call() {
      const call = stage.system.users[change]({ id: followee.id }, stage.system.as(follower, stage.newRequest()));
      if (stage.model.isGone(followee.id)) {
        await assert.rejects(call, refused('USER_NOT_FOUND'));
        return () => undefined;
      }
      if (follower === followee) {
        if (change === 'follow') await assert.rejects(call, refused('SELF_FOLLOW'));
        else await call;
        return () => undefined;
      }
      await call;
      return () => stage.model[change === 'follow' ? 'followed' : 'unfollowed'](follower.id, followee.id);
    },
  };
}

function audience(visibility: Post_Visibility): string {
  return visibility === Post_Visibility.FOLLOWERS ? ' for followers' : '';
}

function describeFate({ heldFor, again, fails, isLost }: Fate): string {
  const parts = [
    heldFor > 0 ? `held for ${heldFor} steps` : '',
    fails ? 'delivered twice' : '',
    again.length > 0 ? `handled again after ${again.join(' and ')} steps` : '',
    isLost ? 'lost' : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `; its event is ${parts.join(', ')}`;
}
