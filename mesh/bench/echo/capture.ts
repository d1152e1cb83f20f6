import { Client, credentials, Metadata } from '@grpc/grpc-js';

const timeoutMs = 5_000;

/**
 * Asks the feed service itself for a page, and gives the bytes of its answer.
 * @param address host:port of its gRPC server
 * @param token access token of the reader
 */
export async function captureFeedPage(address: string, token: string): Promise<Buffer> {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  const bytes = (value: Buffer): Buffer => value;
  try {
    return await new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      const path = '/oxo.feed.v1.FeedService/GetFeed';
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadata, options, (error, answer) => {
        if (error === null && answer !== undefined) resolve(answer);
        else reject(error ?? new Error('an empty answer'));
      });
    });
  } finally {
    client.close();
  }
}
