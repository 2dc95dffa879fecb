import { invalidField } from './app-error.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Where a page of a list begins: behind this row, which need not be there any more. */
export interface ListPosition {
  /** Moment of creation, to the microsecond. */
  readonly createdMicros: number;
  readonly id: string;
}

/** A position as clients carry it. */
export function toCursor({ createdMicros, id }: ListPosition): string {
  return Buffer.from(`${createdMicros} ${id}`).toString('base64url');
}

/** The position a client brings back. @throws {AppError} VALIDATION_FAILED for what is none */
export function toPosition(cursor: string | undefined): ListPosition | undefined {
  if (cursor === undefined) return undefined;
  const [micros = '', id = ''] = Buffer.from(cursor, 'base64url').toString('latin1').split(' ');
  if (/^\d{1,16}$/.test(micros) && UUID.test(id)) return { createdMicros: Number(micros), id };
  throw invalidField('/cursor', 'is not one this service has given out');
}
