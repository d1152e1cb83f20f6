import { PULL_STATE, pulledAuthorColumns } from '../entities/pulled-author-entity.ts';

/** A deleted user has no followers, whatever the counts say: they are of no use to anybody and go at the end of the erasure. Values: users. */
export const COUNT = {
  name: 'pulled-authors-count',
  text: `select asked.user_id as "userId", pulled.state, pulled.version::float8,
      (select coalesce(sum(followers), 0)::integer from follower_counts join users on users.id = follower_counts.user_id
        where follower_counts.user_id = asked.user_id) as followers
    from unnest($1::uuid[]) as asked (user_id) left join pulled_authors pulled using (user_id)`,
};

/** Values: user. No row when somebody else has come first. */
export const ANNOUNCE = {
  name: 'pulled-author-announce',
  text: `insert into pulled_authors (user_id, state, version)
    values ($1::uuid, ${PULL_STATE.announced}, nextval('outbox_id_seq'))
    on conflict do nothing returning version::float8`,
};

/** Values: user, version, next state. No row when somebody else has taken a step since. */
export const STEP = {
  name: 'pulled-author-step',
  text: `update pulled_authors set state = $3::smallint, version = nextval('outbox_id_seq')
    where user_id = $1::uuid and version = $2::bigint returning version::float8`,
};

/** Values: user, version. */
export const REMOVE = {
  name: 'pulled-author-remove',
  text: 'delete from pulled_authors where user_id = $1::uuid and version = $2::bigint returning user_id',
};

/** Values: the last user of the page before or null, rows of a page. */
export const PULLED_AUTHORS = {
  name: 'pulled-authors',
  text: `select ${pulledAuthorColumns()} from pulled_authors
    where $1::uuid is null or user_id > $1::uuid order by user_id limit $2`,
};
