import {
  CreateSession,
  ListEventsQuery,
  ListSessionsQuery,
  Problem,
  Session,
  SessionEventList,
  SessionList,
  UpdateSession,
} from '@guise/contract';
import { Type } from 'typebox';

import { AppError } from '../../lib/app-error.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const tags = ['sessions'];
const params = Type.Object({ sessionId: Type.String({ description: 'The `id` of the session.' }) });
const problems = { '4xx': Problem, '5xx': Problem };

/** Path parameters of everything below one session. */
export const SessionParams = params;

/** Whether a text can be the id of a session. */
export function isSessionId(text: string): boolean {
  return UUID.test(text);
}

/** The id in a path. What cannot be an id is the id of no session. @throws {AppError} SESSION_NOT_FOUND */
export function toSessionId({ sessionId }: { readonly sessionId: string }): string {
  if (isSessionId(sessionId)) return sessionId.toLowerCase();
  throw new AppError('SESSION_NOT_FOUND', 'There is no such session: that is not the id of one');
}

const createSession = {
  operationId: 'createSession',
  summary: 'Start a browser session',
  tags,
  body: CreateSession,
  response: { 201: Session, ...problems },
};

/** What each route of sessions takes and gives, for validation and for the OpenAPI document. */
export const SESSION_OPERATIONS = {
  createSession,
  createSessionAlias: { ...createSession, operationId: 'createSessionAlias', summary: 'The same as createSession' },
  listSessions: {
    operationId: 'listSessions',
    summary: 'List sessions, newest first; filter by labels with metadata.NAME=VALUE',
    tags,
    querystring: ListSessionsQuery,
    response: { 200: SessionList, ...problems },
  },
  getSession: {
    operationId: 'getSession',
    summary: 'Read one session, live or ended',
    tags,
    params,
    response: { 200: Session, ...problems },
  },
  updateSession: {
    operationId: 'updateSession',
    summary: 'Change time-outs or metadata of a live session',
    tags,
    params,
    body: UpdateSession,
    response: { 200: Session, ...problems },
  },
  endSession: {
    operationId: 'endSession',
    summary: 'End a session; answers when its processes are gone. Ending it twice is fine',
    tags,
    params,
    response: { 200: Session, ...problems },
  },
  keepSessionAlive: {
    operationId: 'keepSessionAlive',
    summary: 'Count as use of the session, so that its idle time-out starts anew',
    tags,
    params,
    response: { 200: Session, ...problems },
  },
  listSessionEvents: {
    operationId: 'listSessionEvents',
    summary: "The session's history, oldest first; for more than one page pass the last id as `after`",
    tags,
    params,
    querystring: ListEventsQuery,
    response: { 200: SessionEventList, ...problems },
  },
};
