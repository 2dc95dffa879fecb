import { KEY_ROLES, type KeyRole, MIN_SECRET_LENGTH } from '@guise/contract';

/** A key of the setting API_KEYS. */
export interface ApiKeySetting {
  readonly name: string;
  readonly role: KeyRole;
  readonly secret: string;
}

function isRole(text: string): text is KeyRole {
  return KEY_ROLES.some((role) => role === text);
}

function parseEntry(entry: string, position: number): ApiKeySetting {
  const [name = '', role = '', ...rest] = entry.split(':');
  const secret = rest.join(':');
  if (name === '' || secret === '') throw new RangeError(`entry ${position} is not name:role:secret`);
  if (!isRole(role)) throw new RangeError(`the role of "${name}" must be one of ${KEY_ROLES.join(', ')}`);
  // What a header can carry and nothing that would have to be escaped in an address.
  if (!/^[\w.~+/=:-]+$/.test(secret)) {
    throw new RangeError(`the secret of "${name}" has characters other than letters, digits and . _ ~ + / = : -`);
  }
  if (secret.length < MIN_SECRET_LENGTH) {
    throw new RangeError(`the secret of "${name}" must have ${MIN_SECRET_LENGTH} characters or more`);
  }
  return { name, role, secret };
}

/**
 * Reads `name:role:secret`, separated by commas or lines.
 *
 * @throws {RangeError}
 */
export function parseApiKeys(text: string): ApiKeySetting[] {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  const keys = entries.filter((entry) => entry !== '').map((entry, index) => parseEntry(entry, index + 1));
  for (const member of ['name', 'secret'] as const) {
    const seen = new Set<string>();
    for (const key of keys) {
      if (seen.has(key[member])) throw new RangeError(`"${key.name}" has the ${member} of another entry`);
      seen.add(key[member]);
    }
  }
  return keys;
}
