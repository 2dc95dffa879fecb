/** A key of a keyboard, as `KeyboardEvent` describes it (w3.org/TR/uievents-key, w3.org/TR/uievents-code). */
export interface Key {
  readonly key: string;
  readonly code: string;
  /** The legacy `keyCode`, which is the Windows virtual key code. */
  readonly keyCode: number;
  /** What it types; absent: nothing. */
  readonly text?: string;
  /** Whether Shift has to be held for it. */
  readonly isShifted?: boolean;
}

/** Modifier keys with their bit in CDP's `modifiers`. */
export const MODIFIERS = {
  Alt: { bit: 1, key: { key: 'Alt', code: 'AltLeft', keyCode: 18 } },
  Control: { bit: 2, key: { key: 'Control', code: 'ControlLeft', keyCode: 17 } },
  Meta: { bit: 4, key: { key: 'Meta', code: 'MetaLeft', keyCode: 91 } },
  Shift: { bit: 8, key: { key: 'Shift', code: 'ShiftLeft', keyCode: 16 } },
} as const satisfies Record<string, { readonly bit: number; readonly key: Key }>;

/** Keys that are named, with their code where it is another, and their key code. */
const NAMED: readonly (readonly [key: string, keyCode: number, text?: string])[] = [
  ['Backspace', 8],
  ['Tab', 9],
  ['Enter', 13, '\r'],
  ['CapsLock', 20],
  ['Escape', 27],
  ['PageUp', 33],
  ['PageDown', 34],
  ['End', 35],
  ['Home', 36],
  ['ArrowLeft', 37],
  ['ArrowUp', 38],
  ['ArrowRight', 39],
  ['ArrowDown', 40],
  ['Insert', 45],
  ['Delete', 46],
  ['ContextMenu', 93],
];

/** Keys that print: code, key code, what they type alone and with Shift, on the layout of the United States. */
const PRINTING: readonly (readonly [code: string, keyCode: number, plain: string, shifted: string])[] = [
  ['Space', 32, ' ', ' '],
  ['Semicolon', 186, ';', ':'],
  ['Equal', 187, '=', '+'],
  ['Comma', 188, ',', '<'],
  ['Minus', 189, '-', '_'],
  ['Period', 190, '.', '>'],
  ['Slash', 191, '/', '?'],
  ['Backquote', 192, '`', '~'],
  ['BracketLeft', 219, '[', '{'],
  ['Backslash', 220, '\\', '|'],
  ['BracketRight', 221, ']', '}'],
  ['Quote', 222, "'", '"'],
  ...Array.from('0123456789').map((digit, index) => {
    return [`Digit${digit}`, 48 + index, digit, ')!@#$%^&*('.charAt(index)] as const;
  }),
  ...Array.from('abcdefghijklmnopqrstuvwxyz').map((letter, index) => {
    const capital = letter.toUpperCase();
    return [`Key${capital}`, 65 + index, letter, capital] as const;
  }),
];

const KEYS: ReadonlyMap<string, Key> = new Map<string, Key>([
  ...Object.values(MODIFIERS).map(({ key }) => [key.key, key] as const),
  ...Array.from({ length: 12 }, (_, index) => {
    const name = `F${index + 1}`;
    return [name, { key: name, code: name, keyCode: 112 + index }] as const;
  }),
  ...NAMED.map(([key, keyCode, text]) => {
    return [key, { key, code: key, keyCode, ...(text !== undefined && { text }) }] as const;
  }),
  ...PRINTING.flatMap(([code, keyCode, plain, shifted]): (readonly [string, Key])[] => [
    [shifted, { key: shifted, code, keyCode, text: shifted, isShifted: true }],
    [plain, { key: plain, code, keyCode, text: plain }],
  ]),
]);

/** The key of this name, or that types this character; undefined where the keyboard has none. A line feed is Enter. */
export function findKey(name: string): Key | undefined {
  return KEYS.get(name === '\n' || name === '\r' ? 'Enter' : name === '\t' ? 'Tab' : name);
}
