import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

const TAGS = [
  { name: 'sessions', description: 'Start, find, change and end browser sessions' },
  { name: 'page', description: 'Act on the page in front of a live session' },
  { name: 'cookies', description: "A session's cookies" },
  { name: 'service', description: 'How the service is doing' },
];

/** The bar only offers to load another document. */
const HIDE_TOP_BAR = '.swagger-ui .topbar { display: none }';

/** Serves the OpenAPI document at /openapi.json and a page for people at /docs, both made from the route schemas. */
export async function installOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Guise',
        version,
        description:
          'A self-hosted cloud of anti-detect browsers. Errors are RFC 9457 problem details; branch on their `code`.',
      },
      tags: TAGS,
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    theme: { title: 'Guise API', css: [{ filename: 'guise.css', content: HIDE_TOP_BAR }] },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}
