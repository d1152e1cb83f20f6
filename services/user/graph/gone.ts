/**
 * A condition on a column of `follows`: the user in it is there. A user who is deleted leaves the table users at once, and the edges
 * to the erasure; what joins users needs no such condition. The list of those whose edges are not erased yet is empty as a rule.
 */
export const isThere = (column: 'follower_id' | 'followee_id' | 'gone.followee_id') =>
  `${column} not in (select user_id from deletions where graph_erased_at_ms is null)`;
