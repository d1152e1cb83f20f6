/**
 * Reads a list of the API to its end, page by page.
 * @param what is in the message of the failure
 * @throws Error when there is no end within `maxPages` pages: a list that was not read to its end proves nothing
 */
export async function* readPages<Page extends { readonly nextPageToken: string }>(
  what: string,
  maxPages: number,
  readPage: (pageToken: string) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let pageToken = '';
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await readPage(pageToken);
    yield answer;
    if (answer.nextPageToken === '') return;
    pageToken = answer.nextPageToken;
  }
  throw new Error(`${what} has no end in ${maxPages} pages`);
}
