import { REALTIME_METHODS } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { findRule, operationOf, ruleOf } from './operation-rules.ts';

describe('operation rules', () => {
  it.each(Object.keys(REALTIME_METHODS))('say who may call %s', (method) => {
    expect(findRule(operationOf(method))).toBeDefined();
  });

  it('leave what nobody has decided over to admins', () => {
    for (const name of ['', 'nonsense', 'constructor', '__proto__']) {
      expect(findRule(name)).toBeUndefined();
      expect(ruleOf(name)).toEqual({ access: 'admin', isAudited: true });
    }
  });
});
