import {
  ApiKey,
  ApiKeyDetails,
  ApiKeyList,
  CreateApiKey,
  CreatedApiKey,
  ListApiKeysQuery,
  Problem,
  UpdateApiKey,
} from '@guise/contract';
import { Type } from 'typebox';

const tags = ['keys'];
const params = Type.Object({ keyId: Type.String({ description: 'The `id` of the key.' }) });
const problems = { '4xx': Problem, '5xx': Problem };
const NoContent = Type.Null({ description: 'It is of no use any more.' });

/** What each route of keys takes and gives, for validation and for the OpenAPI document. */
export const KEY_OPERATIONS = {
  listApiKeys: {
    operationId: 'listApiKeys',
    summary: 'List API keys, newest first, revoked ones too',
    tags,
    querystring: ListApiKeysQuery,
    response: { 200: ApiKeyList, ...problems },
  },
  createApiKey: {
    operationId: 'createApiKey',
    summary: 'Make an API key; its secret is in this answer and nowhere else',
    tags,
    body: CreateApiKey,
    response: { 201: CreatedApiKey, ...problems },
  },
  getApiKey: {
    operationId: 'getApiKey',
    summary: 'Read one API key, with what its tenant uses now',
    tags,
    params,
    response: { 200: ApiKeyDetails, ...problems },
  },
  updateApiKey: {
    operationId: 'updateApiKey',
    summary: 'Change name, expiry, quotas or priority of an API key; in force everywhere within 5 seconds',
    tags,
    params,
    body: UpdateApiKey,
    response: { 200: ApiKey, ...problems },
  },
  revokeApiKey: {
    operationId: 'revokeApiKey',
    summary:
      'Take an API key out of use for ever, everywhere within 5 seconds; its connections are closed, its sessions go on',
    tags,
    params,
    response: { 204: NoContent, ...problems },
  },
};
