/** Entries in the windows of the feeds of these tests: so few that the second page comes from Postgres already. */
export const windowEntries = 10;

/** Authors with more followers are pulled in these tests. */
export const pushedFollowers = 5;
