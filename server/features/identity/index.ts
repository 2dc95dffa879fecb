export { compileIdentity, type IdentityHost, makeScriptTokens } from './launch-plan/compile-identity.ts';
export { openFontSets } from './launch-plan/font-sets.ts';
