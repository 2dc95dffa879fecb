export { CdpGateway } from './cdp-gateway.ts';
export { PortRange } from './port-range.ts';
