export { ALLOWED_COMMANDS } from './allowed-commands.ts';
export { CdpGateway } from './cdp-gateway.ts';
export { cdpRoutes } from './cdp-routes.ts';
export { connectToNewSession } from './create-on-connect.ts';
export type { ClientDeps } from './cdp-relay.ts';
export { HoldBudget } from './held-bytes.ts';
export { PortRange } from './port-range.ts';
export { RefusalLog } from './refusal-log.ts';
export { RESTRICTED_COMMANDS } from './restricted-commands.ts';
