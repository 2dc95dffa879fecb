import type { BulkProfiles, BulkResult, FingerprintConstraints } from '@guise/contract';

import { type Actor, scopeOf } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import { noSuchProfile } from './profile-failures.ts';
import type { ProfileRepository } from './profile-repository.ts';
import { type ProfileService, toNewProfile } from './profile-service.ts';

type Outcome = BulkResult['results'][number];
type BulkCreate = Extract<BulkProfiles, { action: 'create' }>;
type BulkTags = Extract<BulkProfiles, { action: 'tag' | 'untag' }>;

/** As many profiles are written by one statement. */
const BATCH = 100;

interface BulkDeps {
  readonly service: ProfileService;
  readonly profiles: Pick<ProfileRepository, 'addTags' | 'removeTags' | 'listPresent'>;
}

function done(id: string): Outcome {
  return { id, ok: true, code: null, detail: null };
}

/** What a client may know of a failure. What nobody expected is not one of these, and ends the whole request. */
function failed(id: string | null, error: unknown): Outcome {
  if (!(error instanceof AppError)) throw error;
  return { id, ok: false, code: error.code, detail: error.message };
}

/** Each of many from one seed is another one, and the same each time. */
function withSeed(constraints: FingerprintConstraints, index: number): FingerprintConstraints {
  const { seed } = constraints;
  return seed === undefined ? constraints : { ...constraints, seed: (seed + index) % Number.MAX_SAFE_INTEGER };
}

async function createAll({ service }: BulkDeps, input: BulkCreate, ownerKeyId: string | null): Promise<Outcome[]> {
  const { count, name, constraints = {} } = input;
  const outcomes: Outcome[] = [];
  for (let begin = 0; begin < count; begin += BATCH) {
    const size = Math.min(BATCH, count - begin);
    try {
      const profiles = Array.from({ length: size }, (_, offset) => {
        const index = begin + offset;
        const fingerprint = service.generate(withSeed(constraints, index));
        return toNewProfile({ ...input, ownerKeyId, name: `${name} ${index + 1}` }, fingerprint);
      });
      outcomes.push(...(await service.insertAll(profiles)).map(({ id }) => done(id)));
    } catch (error) {
      outcomes.push(...Array.from({ length: size }, () => failed(null, error)));
    }
  }
  return outcomes;
}

async function deleteAll({ service }: BulkDeps, ids: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const id of ids) {
    outcomes.push(
      await service.delete(id).then(
        () => done(id),
        (error: unknown) => failed(id, error),
      ),
    );
  }
  return outcomes;
}

async function tagAll(
  { profiles }: BulkDeps,
  { action, ids, tags }: Omit<BulkTags, 'ids'> & { ids: string[] },
): Promise<Outcome[]> {
  const change = action === 'tag' ? profiles.addTags(ids, tags) : profiles.removeTags(ids, tags);
  const changed = new Set(await change);
  const present = new Set(changed.size === ids.length ? changed : await profiles.listPresent(ids));
  const tooMany = new AppError('VALIDATION_FAILED', 'It would have too many tags');
  return ids.map((id) => (changed.has(id) ? done(id) : failed(id, present.has(id) ? tooMany : noSuchProfile(id))));
}

/** Does something to those of these profiles that an actor sees; the others are not there. */
async function onOwn(
  { profiles }: BulkDeps,
  { ids: wanted, actor }: { readonly ids: readonly string[]; readonly actor: Actor },
  run: (ids: string[]) => Promise<Outcome[]>,
): Promise<Outcome[]> {
  const ids = wanted.map(lowerCase);
  const scope = scopeOf(actor);
  if (scope === undefined) return run(ids);
  const own = new Set(await profiles.listPresent(ids, scope));
  const outcomes = await run(ids.filter((id) => own.has(id)));
  const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  return ids.map((id) => byId.get(id) ?? failed(id, noSuchProfile(id)));
}

/** Does one thing to many profiles and says of each what became of it. */
export async function runBulk(deps: BulkDeps, input: BulkProfiles, actor: Actor): Promise<BulkResult> {
  const run = (): Promise<Outcome[]> => {
    switch (input.action) {
      case 'create':
        return createAll(deps, input, actor.tenantId);
      case 'delete':
        return onOwn(deps, { ids: input.ids, actor }, (ids) => deleteAll(deps, ids));
      case 'tag':
      case 'untag':
        return onOwn(deps, { ids: input.ids, actor }, (ids) => tagAll(deps, { ...input, ids }));
    }
  };
  const results = await run();
  const succeeded = results.filter(({ ok }) => ok).length;
  return { succeeded, failed: results.length - succeeded, results };
}

function lowerCase(id: string): string {
  return id.toLowerCase();
}
