import { type AnyNode, parse } from 'acorn';

/** How a client's script has to be run so that it means what its author meant. */
export type ScriptKind = 'plain' | 'console' | 'function';

/** What only the console's way of evaluating, or a function, can run. Without any of it nothing needs to be parsed. */
const NEEDS_A_LOOK = /\b(?:await|return|let|const|class)\b/;

interface TopLevel {
  hasReturn: boolean;
  hasAwait: boolean;
}

/** Inside of these, `return` and `await` are the business of a function. */
const SCOPES = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression', 'ClassBody'];

function isScope({ type }: AnyNode): boolean {
  return SCOPES.includes(type);
}

function isAwait(node: AnyNode): boolean {
  return node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await);
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Looks for what stands outside of every function and class. */
function lookThrough(node: AnyNode, found: TopLevel): void {
  found.hasReturn ||= node.type === 'ReturnStatement';
  found.hasAwait ||= isAwait(node);
  if (isScope(node)) return;
  for (const value of Object.values(node) as unknown[]) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value])
      if (isNode(child)) lookThrough(child, found);
  }
}

/**
 * Tells from a script's syntax how to run it. Never runs any of it.
 *
 * `function`: it has a top-level `return`. `console`: it has a top-level `await`, or declares names that a later script may
 * declare again, as in the browser's console. `plain`: anything else, also what cannot be parsed here; the browser's own
 * parser then says what is wrong with it.
 */
export function scriptKind(code: string): ScriptKind {
  if (!NEEDS_A_LOOK.test(code)) return 'plain';
  try {
    const program = parse(code, {
      ecmaVersion: 'latest',
      sourceType: 'script',
      allowAwaitOutsideFunction: true,
      allowReturnOutsideFunction: true,
      allowHashBang: true,
    });
    const found = { hasReturn: false, hasAwait: false };
    lookThrough(program, found);
    if (found.hasReturn) return 'function';
    const declares = program.body.some(
      (each) => each.type === 'ClassDeclaration' || (each.type === 'VariableDeclaration' && each.kind !== 'var'),
    );
    return found.hasAwait || declares ? 'console' : 'plain';
  } catch {
    // A mistake in the script, nesting too deep to follow, or syntax newer than the parser.
    return 'plain';
  }
}
