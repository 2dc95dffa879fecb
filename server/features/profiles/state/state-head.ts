import { Cookie } from '@guise/contract';
import { type Static, Type } from 'typebox';

/** Version of the archive a state is kept as; a change that old readers would misread gets the next one. */
export const STATE_FORMAT = 1;

/** How many cookies a state may have. */
const MAX_COOKIES = 20_000;

/** A cookie as the browser had it, with what only the browser knows of it. */
export const StateCookie = Type.Object(
  {
    ...Cookie.properties,
    priority: Type.Optional(Type.Enum(['Low', 'Medium', 'High'])),
    sourceScheme: Type.Optional(Type.Enum(['Unset', 'NonSecure', 'Secure'])),
    sourcePort: Type.Optional(Type.Integer({ minimum: -1, maximum: 65_535 })),
    partitionKey: Type.Optional(
      Type.Object(
        { topLevelSite: Type.String({ maxLength: 2_048 }), hasCrossSiteAncestor: Type.Boolean() },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type StateCookie = Static<typeof StateCookie>;

/** What stands before the files of a state, as JSON, and can be read without them. */
export const StateHead = Type.Object(
  {
    format: Type.Literal(STATE_FORMAT),
    /** Of the browser that wrote the files; null: none did. */
    chromiumVersion: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    /** The whole jar; null where the browser was gone before it could be asked. */
    cookies: Type.Union([Type.Array(StateCookie, { maxItems: MAX_COOKIES }), Type.Null()]),
  },
  { additionalProperties: false },
);
export type StateHead = Static<typeof StateHead>;
