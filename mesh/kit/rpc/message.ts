/** What ts-proto makes of a Protobuf message: how to encode and decode it. */
export interface MessageType<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}
