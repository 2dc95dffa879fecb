export { CdpGateway } from './cdp-gateway.ts';
export { cdpRoutes } from './cdp-routes.ts';
export { PortRange } from './port-range.ts';
