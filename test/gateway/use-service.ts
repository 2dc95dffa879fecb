import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The service on which the tests of the project are made, with the secret of an admin's key; see `gateway-global-setup.ts`. */
    serviceElsewhere: { readonly url: string; readonly key: string };
  }
}

// Runs before each file of tests, in its process: they know of no vitest where they find their service.
const { url, key } = inject('serviceElsewhere');
process.env['GUISE_URL'] = url;
process.env['GUISE_KEY'] = key;
