import schema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' };
import { REALTIME_METHODS, REALTIME_NOTIFICATIONS } from '@guise/contract';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';

import { realtimeDocument } from './async-api.ts';

const document: unknown = JSON.parse(JSON.stringify(realtimeDocument({ version: '1.0.0', connectQuery: {} })));

describe('realtimeDocument', () => {
  it('is valid by the schema of AsyncAPI 3.0', () => {
    // The schema brings JSON Schema's own with it.
    const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...(document as object), operations: { broken: { action: 'shout' } } })).toBe(false);
  });

  it('has an operation for every method and notification of the contract, with the schemas that validate', () => {
    const { channels, operations } = document as {
      channels: { realtime: { messages: Record<string, { payload: { properties: { params: object } } }> } };
      operations: Record<string, { action: string }>;
    };
    for (const [name, { params }] of Object.entries(REALTIME_METHODS)) {
      expect(operations[name]?.action).toBe('receive');
      const described = channels.realtime.messages[`${name}.request`]?.payload.properties.params;
      expect(described).toEqual(JSON.parse(JSON.stringify(params)));
    }
    for (const name of Object.keys(REALTIME_NOTIFICATIONS)) expect(operations[name]?.action).toBe('send');
  });
});
