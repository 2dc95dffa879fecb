import { CreateProxy, ListProxiesQuery, Problem, Proxy, ProxyGroupList, ProxyList, UpdateProxy } from '@guise/contract';
import { Type } from 'typebox';

const tags = ['proxies'];
const params = Type.Object({ proxyId: Type.String({ description: 'The `id` of the proxy.' }) });
const problems = { '4xx': Problem, '5xx': Problem };
const NoContent = Type.Null({ description: 'It is gone.' });

/** What each route of proxies takes and gives, for validation and for the OpenAPI document. */
export const PROXY_OPERATIONS = {
  listProxies: {
    operationId: 'listProxies',
    summary: 'List proxies, newest first, without their credentials',
    tags,
    querystring: ListProxiesQuery,
    response: { 200: ProxyList, ...problems },
  },
  createProxy: {
    operationId: 'createProxy',
    summary: 'Keep a proxy, given by its URL or by its parts; its password is encrypted and never shown',
    tags,
    body: CreateProxy,
    response: { 201: Proxy, ...problems },
  },
  listProxyGroups: {
    operationId: 'listProxyGroups',
    summary: 'The rotation groups with their members and how they do, as this node sees it',
    tags,
    response: { 200: ProxyGroupList, ...problems },
  },
  getProxy: {
    operationId: 'getProxy',
    summary: 'Read one proxy',
    tags,
    params,
    response: { 200: Proxy, ...problems },
  },
  updateProxy: {
    operationId: 'updateProxy',
    summary: 'Change a proxy; a session that leaves through it keeps what it has',
    tags,
    params,
    body: UpdateProxy,
    response: { 200: Proxy, ...problems },
  },
  deleteProxy: {
    operationId: 'deleteProxy',
    summary: 'Delete a proxy; profiles that name it name none afterwards',
    tags,
    params,
    response: { 204: NoContent, ...problems },
  },
  checkProxy: {
    operationId: 'checkProxy',
    summary: 'Make a request through the proxy: how long it takes, and where it comes out; both are kept',
    tags,
    params,
    response: { 200: Proxy, ...problems },
  },
};
