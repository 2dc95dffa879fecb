export { CdpGateway } from './cdp-gateway.ts';
export { cdpRoutes } from './cdp-routes.ts';
export { connectToNewSession } from './create-on-connect.ts';
export { PortRange } from './port-range.ts';
