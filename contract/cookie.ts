import { type Static, Type } from 'typebox';

const SAME_SITE = ['Strict', 'Lax', 'None'] as const;

const CookieFields = {
  name: Type.String({ maxLength: 4_096 }),
  value: Type.String({ maxLength: 4_096 }),
  path: Type.Optional(Type.String({ maxLength: 1_024 })),
  expires: Type.Optional(
    Type.Number({ minimum: -1, description: 'Seconds since 1970; absent or -1 is a session cookie.' }),
  ),
  httpOnly: Type.Optional(Type.Boolean()),
  secure: Type.Optional(Type.Boolean()),
  sameSite: Type.Optional(Type.Enum(SAME_SITE)),
};

/** A cookie to set: it needs a `domain` or a `url`. */
export const CookieInput = Type.Object(
  {
    ...CookieFields,
    domain: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
    url: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 8_192 })),
  },
  { additionalProperties: false },
);
export type CookieInput = Static<typeof CookieInput>;

/** Body of `PUT /api/sessions/:id/cookies`: replaces the whole jar. */
export const SetCookies = Type.Object(
  { cookies: Type.Array(CookieInput, { maxItems: 3_000 }) },
  { additionalProperties: false },
);
export type SetCookies = Static<typeof SetCookies>;

/** A cookie as the browser has it; it can be sent back as it is. */
export const Cookie = Type.Object({ ...CookieFields, domain: Type.String() });
export type Cookie = Static<typeof Cookie>;

export const CookieList = Type.Object({ cookies: Type.Array(Cookie) });
export type CookieList = Static<typeof CookieList>;
