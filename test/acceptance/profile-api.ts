import type { CreateProfile, Fingerprint, Profile, ProfileList } from '@guise/contract';

import { type Api, expectStatus } from './api.ts';
import { type Answer, send } from './http-client.ts';
import type { Service } from './service.ts';

/** A fingerprint that holds together: that of a sample profile, which a new development server has. */
export async function readSampleFingerprint(api: Api, os = 'windows'): Promise<Fingerprint> {
  const { profiles } = expectStatus<ProfileList>(await api.call('GET', `/api/profiles?tag=sample&os=${os}`), 200);
  const [sample] = profiles;
  if (sample === undefined) throw new Error(`There is no sample profile of ${os}`);
  return sample.fingerprint;
}

/** Saves a profile. Whether its fingerprint is coherent is not what most tests are about. @throws when it is refused */
export async function saveProfile(api: Api, input: Partial<CreateProfile> = {}): Promise<Profile> {
  const fingerprint = input.fingerprint ?? (await readSampleFingerprint(api));
  const body = { name: 'Test', allowIncoherent: true, ...input, fingerprint };
  return expectStatus<Profile>(await api.call('POST', '/api/profiles', body), 201);
}

/** Reads a profile. @throws when it is refused */
export async function readProfile(api: Api, id: string): Promise<Profile> {
  return expectStatus<Profile>(await api.call('GET', `/api/profiles/${id}`), 200);
}

/** Sends the file of a profile. */
export async function sendProfileFile(
  { address, headers }: Pick<Service, 'address' | 'headers'>,
  query: string,
  body: Buffer,
): Promise<Answer> {
  return send(`${address}/api/profiles/import?${query}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/zstd' },
    body,
  });
}
