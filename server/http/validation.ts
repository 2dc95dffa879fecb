import { Ajv, type ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifyInstance, FastifySchemaValidationError } from 'fastify';

import { AppError } from '../lib/app-error.ts';

interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

function newAjv(options: { readonly coerceTypes: boolean }): Ajv {
  // Unknown members stay, to be refused by name; every mistake is reported, not only the first.
  const ajv = new Ajv({
    ...options,
    allErrors: true,
    removeAdditional: false,
    useDefaults: false,
    strict: false,
    verbose: true,
  });
  addFormats.default(ajv);
  return ajv;
}

/**
 * Validates requests with the contract's schemas as they are: bodies to the letter, while text from the address
 * becomes the number or boolean it stands for.
 */
export function installValidation(app: FastifyInstance): void {
  const strict = newAjv({ coerceTypes: false });
  const coercing = newAjv({ coerceTypes: true });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? strict : coercing).compile(schema as object),
  );
}

/** What an error of ajv says in words that name the field. */
function toFieldProblem({
  instancePath,
  message = 'is not valid',
  keyword,
  params,
  parentSchema,
}: ErrorObject): FieldProblem {
  const named = params as Readonly<Record<string, unknown>>;
  const { description } = (parentSchema ?? {}) as { readonly description?: string };
  switch (keyword) {
    case 'additionalProperties':
      return { path: `${instancePath}/${String(named['additionalProperty'])}`, message: 'is not a known field' };
    case 'required':
      return { path: `${instancePath}/${String(named['missingProperty'])}`, message: 'is required' };
    case 'enum':
      return { path: instancePath, message: `must be one of ${(named['allowedValues'] as unknown[]).join(', ')}` };
    case 'pattern':
      // A pattern says little to a person; the schema's own words say what is wanted.
      return { path: instancePath, message: description === undefined ? message : `must be: ${description}` };
    default:
      return { path: instancePath, message };
  }
}

/** That one branch of a choice does not fit says nothing beside what is wrong in it. */
function isTelling({ keyword }: { readonly keyword: string }): boolean {
  return keyword !== 'if';
}

/** Every mistake validation found, by field. */
export function toFieldProblems(errors: readonly FastifySchemaValidationError[]): FieldProblem[] {
  return errors.filter(isTelling).map((error) => toFieldProblem(error as FastifySchemaValidationError & ErrorObject));
}

/**
 * Checks values that come by another way than a request's body as strictly as bodies are.
 *
 * The check it makes throws {AppError} VALIDATION_FAILED, which names every member that is wrong.
 */
export function compileCheck(schema: object): (value: unknown) => void {
  const validate = newAjv({ coerceTypes: false }).compile(schema);
  return (value) => {
    if (validate(value)) return;
    const errors = (validate.errors ?? []).filter(isTelling).map(toFieldProblem);
    const detail = errors.map(({ path, message }) => `${path} ${message}`.trim()).join('; ');
    throw new AppError('VALIDATION_FAILED', detail, { extensions: { errors } });
  };
}
