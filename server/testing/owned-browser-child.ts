import { launchBrowser } from '../browser/index.ts';
import { testFingerprint } from './fingerprints.ts';
import { findTestHost } from './test-host.ts';
import { findIdentityHost, specFor } from './test-identity.ts';

/**
 * The far side of a test about a service that is killed: launches a browser with a Windows identity below the folder root it is
 * given, opens an address in it, notes an owner, says so and waits for its end.
 */
const [foldersRoot = '', url = ''] = process.argv.slice(2);
const host = await findTestHost(foldersRoot);
const spec = specFor(testFingerprint('windows', host.version), { headless: true, host: await findIdentityHost() });
const browser = await launchBrowser(spec, host, AbortSignal.timeout(30_000));
await browser.openPages([url], AbortSignal.timeout(30_000));
await browser.noteOwner('test');
process.stdout.write('ready\n');
