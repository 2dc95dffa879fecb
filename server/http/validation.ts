import { Ajv, type ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifyInstance, FastifySchemaValidationError } from 'fastify';

interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

function newAjv(options: { readonly coerceTypes: boolean }): Ajv {
  // Unknown members stay, to be refused by name; every mistake is reported, not only the first.
  const ajv = new Ajv({ ...options, allErrors: true, removeAdditional: false, useDefaults: false, strict: false });
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

/** What is wrong with which field, in words that name it. */
export function toFieldProblems(errors: readonly FastifySchemaValidationError[]): FieldProblem[] {
  return errors.map((error) => {
    const {
      instancePath,
      message = 'is not valid',
      keyword,
      params,
    } = error as FastifySchemaValidationError & ErrorObject;
    const named = params as Readonly<Record<string, unknown>>;
    if (keyword === 'additionalProperties') {
      return { path: `${instancePath}/${String(named['additionalProperty'])}`, message: 'is not a known field' };
    }
    if (keyword === 'required')
      return { path: `${instancePath}/${String(named['missingProperty'])}`, message: 'is required' };
    if (keyword === 'enum') {
      const allowed = (named['allowedValues'] as readonly unknown[]).join(', ');
      return { path: instancePath, message: `must be one of ${allowed}` };
    }
    return { path: instancePath, message };
  });
}
