import { createHash, randomBytes } from 'node:crypto';

/** What secrets of ours begin with, so that those who search for leaked ones can tell them. */
const PREFIX = 'gk_';
const SECRET_BYTES = 32;
const HINT_LENGTH = 7;

/** A new secret: 256 random bits. */
export function newSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** As it is kept. Secrets are long and random: a slow hash would add nothing. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** By which its owner tells it from others: of 24 characters or more these are no loss. */
export function hintOf(secret: string): string {
  return secret.slice(0, HINT_LENGTH);
}
