import {
  CookieList,
  Execute,
  ExecuteResult,
  Input,
  InputResult,
  Navigate,
  NavigateResult,
  PageContent,
  Pdf,
  Problem,
  Screenshot,
  SetCookies,
} from '@guise/contract';
import { Type } from 'typebox';

import { SessionParams as params } from './session-operations.ts';

const problems = { '4xx': Problem, '5xx': Problem };

function binary(mediaType: string): ReturnType<typeof Type.Unsafe<Buffer>> {
  return Type.Unsafe<Buffer>({
    description: 'The encoded file',
    content: { [mediaType]: { schema: { type: 'string', format: 'binary' } } },
  });
}

/** What each route that acts on a session's browser takes and gives, for validation and for the OpenAPI document. */
export const PAGE_OPERATIONS = {
  executeScript: {
    operationId: 'executeScript',
    summary: 'Run JavaScript in the page',
    tags: ['page'],
    params,
    body: Execute,
    response: { 200: ExecuteResult, ...problems },
  },
  navigate: {
    operationId: 'navigate',
    summary: 'Load an address and wait for it',
    tags: ['page'],
    params,
    body: Navigate,
    response: { 200: NavigateResult, ...problems },
  },
  takeScreenshot: {
    operationId: 'takeScreenshot',
    summary: 'Take a picture of the page',
    tags: ['page'],
    params,
    body: Screenshot,
    response: { 200: binary('image/*'), ...problems },
  },
  printPdf: {
    operationId: 'printPdf',
    summary: 'Print the page',
    tags: ['page'],
    params,
    body: Pdf,
    response: { 200: binary('application/pdf'), ...problems },
  },
  sendInput: {
    operationId: 'sendInput',
    summary: 'Use mouse, keyboard and touch screen',
    tags: ['page'],
    params,
    body: Input,
    response: { 200: InputResult, ...problems },
  },
  getContent: {
    operationId: 'getContent',
    summary: 'The document as it is now',
    tags: ['page'],
    params,
    response: { 200: PageContent, ...problems },
  },
  listCookies: {
    operationId: 'listCookies',
    summary: 'All cookies of the session',
    tags: ['cookies'],
    params,
    response: { 200: CookieList, ...problems },
  },
  replaceCookies: {
    operationId: 'replaceCookies',
    summary: 'Replace all cookies of the session',
    tags: ['cookies'],
    params,
    body: SetCookies,
    response: { 200: CookieList, ...problems },
  },
};
