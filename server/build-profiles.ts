import type { Ownership } from './features/keys/index.ts';
import {
  type IdentityRules,
  profileCommands,
  ProfileRepository,
  ProfileService,
  ProfileStates,
  ProfileWardrobe,
  StateRepository,
} from './features/profiles/index.ts';
import type { SessionService } from './features/sessions/index.ts';
import { AppError } from './lib/app-error.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { ObjectStore } from './platform/objects/index.ts';
import { type Database, loadInstanceSecret } from './platform/postgres/index.ts';
import type { Settings } from './settings/load-settings.ts';

/** Saved profiles, for those who wear them and for those who ask for them. */
export interface ProfileParts {
  readonly wardrobe: ProfileWardrobe;
  readonly commands: ReturnType<typeof profileCommands>;
}

/** Ends a session; one that is not there (any more) has ended. */
async function endSession(sessions: SessionService, id: string): Promise<void> {
  try {
    await sessions.end(id, 'requested');
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'SESSION_NOT_FOUND') throw error;
  }
}

/** Puts together what saved profiles are made of. `sessions` is asked for only once all is built. */
export async function buildProfiles(
  settings: Pick<Settings, 'nodeId' | 'profileEncryptionKey'>,
  parts: {
    readonly db: Database;
    readonly objects: ObjectStore;
    readonly identity: IdentityRules;
    readonly sessions: () => SessionService;
    readonly ownership: Pick<Ownership, 'isVisible'>;
  },
  logger: Logger,
): Promise<ProfileParts> {
  const { db, objects, identity, sessions, ownership } = parts;
  // What was sealed before there was a key of the settings is still opened.
  const ownKey = await loadInstanceSecret(db, 'profile-states');
  const { profileEncryptionKey } = settings;
  const states = new ProfileStates({
    states: new StateRepository(db, settings.nodeId),
    objects,
    keys: profileEncryptionKey === undefined ? [ownKey] : [profileEncryptionKey, ownKey],
    logger,
  });
  const profiles = new ProfileRepository(db, settings.nodeId);
  const service = new ProfileService({
    profiles,
    states,
    identity,
    endSession: (id) => endSession(sessions(), id),
  });
  return {
    wardrobe: new ProfileWardrobe({ profiles, states }),
    commands: profileCommands({
      service,
      profiles,
      states,
      seesProxy: (actor, proxyId) => ownership.isVisible(actor, 'proxyId', proxyId),
    }),
  };
}
