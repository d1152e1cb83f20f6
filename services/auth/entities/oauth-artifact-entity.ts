import { defineEntity, p } from '@mikro-orm/core';

export const OAuthArtifactEntity = defineEntity({
  name: 'OAuthArtifact',
  tableName: 'oauth_artifacts',
  properties: {
    /** SHA-256 of the token, code or cookie. */
    idHash: p.blob().primary(),
    /** The provider's name of what it is: AccessToken, RefreshToken, AuthorizationCode, Session, … */
    kind: p.text(),
    clientId: p.text().nullable(),
    accountId: p.uuid().nullable(),
    /** It ends with the grant. */
    grantId: p.text().nullable(),
    /** By which the provider finds a browser's session beside its cookie; proves nothing. */
    uid: p.text().nullable(),
    /** SHA-256 of what a person types for a device. */
    userCodeHash: p.blob().nullable(),
    /** The provider's own, without anything by which the artifact could be used. */
    payload: p.json(),
    consumedAtMs: p.bigint('number').nullable(),
    /** Of a refresh token: with it, it gives its successor; worth nothing without. */
    rotationSalt: p.blob().nullable(),
    /** A refresh token that was consumed gave its successor once more already. */
    graceUsed: p.boolean(),
    expiresAtMs: p.bigint('number'),
  },
});
