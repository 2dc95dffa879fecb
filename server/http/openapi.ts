import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

const TAGS = [
  { name: 'sessions', description: 'Start, find, change and end browser sessions' },
  { name: 'page', description: 'Act on the page in front of a live session' },
  { name: 'cookies', description: "A session's cookies" },
  { name: 'profiles', description: 'Saved identities: what a browser claims to be, and what it has stored' },
  { name: 'proxies', description: 'Proxies that sessions leave through' },
  { name: 'keys', description: 'Who may call: API keys, their roles and quotas' },
  { name: 'audit', description: 'Who did what' },
  { name: 'service', description: 'How the service is doing' },
];

type OpenApiDocument = Extract<Parameters<SwaggerTransformObject>[0], { openapiObject: unknown }>['openapiObject'];

interface Operation {
  operationId?: string;
  security?: object[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Record<string, unknown> }> };
  responses?: Record<string, { content?: Record<string, unknown> }>;
}

/** The contract marks bodies that may be left out. */
function describeBody({ requestBody }: Operation): void {
  const schema = requestBody?.content['application/json']?.schema ?? {};
  if (requestBody !== undefined && !('required' in schema) && !('minProperties' in schema))
    requestBody.required = false;
}

/** Refusals have a media type of their own. */
function describeRefusals({ responses = {} }: Operation): void {
  for (const status of ['4XX', '5XX']) {
    const content = responses[status]?.content;
    if (content === undefined) continue;
    content['application/problem+json'] = content['application/json'];
    delete content['application/json'];
  }
}

/** How a key is sent, where one is needed. */
const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key: Authorization: Bearer KEY' },
  header: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key' },
} as const;
const BY_KEY = [{ bearer: [] }, { header: [] }];

/** Says what the generator of the document cannot know. */
function describeOperations(document: OpenApiDocument, takesKey: (operationId: string) => boolean): OpenApiDocument {
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path ?? {}) as Operation[]) {
      operation.security = takesKey(operation.operationId ?? '') ? BY_KEY : [];
      describeBody(operation);
      describeRefusals(operation);
    }
  }
  return document;
}

/** The bar only offers to load another document. */
const HIDE_TOP_BAR = '.swagger-ui .topbar { display: none }';

/** Serves the OpenAPI document at /openapi.json and a page for people at /docs, both made from the route schemas. */
export async function installOpenApi(
  app: FastifyInstance,
  { version, takesKey }: { readonly version: string; readonly takesKey: (operationId: string) => boolean },
): Promise<void> {
  await app.register(swagger, {
    transformObject: (document) =>
      'openapiObject' in document ? describeOperations(document.openapiObject, takesKey) : document.swaggerObject,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Guise',
        version,
        description:
          'A self-hosted cloud of anti-detect browsers. Errors are RFC 9457 problem details; branch on their `code`.',
      },
      components: { securitySchemes: SECURITY_SCHEMES },
      tags: TAGS,
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    theme: { title: 'Guise API', css: [{ filename: 'guise.css', content: HIDE_TOP_BAR }] },
  });
  app.get('/openapi.json', { schema: { hide: true, operationId: 'getOpenApi' } }, () => app.swagger());
}
