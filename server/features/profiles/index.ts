export type { IdentityRules } from './identity-rules.ts';
export { profileCommands } from './profile-commands.ts';
export { profileFileRoutes } from './profile-file-routes.ts';
export { ProfileRepository } from './profile-repository.ts';
export { profileRoutes } from './profile-routes.ts';
export { ProfileService } from './profile-service.ts';
export { ProfileStates } from './state/profile-states.ts';
export { StateRepository } from './state/state-repository.ts';
export { ProfileWardrobe, type WornProfile } from './worn-profile.ts';
