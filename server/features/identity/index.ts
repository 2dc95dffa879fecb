export {
  compileIdentity,
  type CompileOptions,
  type IdentityHost,
  makeScriptTokens,
  type ScriptTokens,
} from './launch-plan/compile-identity.ts';
export { type FontSets, openFontSets } from './launch-plan/font-sets.ts';
