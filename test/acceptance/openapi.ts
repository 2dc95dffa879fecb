type JsonObject = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const SCHEMA_TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'];
/** Words of OpenAPI 3.0 that mean nothing in 3.1, whose schemas are JSON Schema of 2020-12. */
const OUTDATED = ['nullable', 'x-nullable'];

/** One route of an OpenAPI document. */
interface Operation {
  /** Such as `GET /api/sessions/{sessionId}`. */
  readonly route: string;
  readonly operation: JsonObject;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at a path of names; an empty object where there is none. */
function objectAt(value: unknown, ...names: readonly string[]): JsonObject {
  const found = names.reduce<unknown>((each, name) => (isObject(each) ? each[name] : undefined), value);
  return isObject(found) ? found : {};
}

function textAt(value: unknown, name: string): string | undefined {
  const found = objectAt(value)[name];
  return typeof found === 'string' ? found : undefined;
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const found = objectAt(value)[name];
  return Array.isArray(found) ? (found as readonly unknown[]) : [];
}

/** All routes of a document. */
export function listOperations(document: unknown): Operation[] {
  return Object.entries(objectAt(document, 'paths')).flatMap(([path, item]) =>
    METHODS.filter((method) => isObject(objectAt(item)[method])).map((method) => ({
      route: `${method.toUpperCase()} ${path}`,
      operation: objectAt(item, method),
    })),
  );
}

function checkResponses({ route, operation }: Operation): string[] {
  const responses = Object.entries(objectAt(operation, 'responses'));
  if (responses.length === 0) return [`${route}: no responses`];
  return responses.flatMap(([status, response]) => [
    ...(/^([1-5]\d\d|[1-5]XX|default)$/.test(status) ? [] : [`${route}: ${status} is no status`]),
    ...(textAt(response, 'description') === undefined ? [`${route} ${status}: no description`] : []),
  ]);
}

function checkParameters({ route, operation }: Operation): string[] {
  const inPath = listAt(operation, 'parameters').filter((each) => textAt(each, 'in') === 'path');
  const declared = inPath.map((each) => textAt(each, 'name')).sort();
  const wanted = [...route.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort();
  return [
    ...(declared.join() === wanted.join() ? [] : [`${route}: declares ${declared.join()} in its path`]),
    ...inPath.flatMap((each) =>
      objectAt(each)['required'] === true ? [] : [`${route}: a path parameter is optional`],
    ),
  ];
}

function checkOperation(each: Operation): string[] {
  const hasId = textAt(each.operation, 'operationId') !== undefined;
  return [...(hasId ? [] : [`${each.route}: no operationId`]), ...checkResponses(each), ...checkParameters(each)];
}

function checkTypes(node: JsonObject, place: string): string[] {
  const { type } = node;
  const types = typeof type === 'string' ? [type] : listAt(node, 'type');
  return types.every((each) => SCHEMA_TYPES.includes(each as string)) ? [] : [`${place}: an unknown type`];
}

function checkNode(node: JsonObject, place: string, document: unknown): string[] {
  const target = textAt(node, '$ref')?.replace(/^#\//, '').split('/');
  const isDangling = target !== undefined && Object.keys(objectAt(document, ...target)).length === 0;
  const outdated = [
    ...OUTDATED.filter((name) => name in node),
    ...['exclusiveMinimum', 'exclusiveMaximum'].filter((name) => typeof node[name] === 'boolean'),
  ];
  return [
    ...(isDangling ? [`${place}: ${target.join('/')} leads nowhere`] : []),
    ...checkTypes(node, place),
    ...outdated.map((name) => `${place}: ${name} is of OpenAPI 3.0`),
  ];
}

function checkTree(node: unknown, place: string, document: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap((each, index) => checkTree(each, `${place}/${index}`, document));
  // What is below has types of its own, and is no schema.
  if (!isObject(node) || place === '#/components/securitySchemes') return [];
  // The names below `properties` are the client's, not the schema's.
  const own = /\/(properties|example)$/.test(place) ? [] : checkNode(node, place, document);
  return [...own, ...Object.entries(node).flatMap(([name, each]) => checkTree(each, `${place}/${name}`, document))];
}

/** What is wrong with a document by the rules of OpenAPI 3.1 that a generator may break; empty where nothing is. */
export function findOpenApiProblems(document: unknown): string[] {
  const operations = listOperations(document);
  const ids = operations.map(({ operation }) => textAt(operation, 'operationId'));
  const { info, paths } = objectAt(document);
  const isNamed = textAt(info, 'title') !== undefined && textAt(info, 'version') !== undefined;
  return [
    ...(/^3\.1\.\d+$/.test(textAt(document, 'openapi') ?? '') ? [] : ['it is no OpenAPI 3.1 document']),
    ...(isNamed ? [] : ['info has no title or no version']),
    ...Object.keys(objectAt(paths)).flatMap((path) => (path.startsWith('/') ? [] : [`${path} does not begin with /`])),
    ...(new Set(ids).size === ids.length ? [] : ['an operationId is used twice']),
    ...operations.flatMap(checkOperation),
    ...checkTree(document, '#', document),
  ];
}

/** The media types an operation's answers of some statuses have, in the document. */
export function mediaTypesOf({ operation }: Operation, statuses: RegExp): string[] {
  return Object.entries(objectAt(operation, 'responses'))
    .filter(([status]) => statuses.test(status))
    .flatMap(([, response]) => Object.keys(objectAt(response, 'content')));
}

/** Whether the document says that a request must have a body. */
export function requiresBody({ operation }: Operation): boolean {
  return objectAt(operation, 'requestBody')['required'] === true;
}
