/**
 * Text PostgreSQL can store in `text` and `jsonb`: no NUL, no lone surrogate.
 *
 * Checked at the door, so that such input is the client's 400 and not the database's error.
 */
export const STORABLE_TEXT = '^[^\\u0000\\ud800-\\udfff]*$';
