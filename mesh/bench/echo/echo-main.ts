/** A bare @grpc/grpc-js server that gives one fixed feed page to whoever asks: the least that an answer can cost. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { GetFeedRequest, GetFeedResponse } from '#gen/oxo/feed/v1/feed_service.ts';

/** One server encodes the page each time, as a service does; the other one sends bytes that are encoded already. */
export type EchoPorts = { readonly encoding: number; readonly bytes: number };

process.once('message', (page: Uint8Array) => {
  const message = GetFeedResponse.decode(page);
  const bytes = Buffer.from(page);
  Promise.all([
    serve(message, (value) => Buffer.from(GetFeedResponse.encode(value).finish())),
    serve(bytes, (value) => value),
  ]).then(
    ([encoding, bytes]) => process.send?.({ encoding, bytes } satisfies EchoPorts),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {});

function serve<Answer>(answer: Answer, responseSerialize: (value: Answer) => Buffer): Promise<number> {
  const server = new Server();
  const definition = {
    getFeed: {
      path: '/oxo.feed.v1.FeedService/GetFeed',
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: GetFeedRequest) => Buffer.from(GetFeedRequest.encode(value).finish()),
      requestDeserialize: (bytes: Buffer) => GetFeedRequest.decode(bytes),
      responseSerialize,
      responseDeserialize: (): Answer => answer,
    },
  };
  server.addService(definition, {
    getFeed: (_call: ServerUnaryCall<GetFeedRequest, Answer>, reply: sendUnaryData<Answer>) => reply(null, answer),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
