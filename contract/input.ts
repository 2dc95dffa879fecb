import { type Static, Type } from 'typebox';

import { PAGE_TIMEOUT_MS } from './page.ts';

const strict = { additionalProperties: false } as const;
const Coordinate = Type.Number({ minimum: -100_000, maximum: 100_000, description: 'CSS pixels of the viewport.' });

/** Where: at a point of the viewport, or on an element, which is scrolled into view if it is not. */
const place = {
  x: Type.Optional(Coordinate),
  y: Type.Optional(Coordinate),
  selector: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: 'CSS; the first match.' })),
};

const Modifiers = Type.Array(Type.Enum(['Alt', 'Control', 'Meta', 'Shift']), { maxItems: 4, uniqueItems: true });
const MouseButton = Type.Enum(['left', 'middle', 'right'], { default: 'left' });
const Distance = Type.Number({ minimum: -100_000, maximum: 100_000, description: 'CSS pixels.' });

/** One thing a user does. */
export const InputAction = Type.Object(
  {
    type: Type.Enum(['move', 'click', 'down', 'up', 'scroll', 'tap', 'type', 'key', 'wait']),
    ...place,
    button: Type.Optional(MouseButton),
    clickCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 3, default: 1 })),
    deltaX: Type.Optional(Distance),
    deltaY: Type.Optional(Distance),
    text: Type.Optional(Type.String({ maxLength: 100_000, description: 'What to type.' })),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 32,
        description: 'A character, or a name as in KeyboardEvent.key: Enter.',
      }),
    ),
    modifiers: Type.Optional(Modifiers),
    ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000, description: 'How long to wait.' })),
  },
  {
    ...strict,
    description:
      '`move`, `click`, `tap`: at x and y, or on a selector. `down`, `up`: a mouse button, where the pointer is. `scroll`: deltaX, ' +
      'deltaY, at the pointer or a place. `type`: text, into what has the focus or a selector. `key`: one key with its modifiers. `wait`: ms.',
  },
);
export type InputAction = Static<typeof InputAction>;

/** Body of `POST /api/sessions/:id/input`. */
export const Input = Type.Object(
  {
    actions: Type.Array(InputAction, { minItems: 1, maxItems: 1_000 }),
    pace: Type.Optional(
      Type.Enum(['instant', 'human'], {
        description:
          'human: the pointer travels, keys are held, pauses vary, as with people. Default: human at stealthLevel maximum, else instant.',
      }),
    ),
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 300_000,
        default: PAGE_TIMEOUT_MS,
        description: 'Milliseconds until the work is stopped and answered with 504.',
      }),
    ),
  },
  strict,
);
export type Input = Static<typeof Input>;

export const InputResult = Type.Object({
  pointer: Type.Object({ x: Type.Number(), y: Type.Number() }, { description: 'Where the mouse pointer is then.' }),
  durationMs: Type.Number(),
});
export type InputResult = Static<typeof InputResult>;
